/** A mailbox held by one session. */
import { type Maildrop, type StoredMessage, StoreError } from '../mail-store.ts'
import { storeError } from './failures.ts'
import { readMessage } from './reading.ts'
import { chunkOctets } from './schema.ts'
import type { StoreThread } from './thread.ts'

/** Messages that are fetched together. */
const mostAhead = 64

/** Messages that were fetched together. */
interface Fetched {
  /** Places in the snapshot: the first, and the one behind the last. */
  readonly from: number
  readonly to: number
  /** By place less `from`; null: it was read, or it is not whole. */
  readonly bodies: (Buffer | null)[]
}

/**
 * Holds the mailbox until `release`. Messages that are read one after the other are fetched ahead, up to one chunk together, and the
 * next ones while these are read.
 */
export class SqliteMaildrop implements Maildrop {
  readonly account: string
  readonly messages: readonly StoredMessage[]
  readonly #thread: StoreThread
  readonly #hold: number
  #ahead: Fetched | null = null
  /** What is under way, of the messages from this place on. */
  #next: { readonly from: number; readonly fetched: Promise<Fetched> } | null = null
  #lastRead = -1
  #released = false

  constructor(thread: StoreThread, account: string, hold: number, messages: readonly StoredMessage[]) {
    this.#thread = thread
    this.account = account
    this.#hold = hold
    this.messages = messages
  }

  atHand(message: StoredMessage): Buffer | null {
    if (this.#released) return null
    const place = this.#placeOf(message)
    const octets = this.#taken(place)
    if (octets !== null) this.#lastRead = place
    return octets
  }

  async *read(message: StoredMessage): AsyncGenerator<Buffer, void> {
    this.#mustBeHeld()
    const place = this.#placeOf(message)
    const inOrder = place === this.#lastRead + 1
    this.#lastRead = place
    const small = message.octets > chunkOctets ? null : (this.#taken(place) ?? (inOrder ? await this.#fetched(place) : null))
    if (small !== null && small.length > 0) yield small
    if (small === null) yield* readMessage(this.#thread, this.account, Number(message.id))
  }

  async remove(messages: readonly StoredMessage[]): Promise<void> {
    this.#mustBeHeld()
    if (messages.length === 0) return
    this.#ahead = null
    this.#next = null
    await this.#thread.ask('remove', { hold: this.#hold, ids: Float64Array.from(messages, ({ id }) => Number(id)) })
  }

  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    this.#ahead = null
    this.#next = null
    await Promise.allSettled([this.#thread.ask('release', { hold: this.#hold })]) // a closed store has released it
  }

  #mustBeHeld(): void {
    if (this.#released) throw storeError('closed', { cause: 'the mailbox was released' })
  }

  /** -1 for a message that is not of this snapshot. */
  #placeOf(message: StoredMessage): number {
    const next = this.#lastRead + 1
    return this.messages[next] === message ? next : this.messages.indexOf(message)
  }

  /** A message that was fetched ahead, once. Half-way through, the next ones are asked for. */
  #taken(place: number): Buffer | null {
    const ahead = this.#ahead
    if (ahead === null || place < ahead.from || place >= ahead.to) return null
    const octets = ahead.bodies[place - ahead.from] ?? null
    ahead.bodies[place - ahead.from] = null
    if (this.#next === null && place >= (ahead.from + ahead.to) >> 1) this.#fetchNext(ahead.to)
    return octets
  }

  /** A message with those after it; null when it must be asked for by itself: it cannot be read, and that tells why. */
  async #fetched(place: number): Promise<Buffer | null> {
    if (this.#next?.from !== place) this.#fetchNext(place)
    const next = this.#next
    this.#next = null
    try {
      this.#ahead = next === null ? null : await next.fetched
    } catch (error) {
      if (!(error instanceof StoreError)) throw error // it may be about another of them
      this.#ahead = null
    }
    return this.#taken(place)
  }

  #fetchNext(from: number): void {
    this.#next = null
    const to = this.#endOfGroup(from)
    if (to === from) return
    const fetched = this.#fetch(from, to)
    fetched.catch(() => undefined) // told to whoever reads the first of them
    this.#next = { from, fetched }
  }

  /** As many as fit into one chunk. */
  #endOfGroup(from: number): number {
    let octets = 0
    let to = from
    while (to < this.messages.length && to < from + mostAhead) {
      octets += this.messages[to]?.octets ?? 0
      if (octets > chunkOctets) break
      to += 1
    }
    return to
  }

  async #fetch(from: number, to: number): Promise<Fetched> {
    const [first, last] = [Number(this.messages[from]?.id), Number(this.messages[to - 1]?.id)]
    const { data, ids, ends } = await this.#thread.ask('bodies', { account: this.account, first, last })
    const all = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    const bodies: (Buffer | null)[] = []
    let offset = 0
    for (let place = from; place < to; place += 1) {
      const whole = ids[offset] === Number(this.messages[place]?.id)
      bodies.push(whole ? all.subarray(ends[offset - 1] ?? 0, ends[offset]) : null)
      if (whole) offset += 1
    }
    return { from, to, bodies }
  }
}
