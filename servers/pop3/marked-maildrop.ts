import type { Maildrop, StoredMessage } from '../../shared/mail/mail-store.ts'

/**
 * The mailbox of one session with its marks: a snapshot whose numbers never move, and from which nothing is removed before
 * `removeMarked`. Whoever made it calls `release` at the end of the session, on every path.
 */
export class MarkedMaildrop {
  readonly account: string
  readonly #maildrop: Maildrop
  readonly #marks: Uint8Array
  readonly #totalOctets: number
  #markedCount = 0
  #markedOctets = 0

  constructor(maildrop: Maildrop) {
    this.account = maildrop.account
    this.#maildrop = maildrop
    this.#marks = new Uint8Array(maildrop.messages.length)
    this.#totalOctets = maildrop.messages.reduce((sum, { octets }) => sum + octets, 0)
  }

  /** Message numbers run from 1 to this, marked ones included. */
  get highest(): number {
    return this.#maildrop.messages.length
  }

  /** How many are not marked. */
  get count(): number {
    return this.highest - this.#markedCount
  }

  /** Octets of those that are not marked. */
  get octets(): number {
    return this.#totalOctets - this.#markedOctets
  }

  /** The message of this number, or why there is none. */
  find(number: number): StoredMessage | 'missing' | 'marked' {
    const message = this.#maildrop.messages[number - 1]
    if (message === undefined) return 'missing'
    return this.#marks[number - 1] === 1 ? 'marked' : message
  }

  /** Those that are not marked, with their numbers. */
  *each(): Generator<readonly [number: number, message: StoredMessage]> {
    let number = 0
    for (const message of this.#maildrop.messages) {
      number += 1
      if (this.#marks[number - 1] === 0) yield [number, message]
    }
  }

  /** Marks a message that `find` found. */
  mark(number: number): void {
    const message = this.find(number)
    if (typeof message === 'string') throw new RangeError(`message ${number} is ${message}`)
    this.#marks[number - 1] = 1
    this.#markedCount += 1
    this.#markedOctets += message.octets
  }

  unmarkAll(): void {
    this.#marks.fill(0)
    this.#markedCount = 0
    this.#markedOctets = 0
  }

  read(message: StoredMessage): AsyncIterable<Buffer> {
    return this.#maildrop.read(message)
  }

  /** All octets where nobody has to wait for them, else `read`. */
  octetsOf(message: StoredMessage): Buffer | AsyncIterable<Buffer> {
    return this.#maildrop.atHand(message) ?? this.#maildrop.read(message)
  }

  /** Removes all that is marked or none. @returns how many. @throws {StoreError} none was removed */
  async removeMarked(): Promise<number> {
    const marked = this.#maildrop.messages.filter((_, index) => this.#marks[index] === 1)
    if (marked.length > 0) await this.#maildrop.remove(marked)
    return marked.length
  }

  release(): Promise<void> {
    return this.#maildrop.release()
  }
}
