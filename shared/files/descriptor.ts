import { close, closeSync, constants, fstatSync, ftruncate, read, readSync, type Stats, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { openDescriptor, quickly, quicklyChange, smallOctets } from './direct.ts'
import type { FileReader } from './file-store.ts'

const later = { close: promisify(close), read: promisify(read), truncate: promisify(ftruncate), write: promisify(write) }

/**
 * An open file. Small ones, and the beginning of others, are read and written directly: what was written a moment ago, or read often, is
 * in memory, and what is written goes there. Whoever opens it closes it: nothing else does.
 */
export class Descriptor implements FileReader {
  readonly #number: number
  /** A file that is written to may have to wait for the disk also where it is closed. */
  readonly #quickly: typeof quickly
  /** Ways through the thread pool that go on: until then the number must not become another file's. */
  #used = 0
  #closing: { readonly done: Promise<void>; readonly unused: () => void } | null = null

  private constructor(number: number, flags: number) {
    this.#number = number
    this.#quickly = (flags & (constants.O_WRONLY | constants.O_RDWR)) === 0 ? quickly : quicklyChange
  }

  /** @throws the system's error */
  static async open(path: string, flags: number, mode?: number): Promise<Descriptor> {
    return new Descriptor(await openDescriptor(path, flags, mode), flags)
  }

  /** Of an open file all is in memory. */
  stat(): Stats {
    return fstatSync(this.#number)
  }

  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }> {
    return this.#move(
      position + length,
      (number) => ({ bytesRead: readSync(number, buffer, offset, length, position) }),
      (number) => later.read(number, buffer, offset, length, position),
    )
  }

  /** Writes all of it. @param written is told of each piece that was */
  async write(buffer: Buffer, position: number, written: (octets: number) => void): Promise<void> {
    for (let done = 0; done < buffer.length; ) {
      const rest = buffer.length - done
      const { bytesWritten } = await this.#move(
        position + buffer.length,
        (number) => ({ bytesWritten: writeSync(number, buffer, done, rest, position + done) }),
        (number) => later.write(number, buffer, done, rest, position + done),
      )
      done += bytesWritten
      written(bytesWritten)
    }
  }

  truncate(octets: number): Promise<void> {
    return this.#using((number) => later.truncate(number, octets))
  }

  /** Once nothing is read or written any more. A second time it only waits for the first. @throws the system's error */
  close(): Promise<void> {
    if (this.#closing === null) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const done = promise.then(() =>
        this.#quickly(
          () => closeSync(this.#number),
          () => later.close(this.#number),
        ),
      )
      this.#closing = { done, unused: resolve }
      if (this.#used === 0) resolve()
    }
    return this.#closing.done
  }

  #move<T>(end: number, directly: (number: number) => T, byPool: (number: number) => Promise<T>): Promise<T> {
    return this.#using((number) =>
      end > smallOctets
        ? byPool(number)
        : this.#quickly(
            () => directly(number),
            () => byPool(number),
          ),
    )
  }

  #use(): void {
    if (this.#closing !== null) throw new Error('the file is closed')
    this.#used += 1
  }

  async #using<T>(act: (number: number) => Promise<T>): Promise<T> {
    this.#use()
    try {
      return await act(this.#number)
    } finally {
      this.#used -= 1
      if (this.#used === 0) this.#closing?.unused()
    }
  }
}
