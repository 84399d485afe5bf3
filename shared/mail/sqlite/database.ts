/** The file itself: opened safely, written in transactions that last or need not last, and known to be the one we opened. */
import { closeSync, openSync, statSync } from 'node:fs'
import { constants, DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { StoreError } from '../mail-store.ts'
import { codeOf, storeError } from './failures.ts'
import { pageOctets, prepareSchema } from './schema.ts'

/** How the file is opened. */
export interface DatabaseOptions {
  readonly file: string
  readonly busyTimeoutMs: number
  readonly maxOctets: number | null
}

/** Whether a transaction must survive loss of power, or only not be torn. */
export type Durability = 'durable' | 'in-time'

/** A row of a result, by column. */
export type Row = Readonly<Record<string, SQLOutputValue>>

/** `mail.db`, open. Whoever opens it closes it. */
export class MailDatabase {
  /** Random, made with the file: tells it from one that had the same name before. */
  readonly storeId: string
  readonly #database: DatabaseSync
  readonly #file: string
  readonly #busyTimeoutMs: number
  readonly #inode: bigint
  readonly #statements = new Map<string, StatementSync>()
  #durability: Durability = 'durable'

  /** @throws {PermanentError} newer or not ours; errors of SQLite and of the system as they are */
  constructor({ file, busyTimeoutMs, maxOctets }: DatabaseOptions) {
    makePrivate(file)
    this.#file = file
    this.#busyTimeoutMs = busyTimeoutMs
    this.#database = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: false })
    try {
      this.#database.setAuthorizer((action) => (action === constants.SQLITE_ATTACH ? constants.SQLITE_DENY : constants.SQLITE_OK))
      this.#inode = inodeOf(file)
      this.storeId = this.patiently(() => {
        prepareSchema(this.#database)
        this.#database.exec(settings)
        if (maxOctets !== null) this.#database.exec(`PRAGMA max_page_count = ${Math.ceil(maxOctets / pageOctets)}`)
        return text(this.get('SELECT id FROM store')?.id)
      })
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Statements are kept by their text, so a text must not be put together from values. */
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values)
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values)
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number; id: number } {
    const { changes, lastInsertRowid } = this.#prepared(sql).run(...values)
    return { changes: Number(changes), id: Number(lastInsertRowid) }
  }

  /**
   * Runs `work` in one transaction: all of it holds, or nothing. With `in-time` the commit is not synced by itself: the next
   * durable one, of whatever process, brings it along, since the write-ahead log is synced as one file.
   */
  transaction<T>(durability: Durability, work: () => T): T {
    if (durability !== this.#durability) {
      this.#database.exec(durability === 'durable' ? 'PRAGMA synchronous = FULL' : 'PRAGMA synchronous = NORMAL')
      this.#durability = durability
    }
    this.patiently(() => this.#database.exec('BEGIN IMMEDIATE'))
    try {
      const result = work()
      this.#check()
      this.#database.exec('COMMIT')
      return result
    } finally {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    }
  }

  /**
   * Runs what reads, or what begins to write, again while another process is in the way. Writers are through in less than a
   * millisecond, so that SQLite's own waiting, which soon sleeps for 25 to 100, keeps the second of two busy processes out for
   * up to a second.
   */
  patiently<T>(work: () => T): T {
    const deadline = performance.now() + this.#busyTimeoutMs
    for (let sleepMs = 0.1; ; sleepMs = Math.min(2, sleepMs * 1.2)) {
      try {
        return work()
      } catch (error) {
        if (error instanceof StoreError || codeOf(error) !== 'locked' || performance.now() > deadline) throw error
        Atomics.wait(sleeping, 0, 0, sleepMs)
      }
    }
  }

  close(): void {
    this.#database.close()
  }

  /** SQLite goes on writing to a file that was deleted or replaced, where nobody would find it again. */
  #check(): void {
    if (inodeOf(this.#file) !== this.#inode) throw storeError('damaged', { cause: 'the database file was replaced' })
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

/** Never woken: the worker thread has nothing else to do meanwhile. */
const sleeping = new Int32Array(new SharedArrayBuffer(4))

/** The log is cut back to 64 MiB after it was larger; nothing is sorted on disk, where a sandboxed child may not write. */
const settings = `
  PRAGMA synchronous = FULL;
  PRAGMA temp_store = MEMORY;
  PRAGMA trusted_schema = OFF;
  PRAGMA wal_autocheckpoint = 1000;
  PRAGMA journal_size_limit = ${64 * 1024 * 1024};
`

/**
 * A new file is nobody else's to read (SQLite gives `-wal` and `-shm` the same rights). One that exists is left alone: opening and
 * closing it here would drop the locks that this process has on it.
 */
const makePrivate = (file: string): void => {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

const inodeOf = (file: string): bigint => {
  const { dev, ino } = statSync(file, { bigint: true })
  return (dev << 64n) | ino
}

const unlike = (wanted: string): never => {
  throw storeError('damaged', { cause: `a column is no ${wanted}` })
}

/** The value of a column that holds an integer, text or octets. @throws {StoreError} damaged: it does not */
export const integer = (value: SQLOutputValue | undefined): number => (typeof value === 'number' ? value : unlike('integer'))
export const text = (value: SQLOutputValue | undefined): string => (typeof value === 'string' ? value : unlike('text'))
export const blob = (value: SQLOutputValue | undefined): Uint8Array => (value instanceof Uint8Array ? value : unlike('blob'))
