/** Mailboxes and messages behind one interface. Any implementation must pass `test/mail/contract.ts`. */

/** Which failures a caller can act on; whether trying later can help follows from the code. */
export const storeErrors = {
  full: 'temporary',
  locked: 'temporary',
  damaged: 'temporary',
  closed: 'temporary',
  missing: 'permanent',
} as const
export type StoreErrorCode = keyof typeof storeErrors

/** A failure of the store; nothing of the operation was done. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What came with a message (RFC 5321 §2.3.1). */
export interface Envelope {
  /** Reverse-path without angle brackets; empty for the null reverse-path. */
  readonly sender: string
  /** At least one. `address` is what the client wrote, `account` where it goes; an account may appear more than once and gets one copy. */
  readonly recipients: readonly { readonly address: string; readonly account: string }[]
}

/** A message in a mailbox. */
export interface StoredMessage {
  /** Decimal, unique in the store, never used again: what `mail list` prints. */
  readonly id: string
  /** RFC 1939 §7: 1 to 70 octets of 0x21–0x7E, unique in the mailbox for good. */
  readonly uidl: string
  /** As RETR sends them before stuffing. */
  readonly octets: number
  /** Envelope sender. */
  readonly sender: string
  /** When it was delivered. */
  readonly receivedAt: Date
}

/** A message on its way in. Exactly one of commit and abort ends it. */
export interface Delivery {
  /** Adds octets; resolves when more may come (back-pressure). The buffer is the store's from then on until it resolves. */
  write(chunk: Buffer): Promise<void>
  /**
   * Makes it a message for all recipients or for none; resolves only when it would survive loss of power.
   * @returns one message id for each distinct account, in the order of their first appearance
   * @throws {StoreError} nothing was stored
   */
  commit(): Promise<readonly string[]>
  /** Forgets what was written. Never rejects. */
  abort(): Promise<void>
}

/** A mailbox held by one session (RFC 1939 §3: exclusive access), as it was when it was opened. */
export interface Maildrop {
  readonly account: string
  /** Oldest first; the position is the message number less one. Never changes while it is held. */
  readonly messages: readonly StoredMessage[]
  /** The octets of a message from its first to its last, in chunks of bounded size. @throws {StoreError} missing, damaged */
  read(message: StoredMessage): AsyncIterable<Buffer>
  /** Removes all of these or none; resolves when that is durable. @throws {StoreError} none was removed */
  remove(messages: readonly StoredMessage[]): Promise<void>
  /** Gives the mailbox free, at once. Never rejects. */
  release(): Promise<void>
}

/** The store, as one process has it open. */
export interface MailStore {
  /** Begins a message. Nothing is visible to anyone before `commit`. */
  deliver(envelope: Envelope): Delivery
  /**
   * Takes the mailbox for this session. The hold is a lease: it ends at `release`, or at most 60 s after this process died.
   * Deliveries are never blocked by it.
   * @returns null when another session holds it
   */
  open(account: string): Promise<Maildrop | null>
  /** The messages of an account, oldest first, without taking the mailbox. */
  list(account: string): Promise<readonly StoredMessage[]>
  /** One message's octets, without taking the mailbox. @throws {StoreError} missing */
  read(account: string, id: string): AsyncIterable<Buffer>
  /** Ends all that is open; unfinished deliveries are forgotten, leases given free. Never rejects. */
  close(): Promise<void>
}
