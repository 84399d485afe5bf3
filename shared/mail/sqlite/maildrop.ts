/** A mailbox held by one session. */
import { type Maildrop, type StoredMessage, StoreError } from '../mail-store.ts'
import { storeError } from './failures.ts'
import { readMessage } from './reading.ts'
import { chunkOctets } from './schema.ts'
import type { StoreThread } from './thread.ts'

/** Messages that are fetched together. */
const mostAhead = 64

/** Holds the mailbox until `release`. Messages that are read one after the other are fetched ahead, up to one chunk together. */
export class SqliteMaildrop implements Maildrop {
  readonly account: string
  readonly messages: readonly StoredMessage[]
  readonly #thread: StoreThread
  readonly #hold: number
  /** Small messages that were fetched ahead, by their id. */
  readonly #ahead = new Map<number, Buffer>()
  #lastRead = -1
  #released = false

  constructor(thread: StoreThread, account: string, hold: number, messages: readonly StoredMessage[]) {
    this.#thread = thread
    this.account = account
    this.#hold = hold
    this.messages = messages
  }

  async *read(message: StoredMessage): AsyncGenerator<Buffer, void> {
    this.#mustBeHeld()
    const place = this.#placeOf(message)
    const inOrder = place === this.#lastRead + 1
    this.#lastRead = place
    const small = message.octets > chunkOctets ? null : await this.#small(place, inOrder)
    if (small !== null && small.length > 0) yield small
    if (small === null) yield* readMessage(this.#thread, this.account, Number(message.id))
  }

  async remove(messages: readonly StoredMessage[]): Promise<void> {
    this.#mustBeHeld()
    if (messages.length === 0) return
    this.#ahead.clear()
    await this.#thread.ask('remove', { hold: this.#hold, ids: Float64Array.from(messages, ({ id }) => Number(id)) })
  }

  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    this.#ahead.clear()
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

  /** A message of one chunk; null when it must be asked for by itself: out of order, or it cannot be read, and that tells why. */
  async #small(place: number, inOrder: boolean): Promise<Buffer | null> {
    const fetched = this.#taken(place)
    if (fetched !== null) return fetched
    this.#ahead.clear()
    if (!inOrder) return null
    try {
      await this.#fetch(place)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error // it may be about another of them
    }
    return this.#taken(place)
  }

  #taken(place: number): Buffer | null {
    const id = Number(this.messages[place]?.id)
    const octets = this.#ahead.get(id) ?? null
    this.#ahead.delete(id)
    return octets
  }

  async #fetch(place: number): Promise<void> {
    let octets = 0
    let end = place
    while (end < this.messages.length && end < place + mostAhead) {
      octets += this.messages[end]?.octets ?? 0
      if (octets > chunkOctets) break
      end += 1
    }
    const [first, last] = [Number(this.messages[place]?.id), Number(this.messages[end - 1]?.id)]
    const { data, ids, ends } = await this.#thread.ask('bodies', { account: this.account, first, last })
    const all = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    for (const [offset, id] of ids.entries()) this.#ahead.set(id, all.subarray(ends[offset - 1] ?? 0, ends[offset]))
  }
}
