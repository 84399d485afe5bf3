/** A message on its way in: filled into chunks, of which full ones go ahead. */
import type { Delivery, Envelope } from '../mail-store.ts'
import { storeError } from './failures.ts'
import { chunkOctets, mostChunks } from './schema.ts'
import type { StoreThread } from './thread.ts'

/** Where a chunk begins: most messages are small. */
const firstOctets = 8 * 1024

/** Holds at most one chunk that fills and one that is being written. */
export class SqliteDelivery implements Delivery {
  readonly #thread: StoreThread
  readonly #envelope: Envelope
  /** The unfinished delivery in the database, once a full chunk went there. */
  #delivery: number | null = null
  /** The chunk that fills, and the octets in it. */
  #chunk = Buffer.alloc(0)
  #used = 0
  /** Chunks that went ahead. */
  #sent = 0
  #octets = 0
  #sending: Promise<void> = Promise.resolve()
  #ended = false

  constructor(thread: StoreThread, envelope: Envelope) {
    if (envelope.recipients.length === 0) throw new RangeError('a delivery needs a recipient')
    this.#thread = thread
    this.#envelope = envelope
  }

  async write(octets: Buffer): Promise<void> {
    this.#mustBeOpen()
    let rest = octets
    while (rest.length > 0) {
      // A full chunk goes when something follows it: a message of exactly one chunk is written in one transaction.
      if (this.#used === chunkOctets) await this.#send()
      rest = this.#fill(rest)
    }
  }

  async commit(): Promise<readonly string[]> {
    this.#mustBeOpen()
    this.#ended = true
    try {
      await this.#sending
      const data = this.#take()
      const ask = { delivery: this.#delivery, chunks: this.#sent, octets: this.#octets, data, ...stored(this.#envelope) }
      const { ids } = await this.#thread.ask('deliver', ask)
      return ids.map(String)
    } catch (error) {
      await this.#forget()
      throw error
    }
  }

  async abort(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    this.#chunk = Buffer.alloc(0)
    await this.#forget()
  }

  #mustBeOpen(): void {
    if (this.#ended) throw new Error('the delivery was ended before')
  }

  /** Copies as much as fits; the buffer is the caller's again at once. */
  #fill(octets: Buffer): Buffer {
    const wanted = Math.min(chunkOctets, this.#used + octets.length)
    if (wanted > this.#chunk.length) this.#grow(wanted)
    const copied = octets.copy(this.#chunk, this.#used, 0, wanted - this.#used)
    this.#used += copied
    this.#octets += copied
    return octets.subarray(copied)
  }

  #grow(wanted: number): void {
    let size = Math.max(firstOctets, this.#chunk.length)
    while (size < wanted) size *= 2
    const larger = Buffer.allocUnsafeSlow(Math.min(size, chunkOctets))
    this.#chunk.copy(larger, 0, 0, this.#used)
    this.#chunk = larger
  }

  /** The octets in the chunk, alone in their memory: what passes to the worker passes with all the memory around it. */
  #take(): Buffer | null {
    if (this.#used === 0) return null
    const exact = this.#used === this.#chunk.length ? this.#chunk : Buffer.allocUnsafeSlow(this.#used)
    if (exact !== this.#chunk) this.#chunk.copy(exact, 0, 0, this.#used)
    this.#chunk = Buffer.alloc(0)
    this.#used = 0
    return exact
  }

  /** Waits for the chunk before this one: that is the back-pressure. */
  async #send(): Promise<void> {
    await this.#sending
    const data = this.#take()
    if (data === null) return
    if (this.#sent === mostChunks) throw storeError('full', { cause: 'a message of more chunks than a delivery can have' })
    const chunk = this.#sent
    this.#sent += 1
    const begin = async () => {
      const { delivery } = await this.#thread.ask('append', { delivery: this.#delivery, chunk, data }, [data.buffer as ArrayBuffer])
      this.#delivery = delivery
    }
    this.#sending = begin()
    this.#sending.catch(() => undefined) // told to the next write or the commit, which await it
  }

  async #forget(): Promise<void> {
    await Promise.allSettled([this.#sending])
    if (this.#delivery === null) return
    await Promise.allSettled([this.#thread.ask('forget', { delivery: this.#delivery })]) // a closed store has forgotten it
  }
}

/** The envelope as the database keeps it. */
const stored = ({ sender, recipients }: Envelope) => ({
  sender,
  recipients: JSON.stringify(recipients.map(({ address, account }) => [address, account])),
  accounts: [...new Set(recipients.map(({ account }) => account))],
})
