/**
 * The supervisor's desk as the children see it: passwords are checked, failures counted and recipients found in one place, so
 * no child sees a hash or opens the accounts' database.
 */

/** Where a login comes from. */
export interface LoginOrigin {
  /** The client's numeric address: failures are counted by it. */
  readonly address: string
  /** The service that asks, for the journal. */
  readonly service: string
  /** Logins of an account that say this are taken only so long after the last one that did (RFC 2449 §6.5). */
  readonly gapMs?: number
}

/** One try to log in, whatever the protocol. */
export interface LoginAttempt extends LoginOrigin {
  /** As the client wrote it: `alice`, `alice@havre.test`. */
  readonly name: string
  readonly password: string
}

/** The desk's answer; for a refusal it comes after the delay that the failures call for. */
export type LoginAnswer =
  | { readonly outcome: 'accepted'; readonly account: string }
  | { readonly outcome: 'refused' }
  /** `tooSoon`: not for bad logins; the password is right, and the last login not long enough ago (`gapMs`). */
  | { readonly outcome: 'blocked'; readonly retryAfterMs: number; readonly tooSoon?: true }

/** A step of a login by SCRAM-SHA-256 (RFC 5802 §3): its keys never leave the desk. */
export type ScramQuestion =
  | ({
      readonly step: 'first'
      /** As the client wrote it. */
      readonly name: string
      /** The client's part of the nonce. */
      readonly nonce: string
      /** client-first-message-bare. */
      readonly bare: string
    } & LoginOrigin)
  | {
      readonly step: 'final'
      /** From the challenge. */
      readonly exchange: string
      /** client-final-message-without-proof. */
      readonly withoutProof: string
      /** In base64. */
      readonly proof: string
    }

/** To the first step a challenge or `blocked`, to the final one the rest. */
export type ScramAnswer =
  | {
      readonly outcome: 'challenge'
      readonly exchange: string
      /** Both parts. */
      readonly nonce: string
      /** server-first-message. */
      readonly message: string
    }
  /** `signature`, in base64: by which the client knows us. */
  | { readonly outcome: 'accepted'; readonly account: string; readonly signature: string }
  | Exclude<LoginAnswer, { readonly outcome: 'accepted' }>

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
  /** Also rejects where an exchange is asked for that is over or unknown: the client begins again. */
  scram(question: ScramQuestion): Promise<ScramAnswer>
  /** @param address as in the envelope, without angle brackets: `alice+shop@havre.test`, `postmaster` */
  recipient(address: string): Promise<RecipientAnswer>
  /**
   * Makes a file's content, or a folder's entries, durable: a sandboxed child may not do so itself.
   * @param path absolute, inside `data/files`
   */
  sync(path: string): Promise<void>
  /**
   * Waits until nobody of another process changes this file, nor anybody of this one who asked before. Nobody else does until what it
   * resolves with is disposed of, or this process is gone.
   * @param file whatever all who change it call it: `alice/public_html/a.txt`
   */
  turn(file: string): Promise<Disposable>
}

/** The desk could not be asked: temporary for every client. */
export class DeskError extends Error {
  override readonly name = 'DeskError'
}
