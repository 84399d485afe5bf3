import type { Upload } from './file-store.ts'
import { firstBuffer, type TransferBuffer, transferBuffer } from './transfer-buffers.ts'

/** When no more comes for so long, what was gathered is written. */
const idleMs = 20

/**
 * What was taken of an upload and is not written yet: as much at a time as the disk likes, one part written while the next one comes.
 * Who has octets hands them over by `take`; who can have them put into memory of ours has them put into `room`, and says `came`.
 */
export class Gathered {
  readonly #upload: Upload
  /** Holds all of a small file, which needs no large ones. */
  #first: TransferBuffer | null = null
  readonly #lent: TransferBuffer[] = []
  #filling: Buffer | null = null
  #filled = 0
  /** So many of those are written, or are to be next. */
  #given = 0
  /** What is to be written, in its order. */
  readonly #queue: Buffer[] = []
  #writing: Promise<void> | null = null
  /** Whoever waits until nothing of the queue waits any more. */
  #behind: PromiseWithResolvers<void> | null = null
  #failure: { readonly error: unknown } | null = null
  readonly #failing = Promise.withResolvers<never>()
  #idle: NodeJS.Timeout | null = null

  constructor(upload: Upload) {
    this.#upload = upload
    this.#failing.promise.catch(() => undefined)
  }

  /** Rejects when the disk refuses, though the client may send nothing for a while. */
  get failing(): Promise<never> {
    return this.#failing.promise
  }

  /** Where the next octets belong; never empty. Stays so until `came`. */
  get room(): Buffer {
    if (this.#filling === null) {
      this.#first = firstBuffer()
      this.#filling = this.#first.octets
    }
    return this.#filling.subarray(this.#filled)
  }

  /**
   * So many octets are in `room`.
   * @returns where the disk is behind: to be awaited before any are put into the next `room`
   */
  came(octets: number): Promise<void> | undefined {
    if (this.#idle === null) this.#idle = setTimeout(() => this.#give(), idleMs)
    else this.#idle.refresh()
    this.#filled += octets
    if (this.#filled < (this.#filling?.length ?? 0)) return undefined
    // The other buffer may be among what is written.
    const isBehind = this.#writing !== null
    this.#give()
    this.#filling = this.#next()
    this.#filled = 0
    this.#given = 0
    if (!isBehind) return undefined
    this.#behind ??= Promise.withResolvers<void>()
    return this.#behind.promise
  }

  /** Takes octets. Resolves when more may be taken: not while the disk is behind. @throws what the upload's `write` throws */
  async take(chunk: Buffer): Promise<void> {
    for (let taken = 0; taken < chunk.length; ) {
      if (this.#failure !== null) throw this.#failure.error
      const copied = chunk.copy(this.room, 0, taken)
      taken += copied
      const behind = this.came(copied)
      if (behind !== undefined) await behind
    }
  }

  /** Writes what is left. @throws what the upload's `write` throws */
  async end(): Promise<void> {
    if (this.#idle !== null) clearTimeout(this.#idle)
    this.#give()
    await this.#writing
    if (this.#failure !== null) throw this.#failure.error
  }

  /** To be called when nothing is written any more, and nothing is put into `room`. */
  release(): void {
    this.#first?.[Symbol.dispose]()
    for (const buffer of this.#lent) buffer[Symbol.dispose]()
  }

  #next(): Buffer {
    const other = this.#lent.length < 2 ? undefined : this.#lent.find(({ octets }) => octets !== this.#filling)
    if (other !== undefined) return other.octets
    const lent = transferBuffer(Number.POSITIVE_INFINITY)
    this.#lent.push(lent)
    return lent.octets
  }

  /** Has written what came. */
  #give(): void {
    const octets = this.#filling?.subarray(this.#given, this.#filled)
    if (this.#failure !== null || octets === undefined || octets.length === 0) return
    this.#given = this.#filled
    this.#queue.push(octets)
    this.#writing ??= this.#write()
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    try {
      for (let octets = this.#queue.shift(); octets !== undefined; octets = this.#queue.shift()) {
        if (this.#queue.length === 0) this.#caughtUp()
        await this.#upload.write(octets)
      }
    } catch (error) {
      this.#failure = { error }
      this.#queue.length = 0
      this.#failing.reject(error)
    } finally {
      this.#writing = null
      this.#caughtUp()
    }
  }

  #caughtUp(): void {
    this.#behind?.resolve()
    this.#behind = null
  }
}
