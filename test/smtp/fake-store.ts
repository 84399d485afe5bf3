import type { Delivery, Envelope, Maildrop, MailStore, StoredMessage } from '../../shared/mail/mail-store.ts'

/** Trace lines that the server put before a message. */
const tracePattern = /^Return-Path: <[^\r\n]*>\r\nReceived: (?:[^\r\n]|\r\n\t)*\r\n/

/** A message that was committed. */
export interface Kept {
  readonly envelope: Envelope
  readonly octets: Buffer
  /** The trace lines, unfolded. */
  readonly trace: string
  /** What the client sent. */
  readonly body: Buffer
}

/** What can be made to go wrong. */
export interface Faults {
  /** The n-th write of a delivery (from 0) rejects with this. */
  write?: { readonly nth: number; readonly error: Error }
  commit?: Error
  deliver?: Error
  /** Awaited before a commit is done. */
  beforeCommit?: () => Promise<void>
  /** Awaited in each write. */
  duringWrite?: () => Promise<void>
}

/** A store in memory that takes deliveries only, and says what became of each. */
export class FakeStore implements MailStore {
  readonly faults: Faults
  readonly kept: Kept[] = []
  /** Deliveries that were begun, committed, aborted, and calls of `write`. */
  readonly counts = { begun: 0, committed: 0, aborted: 0, writes: 0, largestWrite: 0 }
  closed = false

  constructor(faults: Faults = {}) {
    this.faults = faults
  }

  /** Deliveries that neither commit nor abort has ended. */
  get unended(): number {
    return this.counts.begun - this.counts.committed - this.counts.aborted
  }

  /** What an account got. */
  of(account: string): readonly Kept[] {
    return this.kept.filter(({ envelope }) => envelope.recipients.some((recipient) => recipient.account === account))
  }

  deliver(envelope: Envelope): Delivery {
    if (this.faults.deliver) throw this.faults.deliver
    this.counts.begun += 1
    return new FakeDelivery(this, envelope)
  }

  open(): Promise<Maildrop | null> {
    return Promise.reject(new Error('this store takes deliveries only'))
  }

  list(): Promise<readonly StoredMessage[]> {
    return Promise.reject(new Error('this store takes deliveries only'))
  }

  read(): AsyncIterable<Buffer> {
    throw new Error('this store takes deliveries only')
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

class FakeDelivery implements Delivery {
  readonly #store: FakeStore
  readonly #envelope: Envelope
  readonly #parts: Buffer[] = []
  #writes = 0
  #writing = false
  #ended = false

  constructor(store: FakeStore, envelope: Envelope) {
    this.#store = store
    this.#envelope = envelope
  }

  async write(chunk: Buffer): Promise<void> {
    this.#mustBeOpen()
    const { faults, counts } = this.#store
    counts.writes += 1
    counts.largestWrite = Math.max(counts.largestWrite, chunk.length)
    this.#parts.push(Buffer.from(chunk))
    this.#writing = true
    await faults.duringWrite?.()
    this.#writing = false
    if (faults.write?.nth === this.#writes++) throw faults.write.error
  }

  async commit(): Promise<readonly string[]> {
    this.#mustBeOpen()
    const { faults, counts, kept } = this.#store
    await faults.beforeCommit?.()
    this.#ended = true
    // A commit that failed has ended the delivery too.
    counts.committed += 1
    if (faults.commit) throw faults.commit
    const octets = Buffer.concat(this.#parts)
    const folded = tracePattern.exec(octets.toString('latin1'))?.[0]
    if (folded === undefined) throw new Error('a message without trace lines')
    const trace = folded.replaceAll('\r\n\t', ' ')
    kept.push({ envelope: this.#envelope, octets, trace, body: octets.subarray(folded.length) })
    const accounts = new Set(this.#envelope.recipients.map(({ account }) => account))
    return [...accounts].map((_, index) => `${kept.length}${index}`)
  }

  async abort(): Promise<void> {
    this.#mustBeOpen()
    this.#ended = true
    this.#store.counts.aborted += 1
  }

  /** One thing after the other. */
  #mustBeOpen(): void {
    if (this.#writing) throw new Error('a write is not over')
    if (this.#ended) throw new Error('the delivery was ended before')
  }
}
