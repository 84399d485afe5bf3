/** A message on its way in: filled into chunks, of which full ones go ahead. */
import type { DeliverOptions, Delivery, Envelope, Placed, Quota, Recipient } from '../mail-store.ts'
import { storeError } from './failures.ts'
import { chunkOctets, isFlags, mostChunks } from './schema.ts'
import type { StoreThread } from './thread.ts'

/** Where a chunk begins: most messages are small. */
const firstOctets = 8 * 1024

const empty = Buffer.alloc(0)

/** Holds at most one chunk that fills and one that is being written. */
export class SqliteDelivery implements Delivery {
  readonly #thread: StoreThread
  readonly #envelope: Envelope
  readonly #options: DeliverOptions
  readonly #quota: Quota | null
  /** The unfinished delivery in the database, once a full chunk went there. */
  #delivery: number | null = null
  /** The chunk that fills, and the octets in it. */
  #chunk: Buffer = empty
  #used = 0
  /** A chunk's memory that the worker is done with. */
  #free: Buffer | null = null
  /** Chunks that went ahead. */
  #sent = 0
  #octets = 0
  #sending: Promise<void> = Promise.resolve()
  #ended = false

  constructor(thread: StoreThread, envelope: Envelope, options: DeliverOptions, quota: Quota | null) {
    if (envelope.recipients.length === 0) throw new RangeError('a delivery needs a recipient')
    if (!isFlags(options.flags ?? '')) throw new RangeError('flags are letters, each once, sorted')
    this.#thread = thread
    this.#envelope = envelope
    this.#options = options
    this.#quota = quota
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

  async commit(): Promise<readonly Placed[]> {
    this.#mustBeOpen()
    this.#ended = true
    try {
      await this.#sending
      const { whenFull = 'refuse', flags = '', receivedAt = null } = this.#options
      const envelope = stored(this.#envelope)
      const { ids } = await this.#thread.ask('deliver', {
        delivery: this.#delivery,
        chunks: this.#sent,
        octets: this.#octets,
        data: this.#take(),
        ...envelope,
        flags,
        received: receivedAt?.getTime() ?? null,
        quota: this.#quota,
        whenFull,
      })
      if (ids === null) throw storeError('over-quota')
      // What everybody is left out of is no message: what went ahead of it is given up.
      if (ids.every((id) => id === null)) await this.#forget()
      return envelope.accounts.map((account, place) => placed(account, ids[place] ?? null))
    } catch (error) {
      await this.#forget()
      throw error
    }
  }

  async abort(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    this.#chunk = empty
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
    const larger = size < chunkOctets ? Buffer.allocUnsafeSlow(size) : this.#full()
    this.#chunk.copy(larger, 0, 0, this.#used)
    this.#chunk = larger
  }

  /** Memory for a full chunk, which both threads see: two for each delivery, used in turn, leave nothing to collect behind. */
  #full(): Buffer {
    const free = this.#free ?? Buffer.from(new SharedArrayBuffer(chunkOctets))
    this.#free = null
    return free
  }

  /** The octets in the chunk. What passes to the worker passes with all the memory around it, hence the copy of a small one. */
  #take(): Buffer | null {
    if (this.#used === 0) return null
    const octets = this.#chunk.length === chunkOctets ? this.#chunk.subarray(0, this.#used) : Buffer.allocUnsafeSlow(this.#used)
    if (octets.buffer !== this.#chunk.buffer) this.#chunk.copy(octets, 0, 0, this.#used)
    this.#chunk = empty
    this.#used = 0
    return octets
  }

  /** Waits for the chunk before this one: that is the back-pressure. */
  async #send(): Promise<void> {
    await this.#sending
    const data = this.#take()
    if (data === null) return
    if (this.#sent === mostChunks) throw storeError('full', { cause: 'a message of more chunks than a delivery can have' })
    const chunk = this.#sent
    this.#sent += 1
    this.#sending = this.#append(chunk, data)
    this.#sending.catch(() => undefined) // told to the next write or the commit, which await it
  }

  async #append(chunk: number, data: Buffer): Promise<void> {
    const { delivery } = await this.#thread.ask('append', { delivery: this.#delivery, chunk, data })
    this.#delivery = delivery
    this.#free = data
  }

  async #forget(): Promise<void> {
    await Promise.allSettled([this.#sending])
    if (this.#delivery === null) return
    await Promise.allSettled([this.#thread.ask('forget', { delivery: this.#delivery })]) // a closed store has forgotten it
  }
}

/** The envelope as the database keeps it. */
const stored = ({ sender, recipients, dsn, utf8 }: Envelope) => ({
  sender,
  recipients: JSON.stringify(recipients.map(storedRecipient)),
  dsn: dsn === undefined ? null : JSON.stringify(dsn),
  utf8: utf8 === true ? (1 as const) : (0 as const),
  accounts: [...new Set(recipients.map(({ account }) => account))],
})

const storedRecipient = ({ address, account, notify, originalRecipient }: Recipient) =>
  notify === undefined && originalRecipient === undefined ? [address, account] : [address, account, { notify, originalRecipient }]

const placed = (account: string, id: number | null): Placed =>
  id === null ? { account, id, why: 'over-quota' } : { account, id: String(id) }
