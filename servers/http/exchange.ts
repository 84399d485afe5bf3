/** One request and the way to answer it, whichever engine parsed it. */

/** Status line and header fields of an answer. */
export interface Head {
  readonly status: number
  readonly reason: string
  /** Names and values in turn. */
  readonly fields: readonly string[]
}

/** A request as it came, and its answer as it goes. Answered once: by `send`, or by `begin`, `write`… and `finish`. */
export interface Exchange {
  readonly method: string
  /** Printable ASCII, as received. */
  readonly target: string
  /** `1.1` */
  readonly version: string
  /** Names and values in turn, as received. */
  readonly fields: readonly string[]
  /** Whether all of the request, its content included, has been read. */
  readonly complete: boolean
  /** Once the answer has begun: whether it left room for a further request on the connection, as far as the engine decides that. */
  readonly keepsAlive: boolean
  /**
   * A field's value by its lower-case name; values of several fields of one name are joined with commas, but only the first counts
   * of those that must not be repeated.
   */
  field(name: string): string | undefined
  /** The whole answer, in as few packets as it takes; an empty body for what has none. */
  send(head: Head, body: Buffer | string): void
  /** The head of an answer whose body follows; it goes out with the first part of the body. */
  begin(head: Head): void
  /**
   * A part of the body; resolves when the system has taken it and the buffer is free again.
   * @returns false when the client is gone
   */
  write(octets: Buffer): Promise<boolean>
  /** The answer is whole. */
  finish(): void
  /** Calls back once: when the system has taken all of the answer, or when the client is gone. */
  onEnd(ended: (outcome: 'sent' | 'aborted') => void): void
}
