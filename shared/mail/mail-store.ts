/** Mailboxes and messages behind one interface. Any implementation must pass `test/mail/contract.ts`. */

/** Which failures a caller can act on; whether trying later can help follows from the code. */
export const storeErrors = {
  full: 'temporary',
  'over-quota': 'temporary',
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
  /** The same trouble as of an earlier failure, which lasts: the operator has read of it. */
  readonly again: boolean
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions & { readonly again?: boolean }) {
    super(message, options)
    this.code = code
    this.again = options?.again ?? false
  }
}

/** One of those that a message is for. */
export interface Recipient {
  /** What the client wrote. */
  readonly address: string
  /** Where it goes; an account may appear more than once and gets one copy. */
  readonly account: string
  /** When the sender wants to be told what became of it (RFC 3461 §4.1); absent: not said. */
  readonly notify?: readonly ('success' | 'failure' | 'delay')[] | 'never'
  /** `type;address` (RFC 3461 §4.2), xtext decoded. */
  readonly originalRecipient?: string
}

/** What came with a message (RFC 5321 §2.3.1). */
export interface Envelope {
  /** Reverse-path without angle brackets; empty for the null reverse-path. */
  readonly sender: string
  /** At least one. */
  readonly recipients: readonly Recipient[]
  /** What the sender said of reports about this message as a whole (RFC 3461 §4.3, §4.4). */
  readonly dsn?: { readonly ret?: 'full' | 'headers'; readonly envelopeId?: string }
  /** SMTPUTF8 was given (RFC 6531 §3.4). */
  readonly utf8?: boolean
}

/** How a message is put into mailboxes. */
export interface DeliverOptions {
  /** When it counts as received. Default: when it is committed. */
  readonly receivedAt?: Date
  /** The letters of its flags as Maildir writes them (`FS`), each once, sorted. Default: none. */
  readonly flags?: string
  /** When an account is over its quota: nothing is stored, or that account is left out. Default: `refuse`. */
  readonly whenFull?: 'refuse' | 'leave-out'
  /** Quotas do not hold for this message: the operator puts it there. */
  readonly ignoreQuota?: true
}

/** What became of a message for one account. */
export type Placed =
  | { readonly account: string; readonly id: string }
  | { readonly account: string; readonly id: null; readonly why: 'over-quota' }

/** What an account's mailbox holds at most. */
export interface Quota {
  readonly octets: number
  readonly messages: number
}

/** What an account's mailbox holds. A message for several accounts counts for each. */
export interface Usage {
  readonly octets: number
  readonly messages: number
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
  /** The letters of its flags as Maildir writes them, sorted. */
  readonly flags: string
  /** It came with SMTPUTF8. */
  readonly utf8: boolean
}

/** How a message begins. */
export type Head =
  /** Up to and with the empty line behind the header, at most 64 KiB. */
  | { readonly message: StoredMessage; readonly octets: Buffer }
  | { readonly message: StoredMessage; readonly octets: null; readonly why: 'missing' | 'damaged' }

/** A message on its way in. Exactly one of commit and abort ends it. */
export interface Delivery {
  /** Adds octets; resolves when more may come (back-pressure). The buffer is the store's from then on until it resolves. */
  write(chunk: Buffer): Promise<void>
  /**
   * Makes it a message for all recipients or for none, but for those that `whenFull: 'leave-out'` leaves out; resolves only when it
   * would survive loss of power.
   * @returns one answer for each distinct account, in the order of their first appearance
   * @throws {StoreError} nothing was stored; over-quota: it would take an account over its quota
   */
  commit(): Promise<readonly Placed[]>
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
  /** All octets of a message where they are at hand, which spares the caller the waiting; null: `read` tells. */
  atHand(message: StoredMessage): Buffer | null
  /** Removes all of these or none; resolves when that is durable. @throws {StoreError} none was removed */
  remove(messages: readonly StoredMessage[]): Promise<void>
  /** Gives the mailbox free, at once. Never rejects. */
  release(): Promise<void>
}

/** The store, as one process has it open. */
export interface MailStore {
  /**
   * Begins a message. Nothing is visible to anyone before `commit`, which is where quotas are judged.
   * @throws {RangeError} no recipient, or flags that are not sorted letters
   */
  deliver(envelope: Envelope, options?: DeliverOptions): Delivery
  /**
   * Takes the mailbox for this session. The hold is a lease: it ends at `release`, or at most 60 s after this process died.
   * Deliveries are never blocked by it.
   * @returns null when another session holds it
   */
  open(account: string): Promise<Maildrop | null>
  /** The messages of an account, oldest first, without taking the mailbox. */
  list(account: string): Promise<readonly StoredMessage[]>
  /** What an account's mailbox holds; cheap, whatever its size. */
  usage(account: string): Promise<Usage>
  /** The headers of many of an account's messages, in their order; fast, and in memory that does not grow with their number. */
  heads(account: string, messages: readonly StoredMessage[]): AsyncIterable<Head>
  /** One message's octets, without taking the mailbox. @throws {StoreError} missing */
  read(account: string, id: string): AsyncIterable<Buffer>
  /** Ends all that is open; unfinished deliveries are forgotten, leases given free. Never rejects. */
  close(): Promise<void>
}
