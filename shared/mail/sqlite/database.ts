/** The file itself: opened safely, written in transactions that last or need not last, and known to be the one we opened. */
import { accessSync, closeSync, existsSync, constants as modes, openSync, statfsSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { constants, DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { StoreError } from '../mail-store.ts'
import { codeOf, storeError } from './failures.ts'
import { checkSchema, pageOctets, prepareSchema } from './schema.ts'

/** How the file is opened. */
export interface DatabaseOptions {
  readonly file: string
  readonly busyTimeoutMs: number
  readonly maxOctets: number | null
  /** Nothing is written or made. Default: false. */
  readonly readOnly?: boolean
  /** Makes the file where there is none; else that is a failure: mail must not begin anew where its disk is gone. Default: false. */
  readonly create?: boolean
}

/** Whether a transaction must survive loss of power, or only not be torn. */
export type Durability = 'durable' | 'in-time'

/** A row of a result, by column. */
export type Row = Readonly<Record<string, SQLOutputValue>>

/** What there is for mail. */
export interface MailRoom {
  readonly leftOctets: number
  /** With less than this left, mail is refused. */
  readonly keptOctets: number
}

/** `mail.db`, open. Whoever opens it closes it. */
export class MailDatabase {
  /** Random, made with the file: tells it from one that had the same name before. */
  readonly storeId: string
  readonly #database: DatabaseSync
  readonly #file: string
  readonly #busyTimeoutMs: number
  readonly #readOnly: boolean
  readonly #inodes: readonly bigint[]
  readonly #statements = { names: new Map<string, StatementSync>(), places: new Map<string, StatementSync>() }
  #durability: Durability = 'durable'
  #logOctets = 0
  /** Until when it is not looked whether the log can begin again. */
  #held = 0
  /** Until when it is not looked how much room is left. */
  #roomy = 0

  /** @throws {PermanentError} newer or not ours; errors of SQLite and of the system as they are */
  constructor({ file, busyTimeoutMs, maxOctets, create = false, readOnly = false }: DatabaseOptions) {
    if (create) makePrivate(file)
    else mustBeThere(file)
    this.#readOnly = readOnly
    this.#file = file
    this.#busyTimeoutMs = busyTimeoutMs
    this.#database = new DatabaseSync(readOnly ? unchanged(file) : file, {
      timeout: 0,
      enableForeignKeyConstraints: false,
      readOnly,
    })
    try {
      this.#database.setAuthorizer((action) => (action === constants.SQLITE_ATTACH ? constants.SQLITE_DENY : constants.SQLITE_OK))
      this.storeId = this.patiently(() => {
        if (readOnly) checkSchema(this.#database)
        else prepareSchema(this.#database)
        this.#database.exec(readOnly ? readSettings : settings)
        if (maxOctets !== null) this.#database.exec(`PRAGMA max_page_count = ${Math.ceil(maxOctets / pageOctets)}`)
        return text(this.get('SELECT id FROM store')?.id)
      })
      this.#inodes = this.#files.map((path) => inodeOf(statOf(path)))
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Statements are kept by their text, so a text must not be put together from values. */
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values)
  }

  /** The same with columns by their place in place of their name, `row[0]`: for many rows, at a third of the time. */
  places(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql, 'places').all(...values)
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
      this.check()
      this.#database.exec('COMMIT')
      return result
    } finally {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    }
  }

  /** Reads in one transaction: what others write meanwhile is not seen. */
  atOneMoment<T>(work: () => T): T {
    this.patiently(() => this.#database.exec('BEGIN'))
    try {
      return work()
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

  /**
   * SQLite goes on writing to files that were deleted or replaced, where nobody would find it again: the database, and the log
   * beside it, which a process that was killed leaves to the next one.
   * @throws {StoreError} damaged; errors of the system
   */
  check(): void {
    for (const [nth, file] of this.#files.entries()) {
      const stat = statOf(file)
      if (inodeOf(stat) !== this.#inodes[nth]) throw storeError('damaged', { cause: `${basename(file)} was replaced` })
      this.#logOctets = Number(stat.size)
    }
  }

  /**
   * Lets the log begin again from its start where it has grown too large. By itself it does so only where a checkpoint has written all
   * of it into the file and nobody reads along or has written since: among many writers and readers that moment may not come. Those
   * who write wait here for those who read. Where somebody holds an old state, nothing is done and nobody waits.
   */
  restartLog(): void {
    if (this.#logOctets <= logLimitOctets || performance.now() < this.#held) return
    const { log, checkpointed } = this.get('PRAGMA wal_checkpoint(PASSIVE)') ?? {}
    if ((integer(log) - integer(checkpointed)) * pageOctets > leftOctets) {
      this.#held = performance.now() + heldMs
      return
    }
    this.#database.exec(`PRAGMA busy_timeout = ${readersMs}`)
    this.get('PRAGMA wal_checkpoint(RESTART)')
    this.#database.exec('PRAGMA busy_timeout = 0')
  }

  /**
   * Refuses what would take the last room. What the log holds has to go into the file, which grows by that, and taking a mailbox or
   * removing mail is written too: on a disk that mail has filled to the end, nobody could fetch it, nor make room.
   * @throws {StoreError} full
   */
  leaveRoom(): void {
    const now = performance.now()
    if (now < this.#roomy) return
    const room = roomOf(this.#file, (sql) => this.get(sql))
    if (room === null) return
    const { leftOctets, keptOctets } = room
    if (leftOctets < keptOctets) throw storeError('full', { cause: `${leftOctets} octets are left` })
    if (leftOctets > amplyOctets) this.#roomy = now + amplyMs
  }

  get #files(): readonly string[] {
    return this.#readOnly ? [this.#file] : [this.#file, `${this.#file}-wal`]
  }

  #prepared(sql: string, columns: 'names' | 'places' = 'names'): StatementSync {
    const statements = this.#statements[columns]
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    statement.setReturnArrays(columns === 'places')
    statements.set(sql, statement)
    return statement
  }
}

/** Never woken: the worker thread has nothing else to do meanwhile. */
const sleeping = new Int32Array(new SharedArrayBuffer(4))

/** A log that was larger is cut back to this. */
const logLimitOctets = 64 * 1024 * 1024

/** What may be left to write into the file for the log to begin again: what came since the last look. */
const leftOctets = 8 * 1024 * 1024

/** How long those who write wait for those who read a state that is in the file by now. */
const readersMs = 100

/** Where somebody held an old state, it is looked again after so long. */
const heldMs = 500

/** No mail is taken where it would leave less than this, or than this share of a small disk. */
const mostKeptOctets = 32 * 1024 * 1024
const keptShare = 1 / 8

/** With so much left, it is looked again after so long. */
const amplyOctets = 512 * 1024 * 1024
const amplyMs = 100

/** The room on the disk and in the file itself, less what the log has still to write there; null: the file system does not tell. */
const roomOf = (file: string, get: (sql: string) => Row | undefined): MailRoom | null => {
  const { bavail, blocks, bsize } = statfsSync(file)
  if (blocks === 0) return null
  const pages = integer(get('PRAGMA page_count')?.page_count) - integer(get('PRAGMA freelist_count')?.freelist_count)
  return {
    leftOctets: bavail * bsize + Number(statOf(file).size) - pages * pageOctets,
    keptOctets: Math.min(mostKeptOctets, blocks * bsize * keptShare),
  }
}

/**
 * Looks how much room there is for mail in a store that others may be using. No file is made beside it, but for the index of a log that
 * lies there without one (a copy that was put back), as SQLite needs it.
 * @returns null: the file system does not tell
 * @throws errors of SQLite and of the system as they are
 */
export const mailRoom = (file: string): MailRoom | null => {
  const database = new DatabaseSync(existsSync(`${file}-wal`) ? file : immutable(file), { readOnly: true, timeout: lookMs })
  try {
    return roomOf(file, (sql) => database.prepare(sql).get())
  } finally {
    database.close()
  }
}

/** How long a mere look waits for others. */
const lookMs = 1_000

/** Nothing is sorted on disk, where a sandboxed child may not write. */
const settings = `
  PRAGMA synchronous = FULL;
  PRAGMA temp_store = MEMORY;
  PRAGMA trusted_schema = OFF;
  PRAGMA wal_autocheckpoint = 1000;
  PRAGMA journal_size_limit = ${logLimitOctets};
`

const readSettings = 'PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF'

/**
 * Where nothing may be written and no log is there, SQLite could not make the files beside it that it reads along with; but then
 * nobody writes either, and it need not look for them.
 */
const unchanged = (file: string): string | URL => (existsSync(`${file}-wal`) || mayWrite(dirname(file)) ? file : immutable(file))

const immutable = (file: string): URL => {
  const url = pathToFileURL(file)
  url.searchParams.set('immutable', '1')
  return url
}

const mayWrite = (folder: string): boolean => {
  try {
    accessSync(folder, modes.W_OK)
    return true
  } catch {
    return false
  }
}

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

/** An empty file is what somebody made who looked for the one that is gone. */
const mustBeThere = (file: string): void => {
  if (statSync(file).size === 0) throw storeError('damaged', { cause: 'the database file is empty' })
}

const statOf = (file: string) => statSync(file, { bigint: true })

const inodeOf = ({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): bigint => (dev << 64n) | ino

const unlike = (wanted: string): never => {
  throw storeError('damaged', { cause: `a column is no ${wanted}` })
}

/** The value of a column that holds an integer, text or octets. @throws {StoreError} damaged: it does not */
export const integer = (value: SQLOutputValue | undefined): number => (typeof value === 'number' ? value : unlike('integer'))
export const text = (value: SQLOutputValue | undefined): string => (typeof value === 'string' ? value : unlike('text'))
export const blob = (value: SQLOutputValue | undefined): Uint8Array => (value instanceof Uint8Array ? value : unlike('blob'))
