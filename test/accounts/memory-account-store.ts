/** Accounts in memory: what the tests of the desk and of recipients stand on, and a second proof that the contract can be kept. */
import { randomBytes } from 'node:crypto'
import {
  type Account,
  type AccountStore,
  AccountStoreError,
  type AccountWithHash,
  type NewAccount,
} from '../../shared/accounts/account-store.ts'
import { readAccountName } from '../../shared/accounts/name.ts'

/** What several handles of one store have in common. */
export interface AccountsInMemory {
  accounts: readonly AccountWithHash[]
  touched: boolean
  secret?: Buffer
}

export class MemoryAccountStore implements AccountStore {
  readonly #shared: AccountsInMemory
  readonly #now: () => Date
  #open = true

  constructor(shared: AccountsInMemory = { accounts: [], touched: false }, now: () => Date = () => new Date()) {
    this.#shared = shared
    this.#now = now
  }

  async add(...added: readonly NewAccount[]): Promise<void> {
    const next = [...this.#accounts()]
    for (const { name, passwordHash, scramKeys = null } of added) {
      const reading = readAccountName(name)
      if (!reading.ok || reading.name !== name) throw new AccountStoreError('bad-name', name)
      if (next.some((account) => account.name === name)) throw new AccountStoreError('exists', name)
      next.push({ name, passwordHash, scramKeys, createdAt: this.#now(), passwordChangedAt: this.#now() })
    }
    this.#shared.accounts = next
    this.#shared.touched ||= added.length > 0
  }

  async setPassword(name: string, passwordHash: string, scramKeys: string | null = null): Promise<void> {
    this.#existing(name)
    this.#change(name, { passwordHash, scramKeys, passwordChangedAt: this.#now() })
  }

  async setScramKeys(name: string, passwordHash: string, scramKeys: string): Promise<boolean> {
    if (!this.#accounts().some((account) => account.name === name && account.passwordHash === passwordHash)) return false
    this.#change(name, { scramKeys })
    return true
  }

  async replaceHash(name: string, from: string, to: string): Promise<boolean> {
    if (!this.#accounts().some((account) => account.name === name && account.passwordHash === from)) return false
    this.#change(name, { passwordHash: to })
    return true
  }

  async remove(name: string): Promise<void> {
    this.#existing(name)
    this.#shared.accounts = this.#accounts().filter((account) => account.name !== name)
  }

  async find(name: string): Promise<AccountWithHash | null> {
    return this.#accounts().find((account) => account.name === name) ?? null
  }

  async list(): Promise<readonly Account[]> {
    return this.#accounts().map(withoutHash)
  }

  async oldest(): Promise<Account | null> {
    const [first] = this.#accounts()
    return first === undefined ? null : withoutHash(first)
  }

  async count(): Promise<number> {
    return this.#accounts().length
  }

  async untouched(): Promise<boolean> {
    this.#accounts()
    return !this.#shared.touched
  }

  async secret(): Promise<Buffer> {
    this.#accounts()
    this.#shared.secret ??= randomBytes(32)
    return this.#shared.secret
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #accounts(): readonly AccountWithHash[] {
    if (!this.#open) throw new AccountStoreError('closed', 'closed')
    return this.#shared.accounts
  }

  #existing(name: string): void {
    if (!this.#accounts().some((account) => account.name === name)) throw new AccountStoreError('missing', name)
  }

  #change(name: string, change: Partial<AccountWithHash>): void {
    this.#shared.accounts = this.#accounts().map((account) => (account.name === name ? { ...account, ...change } : account))
  }
}

const withoutHash = ({ name, createdAt, passwordChangedAt }: AccountWithHash): Account => ({ name, createdAt, passwordChangedAt })
