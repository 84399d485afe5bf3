/**
 * Joins what is sent in one turn of the event loop: on its way through the channel between two processes a message costs the same whatever it
 * holds, and each wakes the other side.
 */
export class Joined<Message> {
  readonly #send: (first: Message, more: readonly Message[]) => void
  #waiting: Message[] = []

  /** @param send is given all of a turn, in their order; must not throw */
  constructor(send: (first: Message, more: readonly Message[]) => void) {
    this.#send = send
  }

  /** Sends a message, with those that come until the turn is over. */
  add(message: Message): void {
    if (this.#waiting.push(message) === 1) setImmediate(() => this.flush())
  }

  /** Sends what waits now: what is sent otherwise stays behind it. */
  flush(): void {
    const [first, ...more] = this.#waiting
    if (first === undefined) return
    this.#waiting = []
    this.#send(first, more)
  }
}
