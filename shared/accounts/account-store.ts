/** Accounts behind one interface. Any implementation must pass `test/accounts/contract.ts`. */

/** Which failures a caller can act on; whether the same call may succeed later follows from the code. */
export const accountErrors = {
  /** There is an account of that name. */
  exists: 'permanent',
  /** There is no account of that name. */
  missing: 'permanent',
  /** The name breaks the rule of `name.ts`. */
  'bad-name': 'permanent',
  /** Another process has held the store for too long. */
  locked: 'temporary',
  /** No room on the disk. */
  full: 'temporary',
  /** What is stored cannot be read as accounts: destroyed, or no store of ours, or of a later version. */
  damaged: 'permanent',
  /** This process may not read or write the store. */
  denied: 'permanent',
  /** The store was opened not to be made, and is not there. */
  absent: 'permanent',
  /** This handle was closed. */
  closed: 'temporary',
  /** The disk or the system failed otherwise. */
  failed: 'temporary',
} as const
export type AccountErrorCode = keyof typeof accountErrors

/** A failure of the store; nothing of the operation was done. */
export class AccountStoreError extends Error {
  override readonly name = 'AccountStoreError'
  readonly code: AccountErrorCode
  constructor(code: AccountErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** An account, without what must stay secret. */
export interface Account {
  /** As `readAccountName` gives it. */
  readonly name: string
  readonly createdAt: Date
  readonly passwordChangedAt: Date
}

/** What is stored of a password. */
export interface StoredPassword {
  /** PHC string format. */
  readonly passwordHash: string
  /** Of the same password, as `makeScramKeys` writes them; null: none were made yet. */
  readonly scramKeys: string | null
}

/** An account with its password's hash. */
export interface AccountWithHash extends Account, StoredPassword {}

/** What an account begins with. */
export interface NewAccount {
  readonly name: string
  readonly passwordHash: string
  /** None unless given. */
  readonly scramKeys?: string | null
}

/**
 * The accounts, as one process has them open. Several processes may have the same store open at once: what one changed holds
 * for every later call of the others. A change that resolved survives loss of power. All methods reject with an
 * `AccountStoreError`.
 */
export interface AccountStore {
  /** Adds all of these or none. @throws {AccountStoreError} exists, bad-name */
  add(...accounts: readonly NewAccount[]): Promise<void>
  /** Keys of SCRAM of the old password are gone with it. @throws {AccountStoreError} missing */
  setPassword(name: string, passwordHash: string, scramKeys?: string | null): Promise<void>
  /**
   * Stores the same password's hash anew, made with other parameters; `passwordChangedAt` stays.
   * @param from the hash that it takes the place of
   * @returns false, and nothing is changed, when the account has another hash by now, or is gone
   */
  replaceHash(name: string, from: string, to: string): Promise<boolean>
  /**
   * Stores keys of SCRAM of the password that this is the hash of; `passwordChangedAt` stays.
   * @returns false, and nothing is changed, when the account has another hash by now, or is gone
   */
  setScramKeys(name: string, passwordHash: string, scramKeys: string): Promise<boolean>
  /** @throws {AccountStoreError} missing */
  remove(name: string): Promise<void>
  /** @returns null when there is none of that name */
  find(name: string): Promise<AccountWithHash | null>
  /** All accounts, oldest first. */
  list(): Promise<readonly Account[]>
  /** The one that was added first of those that are there. */
  oldest(): Promise<Account | null>
  count(): Promise<number>
  /** Whether there was never an account in this store, not even one that is removed by now. */
  untouched(): Promise<boolean>
  /** 32 octets that were drawn when the store was made, and are nobody else's to know. */
  secret(): Promise<Buffer>
  /** Never rejects; later calls of other methods reject with `closed`. */
  close(): Promise<void>
}
