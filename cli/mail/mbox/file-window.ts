/** A large file looked at piece by piece. */
import type { FileHandle } from 'node:fs/promises'

/** So much is read at once. */
const blockOctets = 1024 * 1024

/** Who opened the file closes it. A buffer that was given out is never written to again. */
export class FileWindow {
  /** As it was when it was opened: what is written behind it meanwhile is not seen. */
  readonly size: number
  readonly #file: FileHandle
  #base = 0
  #octets: Buffer = Buffer.alloc(0)

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.size = size
  }

  /** What is there from a position on: at least so many octets, unless the file ends before; often more. */
  async at(position: number, least: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(least, this.size - position))
    const offset = position - this.#base
    if (offset < 0 || offset + wanted > this.#octets.length) {
      this.#octets = await this.#read(position, Math.min(Math.max(wanted, blockOctets), this.size - position))
      this.#base = position
      return this.#octets
    }
    return this.#octets.subarray(offset)
  }

  /** A range in pieces, without moving the window. */
  async *range(start: number, end: number): AsyncGenerator<Buffer> {
    for (let position = start; position < end; ) {
      const octets = await this.#read(position, Math.min(blockOctets, end - position))
      if (octets.length === 0) return
      position += octets.length
      yield octets
    }
  }

  /** Less only where the file was made shorter. */
  async #read(position: number, length: number): Promise<Buffer> {
    const octets = Buffer.allocUnsafe(Math.max(0, length))
    let there = 0
    while (there < octets.length) {
      const { bytesRead } = await this.#file.read(octets, there, octets.length - there, position + there)
      if (bytesRead === 0) break
      there += bytesRead
    }
    return octets.subarray(0, there)
  }
}
