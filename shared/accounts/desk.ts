/**
 * The supervisor's desk as the children see it: passwords are checked, failures counted and recipients found in one place, so
 * no child sees a hash or opens the accounts' database.
 */

/** One try to log in, whatever the protocol. */
export interface LoginAttempt {
  /** As the client wrote it: `alice`, `alice@havre.test`. */
  readonly name: string
  readonly password: string
  /** The client's numeric address: failures are counted by it. */
  readonly address: string
  /** The service that asks, for the journal. */
  readonly service: string
}

/** The desk's answer; for a refusal it comes after the delay that the failures call for. */
export type LoginAnswer =
  | { readonly outcome: 'accepted'; readonly account: string }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'blocked'; readonly retryAfterMs: number }

/** Where mail for an address goes. */
export type RecipientAnswer =
  /** At least one account, each once. */
  | { readonly outcome: 'local'; readonly accounts: readonly string[] }
  /** The domain is ours, the mailbox is not there. */
  | { readonly outcome: 'unknown' }
  /** The domain is not ours. */
  | { readonly outcome: 'elsewhere' }

/** What children ask the supervisor. Every call rejects with a `DeskError` when the supervisor does not answer in time or at all. */
export interface Desk {
  login(attempt: LoginAttempt): Promise<LoginAnswer>
  /** @param address as in the envelope, without angle brackets: `alice+shop@havre.test`, `postmaster` */
  recipient(address: string): Promise<RecipientAnswer>
  /**
   * Makes a file's content, or a folder's entries, durable: a sandboxed child may not do so itself.
   * @param path absolute, inside `data/files`
   */
  sync(path: string): Promise<void>
}

/** The desk could not be asked: temporary for every client. */
export class DeskError extends Error {
  override readonly name = 'DeskError'
}
