/** One request and the way to answer it, whichever engine parsed it. */
import type { Duplex, Readable } from 'node:stream'
import type { FailureStatus } from './statuses.ts'

/** Status line and header fields of an answer. */
export interface Head {
  readonly status: number
  readonly reason: string
  /** Names and values in turn. */
  readonly fields: readonly string[]
}

/** How a connection goes over to another protocol (RFC 9110 §7.8). */
export interface Upgrade {
  /** The protocols that the client would like, as it says them. */
  readonly protocols: string
  /**
   * Answers with 101, and ends HTTP on the connection: the answer is whole then.
   * @returns the connection; what the client has said behind its request comes first. Whoever takes it shuts our side of it, no more.
   */
  accept(head: Head): Duplex
}

/** A request as it came, and its answer as it goes. Answered once: by `send`, or by `begin`, `write`… and `finish`. */
export interface Exchange {
  readonly method: string
  /** Printable ASCII, as received. */
  readonly target: string
  /** `1.1`, `1.0`, `2`; others are refused. */
  readonly version: string
  /** Names and values in turn, as received. */
  readonly fields: readonly string[]
  /** Whether its head is larger than one may be, and was read all the same. */
  readonly oversized: boolean
  /** Whether all of the request, its content included, has been read. */
  readonly complete: boolean
  /**
   * What the client sends behind the head, framing removed; null where it sends nothing. Who asks for it has to read it, or to destroy
   * it (the connection does not suffer): content that nobody asked for is dropped. Fails with `ContentBroken` when the client breaks off.
   */
  readonly content: Readable | null
  /** Whether somebody asked for the content. */
  readonly contentTaken: boolean
  /** `Content-Length`; null where the client did not say how much it sends. */
  readonly declaredOctets: number | null
  /** Tells a client that waits for it to send its content (100); nothing where none waits, and the second time (RFC 9110 §10.1.1). */
  continue(): void
  /**
   * Nothing more of the content comes, though the client is there: whoever reads it gets a `ContentBroken` with this status. Of no
   * effect on content that came whole.
   */
  breakOff(status: FailureStatus): void
  /** The head of the answer as it is on the wire, once it has begun; absent or null where the engine does not tell. */
  readonly sentHead?: string | null
  /** Whether nothing that comes behind it on its connection can be read: it has to be the last. Absent: it can. */
  readonly final?: boolean
  /** What the client would like to speak instead; null where it would not, or the engine cannot. Without `accept` it is answered as any other. */
  readonly upgrade: Upgrade | null
  /** An interim answer of somebody else's (RFC 9110 §15.2), never 101; nothing to a client that does not know them. */
  interim(status: number, fields: readonly string[]): void
  /** Once the answer has begun: whether it left room for a further request on the connection, as far as the engine decides that. */
  readonly keepsAlive: boolean
  /**
   * A field's value by its lower-case name; values of several fields of one name are joined with commas, but only the first counts
   * of those that must not be repeated.
   */
  field(name: string): string | undefined
  /** The whole answer, in as few packets as it takes; an empty body for what has none. */
  send(head: Head, body: Buffer | string): void
  /** The head of an answer whose body follows. @param alone it goes out at once; else with the first part of the body */
  begin(head: Head, alone?: boolean): void
  /**
   * A part of the body; resolves when the system has taken it and the buffer is free again.
   * @returns false when the client is gone; the buffer is never free again then
   */
  write(octets: Buffer): Promise<boolean>
  /** The answer is whole. */
  finish(): void
  /** Calls back once: when the system has taken all of the answer, or when the client is gone. */
  onEnd(ended: (outcome: 'sent' | 'aborted') => void): void
}

/** What came of a delivery. */
export interface Delivery {
  /** Whether the client's system has all of it; else the client went away, or what was sent could not be finished. */
  readonly complete: boolean
  /** Octets of the body that the system has taken. */
  readonly octets: number
  /** Why we could not go on, where it was us. */
  readonly failure: 'file-changed' | 'read-failed' | null
  readonly error?: unknown
}

/** How the answer ends. */
export const endOf = (exchange: Exchange): Promise<'sent' | 'aborted'> => new Promise((resolve) => exchange.onEnd(resolve))

/** Whether `close` is among the options of `Connection`. */
export const saysClose = (connection: string | undefined): boolean =>
  connection !== undefined && /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i.test(connection)
