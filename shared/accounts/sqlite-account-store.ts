/**
 * Accounts in one SQLite file. WAL, so that a login never waits for a change that another process makes; `synchronous=FULL`, so
 * that a change which resolved is on the disk. Statements run on the calling thread: a read takes microseconds, a write a commit.
 */
import { statSync } from 'node:fs'
import { chmod, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { constants, DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import {
  type Account,
  type AccountErrorCode,
  type AccountStore,
  AccountStoreError,
  type AccountWithHash,
  type NewAccount,
} from './account-store.ts'
import { readAccountName } from './name.ts'

/** How a store is opened. */
export interface AccountStoreOptions {
  /** False: a store that is not there is `absent`, and no file is made. Default true. */
  readonly create?: boolean
  /** True: only looked at, and nothing is changed or left beside it, no mode and no file. Implies that nothing is made. */
  readonly readOnly?: boolean
  /** How long a call may wait for another process to finish its change, before it is `locked`. Default 2,000. */
  readonly busyMs?: number
  /** For tests. */
  readonly now?: () => Date
}

/** Stands in the file's header: `HAVA`. */
const applicationId = 0x48415641
/** A version is a step: what brings the file from the version before it here. AUTOINCREMENT remembers accounts that are removed. */
const steps = [
  `CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    password_changed_at_ms INTEGER NOT NULL
  ) STRICT;`,
  `ALTER TABLE accounts ADD COLUMN scram_keys TEXT;
  CREATE TABLE secret (octets BLOB NOT NULL) STRICT;
  INSERT INTO secret VALUES (randomblob(32));`,
] as const
const schemaVersion = steps.length

/** @param version of a file that is only looked at, it may be an old one */
const columnsOf = (version: number): string =>
  `name, password_hash AS passwordHash, ${version < 2 ? 'NULL' : 'scram_keys'} AS scramKeys,
   created_at_ms AS createdAtMs, password_changed_at_ms AS passwordChangedAtMs`

/**
 * Opens the accounts' database, and makes it (and its folder) when it is missing. The file is readable by its owner only.
 *
 * @param file absolute; the only one that the process will open through this handle
 * @throws {AccountStoreError} absent, damaged, denied, locked, full, failed
 */
export const openAccountStore = async (file: string, options: AccountStoreOptions = {}): Promise<AccountStore> => {
  const { readOnly = false, create = !readOnly, busyMs = 2_000, now = () => new Date() } = options
  await translating(async () => void (readOnly ? await stat(file) : await makeFile(file, create)))
  const deadline = performance.now() + busyMs
  for (;;) {
    try {
      return new SqliteAccountStore(readOnly ? lookAt(file, busyMs) : openDatabase(file, busyMs), now)
    } catch (error) {
      // Two processes that make the database at once: SQLite waits for no lock while the journal mode changes.
      if (!(error instanceof AccountStoreError && error.code === 'locked') || performance.now() > deadline) throw error
      await sleep(10)
    }
  }
}

/** SQLite gives its journal the mode of the database; so that must be right before SQLite opens it. */
const makeFile = async (file: string, create: boolean): Promise<void> => {
  if (create) {
    await mkdir(dirname(file), { recursive: true })
    await (await open(file, 'a', 0o600)).close()
  }
  const { mode } = await stat(file)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) await chmod(file, mode & 0o700)
}

/**
 * Where no changes wait in a file beside it, the database is read as if it could not change: SQLite would make that file, and one more.
 * @throws {AccountStoreError} absent: nothing was ever in it
 */
const lookAt = (file: string, busyMs: number): DatabaseSync =>
  translated(() => {
    const waiting = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
    const url = pathToFileURL(file)
    if (waiting === 0) url.searchParams.set('immutable', '1')
    const database = new DatabaseSync(url, { readOnly: true, timeout: busyMs })
    try {
      denyAttach(database)
      if (versionOf(database) === 0) throw new AccountStoreError('absent', "the accounts' database is empty")
      return database
    } catch (error) {
      database.close()
      throw error
    }
  })

/** node:sqlite opens files past the permission model's flags. */
const denyAttach = (database: DatabaseSync): void =>
  database.setAuthorizer((action) => (action === constants.SQLITE_ATTACH ? constants.SQLITE_DENY : constants.SQLITE_OK))

const openDatabase = (file: string, busyMs: number): DatabaseSync =>
  translated(() => {
    const database = new DatabaseSync(file, { timeout: busyMs })
    try {
      denyAttach(database)
      prepareSchema(database)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  })

const prepareSchema = (database: DatabaseSync): void => {
  // One transaction: between two reads of their own another process might make the schema, and it would look like a stranger's.
  if (inTransaction(database, 'DEFERRED', () => versionOf(database)) < schemaVersion) {
    database.exec('PRAGMA journal_mode = WAL')
    // Looked at again with the lock held: another process may have been faster.
    inTransaction(database, 'IMMEDIATE', () => {
      for (const step of steps.slice(versionOf(database))) database.exec(step)
      database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`)
    })
  }
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
}

/** Which version of the schema is there; 0: none, the file is new. @throws {AccountStoreError} damaged */
const versionOf = (database: DatabaseSync): number => {
  const id = pragma(database, 'application_id')
  const version = pragma(database, 'user_version')
  if (id === applicationId && version > 0 && version <= schemaVersion) return version
  if (id === applicationId) {
    throw new AccountStoreError(
      'damaged',
      `the accounts' database has version ${version}, made by a later Havre; this one knows ${schemaVersion}`,
    )
  }
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n']
  if (id !== 0 || version !== 0 || tables !== 0)
    throw new AccountStoreError('damaged', "the file is a database, but not of Havre's accounts")
  return 0
}

const pragma = (database: DatabaseSync, name: 'application_id' | 'user_version'): number => {
  const value = database.prepare(`PRAGMA ${name}`).get()?.[name]
  return typeof value === 'number' ? value : 0
}

const inTransaction = <T>(database: DatabaseSync, kind: 'DEFERRED' | 'IMMEDIATE', work: () => T): T => {
  database.exec(`BEGIN ${kind}`)
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

const insertSql =
  'INSERT INTO accounts (name, password_hash, scram_keys, created_at_ms, password_changed_at_ms) VALUES (?1, ?2, ?3, ?4, ?4)'
const updateSql = 'UPDATE accounts SET password_hash = ?2, scram_keys = ?3, password_changed_at_ms = ?4 WHERE name = ?1'
const replaceSql = 'UPDATE accounts SET password_hash = ?3 WHERE name = ?1 AND password_hash = ?2'
const setKeysSql = 'UPDATE accounts SET scram_keys = ?3 WHERE name = ?1 AND password_hash = ?2'
const deleteSql = 'DELETE FROM accounts WHERE name = ?'

class SqliteAccountStore implements AccountStore {
  readonly #database: DatabaseSync
  readonly #now: () => Date
  readonly #find: StatementSync
  readonly #all: StatementSync
  readonly #first: StatementSync
  readonly #count: StatementSync
  readonly #added: StatementSync

  constructor(database: DatabaseSync, now: () => Date) {
    this.#database = database
    this.#now = now
    const columns = columnsOf(versionOf(database))
    this.#find = database.prepare(`SELECT ${columns} FROM accounts WHERE name = ?`)
    this.#all = database.prepare(`SELECT ${columns} FROM accounts ORDER BY id`)
    this.#first = database.prepare(`SELECT ${columns} FROM accounts ORDER BY id LIMIT 1`)
    this.#count = database.prepare('SELECT count(*) AS n FROM accounts')
    this.#added = database.prepare("SELECT seq AS n FROM sqlite_sequence WHERE name = 'accounts'")
  }

  async add(...accounts: readonly NewAccount[]): Promise<void> {
    for (const { name } of accounts) checkName(name)
    this.#write(() => {
      for (const { name, passwordHash, scramKeys = null } of accounts) {
        if (this.#find.get(name) !== undefined) throw new AccountStoreError('exists', `there is an account ${name} already`)
        this.#run(insertSql, name, passwordHash, scramKeys, this.#now().getTime())
      }
    })
  }

  async setPassword(name: string, passwordHash: string, scramKeys: string | null = null): Promise<void> {
    this.#write(() => {
      if (!this.#run(updateSql, name, passwordHash, scramKeys, this.#now().getTime())) throw noSuchAccount(name)
    })
  }

  async replaceHash(name: string, from: string, to: string): Promise<boolean> {
    return this.#write(() => this.#run(replaceSql, name, from, to))
  }

  async setScramKeys(name: string, passwordHash: string, scramKeys: string): Promise<boolean> {
    return this.#write(() => this.#run(setKeysSql, name, passwordHash, scramKeys))
  }

  async remove(name: string): Promise<void> {
    this.#write(() => {
      if (!this.#run(deleteSql, name)) throw noSuchAccount(name)
    })
  }

  async find(name: string): Promise<AccountWithHash | null> {
    const row = this.#read(() => this.#find.get(name))
    return row === undefined ? null : withHashOf(row)
  }

  async list(): Promise<readonly Account[]> {
    return this.#read(() => this.#all.all()).map(accountOf)
  }

  async oldest(): Promise<Account | null> {
    const row = this.#read(() => this.#first.get())
    return row === undefined ? null : accountOf(row)
  }

  async count(): Promise<number> {
    return numberOf(this.#read(() => this.#count.get()) ?? {}, 'n')
  }

  async untouched(): Promise<boolean> {
    return this.#read(() => this.#added.get()) === undefined
  }

  async secret(): Promise<Buffer> {
    const octets = this.#read(() => this.#database.prepare('SELECT octets FROM secret').get())?.['octets']
    if (!(octets instanceof Uint8Array)) throw new AccountStoreError('damaged', "the accounts' database has lost its secret")
    return Buffer.from(octets)
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }

  #read<T>(query: () => T): T {
    this.#checkOpen()
    return translated(query)
  }

  #write<T>(change: () => T): T {
    this.#checkOpen()
    return translated(() => inTransaction(this.#database, 'IMMEDIATE', change))
  }

  /** Changes are rare: their statements are made when they are needed, so that an old file can be looked at. @returns whether a row changed */
  #run(sql: string, ...values: readonly (string | number | null)[]): boolean {
    return this.#database.prepare(sql).run(...values).changes !== 0
  }

  #checkOpen(): void {
    if (!this.#database.isOpen) throw new AccountStoreError('closed', "the accounts' database was closed")
  }
}

const checkName = (name: string): void => {
  const reading = readAccountName(name)
  if (!reading.ok) throw new AccountStoreError('bad-name', reading.reason)
  if (reading.name !== name) throw new AccountStoreError('bad-name', 'names of accounts are stored in lower case')
}

const noSuchAccount = (name: string): AccountStoreError => new AccountStoreError('missing', `there is no account ${name}`)

type Row = Readonly<Record<string, unknown>>

const accountOf = (row: Row): Account => ({
  name: textOf(row, 'name'),
  createdAt: new Date(numberOf(row, 'createdAtMs')),
  passwordChangedAt: new Date(numberOf(row, 'passwordChangedAtMs')),
})

const withHashOf = (row: Row): AccountWithHash => ({
  ...accountOf(row),
  passwordHash: textOf(row, 'passwordHash'),
  scramKeys: row['scramKeys'] === null ? null : textOf(row, 'scramKeys'),
})

const textOf = (row: Row, column: string): string => {
  const value = row[column]
  if (typeof value !== 'string') throw new AccountStoreError('damaged', `an account has no text as ${column}`)
  return value
}

const numberOf = (row: Row, column: string): number => {
  const value = row[column]
  if (typeof value !== 'number') throw new AccountStoreError('damaged', `an account has no number as ${column}`)
  return value
}

/** Runs it; a failure of SQLite becomes ours, anything else passes. */
const translated = <T>(run: () => T): T => {
  try {
    return run()
  } catch (error) {
    throw translation(error)
  }
}

const translating = async <T>(run: () => Promise<T>): Promise<T> => {
  try {
    return await run()
  } catch (error) {
    throw translation(error)
  }
}

/** SQLite's primary result codes (the low octet of the extended one) that a caller can act on. */
const sqliteCodes: Readonly<Record<number, AccountErrorCode>> = {
  3: 'denied', // SQLITE_PERM
  5: 'locked', // SQLITE_BUSY
  6: 'locked', // SQLITE_LOCKED
  8: 'denied', // SQLITE_READONLY
  11: 'damaged', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  14: 'denied', // SQLITE_CANTOPEN
  23: 'denied', // SQLITE_AUTH
  26: 'damaged', // SQLITE_NOTADB
}

const systemCodes: Readonly<Record<string, AccountErrorCode>> = {
  EACCES: 'denied',
  EDQUOT: 'full',
  EISDIR: 'denied',
  ENOENT: 'absent',
  ENOSPC: 'full',
  ENOTDIR: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
}

const translation = (error: unknown): unknown => {
  if (!(error instanceof Error) || error instanceof AccountStoreError) return error
  const told = (code: AccountErrorCode) => new AccountStoreError(code, `the accounts' database: ${error.message}`, { cause: error })
  if ('errcode' in error && typeof error.errcode === 'number') return told(sqliteCodes[error.errcode & 0xff] ?? 'failed')
  if ('syscall' in error && 'code' in error && typeof error.code === 'string') return told(systemCodes[error.code] ?? 'failed')
  return error
}
