/** A mailbox held by one session. */
import type { Maildrop, StoredMessage } from '../mail-store.ts'
import { storeError } from './failures.ts'
import { readMessage } from './reading.ts'
import { chunkOctets } from './schema.ts'
import type { StoreThread } from './thread.ts'

/** Holds the mailbox until `release`. Messages that are read one after the other are fetched ahead, up to one chunk together. */
export class SqliteMaildrop implements Maildrop {
  readonly account: string
  readonly messages: readonly StoredMessage[]
  readonly #thread: StoreThread
  readonly #hold: number
  /** Small messages that were fetched ahead, by their place. */
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
    const fetched = this.#ahead.get(place)
    this.#ahead.delete(place)
    if (fetched !== undefined) return fetched
    this.#ahead.clear()
    if (!inOrder) return null
    await this.#fetch(place)
    const first = this.#ahead.get(place)
    this.#ahead.delete(place)
    return first ?? null
  }

  async #fetch(place: number): Promise<void> {
    let octets = 0
    let end = place
    while (end < this.messages.length) {
      octets += this.messages[end]?.octets ?? 0
      if (octets > chunkOctets) break
      end += 1
    }
    const ids = Float64Array.from(this.messages.slice(place, end), ({ id }) => Number(id))
    const { data, ends } = await this.#thread.ask('bodies', { account: this.account, ids })
    const all = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    let begin = 0
    for (const [offset, stop] of ends.entries()) {
      if (stop < 0) continue
      this.#ahead.set(place + offset, all.subarray(begin, stop))
      begin = stop
    }
  }
}
