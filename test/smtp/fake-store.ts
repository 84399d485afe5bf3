import {
  type DeliverOptions,
  type Delivery,
  type Envelope,
  type Head,
  type Maildrop,
  type MailStore,
  type Placed,
  type StoredMessage,
  StoreError,
  type Usage,
} from '../../shared/mail/mail-store.ts'

/** Trace lines that the server put before a message. */
const tracePattern = /^Return-Path: <[^\r\n]*>\r\n(?:Received: (?:[^\r\n]|\r\n\t)*\r\n)?/

/** A message that was committed. */
export interface Kept {
  readonly ids: readonly string[]
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
  usage?: Error
  read?: Error
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
  /** What mailboxes hold, where it is not nothing. */
  readonly octets = new Map<string, number>()
  /** Accounts that the store finds full when a message is committed. */
  readonly full = new Set<string>()
  /** Accounts whose usage was asked for. */
  readonly asked: string[] = []
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

  deliver(envelope: Envelope, options: DeliverOptions = {}): Delivery {
    if (this.faults.deliver) throw this.faults.deliver
    this.counts.begun += 1
    return new FakeDelivery(this, envelope, options)
  }

  open(): Promise<Maildrop | null> {
    return Promise.reject(new Error('this store takes deliveries only'))
  }

  list(): Promise<readonly StoredMessage[]> {
    return Promise.reject(new Error('this store takes deliveries only'))
  }

  usage(account: string): Promise<Usage> {
    this.asked.push(account)
    if (this.faults.usage) return Promise.reject(this.faults.usage)
    return Promise.resolve({ octets: this.octets.get(account) ?? 0, messages: 0 })
  }

  heads(): AsyncIterable<Head> {
    throw new Error('this store takes deliveries only')
  }

  async *read(account: string, id: string): AsyncGenerator<Buffer, void> {
    const found = this.of(account).find(({ ids }) => ids.includes(id))
    if (this.faults.read) throw this.faults.read
    if (found === undefined) throw new StoreError('missing', 'there is no such message')
    for (let at = 0; at < found.octets.length; at += 50) yield found.octets.subarray(at, at + 50)
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

class FakeDelivery implements Delivery {
  readonly #store: FakeStore
  readonly #envelope: Envelope
  readonly #options: DeliverOptions
  readonly #parts: Buffer[] = []
  #writes = 0
  #writing = false
  #ended = false

  constructor(store: FakeStore, envelope: Envelope, options: DeliverOptions) {
    this.#store = store
    this.#options = options
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

  async commit(): Promise<readonly Placed[]> {
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
    const accounts = [...new Set(this.#envelope.recipients.map(({ account }) => account))]
    const { full } = this.#store
    if (this.#options.whenFull !== 'leave-out' && accounts.some((account) => full.has(account)))
      throw new StoreError('over-quota', 'a test said so')
    const placed = accounts.map(
      (account, index): Placed =>
        full.has(account) ? { account, id: null, why: 'over-quota' } : { account, id: `${kept.length + 1}${index}` },
    )
    const ids = placed.flatMap(({ id }) => (id === null ? [] : [id]))
    const recipients = this.#envelope.recipients.filter(({ account }) => !full.has(account))
    const body = octets.subarray(folded.length)
    if (ids.length > 0) kept.push({ envelope: { ...this.#envelope, recipients }, octets, trace, body, ids })
    return placed
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
