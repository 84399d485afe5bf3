/**
 * `mail-index.db`: which words stand in which message. All of it is made from `mail.db` and made again when it is missing, damaged,
 * of another version or about another store; a file of its own, so that its commits never hold up a delivery.
 *
 * A *letter* is a delivery as words (the words alone, no text: FTS5 "contentless"); its row is the delivery's id. `box` has a mark
 * for each mailbox that it was put into, so that a question asks for one mailbox's letters alone. A *place* ties a letter to a
 * message. `progress` says how far the index is and who goes on with it.
 */
import { closeSync, openSync, rmSync, statSync } from 'node:fs'
import { constants, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { integer, type Row, text } from '../sqlite/database.ts'
import { storeError } from '../sqlite/failures.ts'
import { tokenizer } from './fold.ts'

/** `HavI`. */
const applicationId = 0x48617649

/** Another one after any change to the tables or to what is written into them (`fold.ts`, `extract.ts`). */
const version = 2

const tables = `
  CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    store TEXT NOT NULL,          -- the mail.db that this is about
    message INTEGER NOT NULL,     -- all messages up to this one are in the index
    received INTEGER,             -- when that one came: another one under its number is another store's, or an older one's
    trying INTEGER NOT NULL,      -- how badly what comes next has gone until now: see steps.ts
    reach INTEGER NOT NULL,       -- the last message of the step that was begun
    holder TEXT NOT NULL,         -- who goes on with it
    until INTEGER NOT NULL,
    urgent INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE place (mailbox INTEGER, message INTEGER, delivery INTEGER, PRIMARY KEY (mailbox, message)) STRICT, WITHOUT ROWID;
  CREATE INDEX place_of_delivery ON place (delivery);
  CREATE TABLE left_out (delivery INTEGER PRIMARY KEY, why TEXT NOT NULL) STRICT;
  CREATE VIRTUAL TABLE letter USING fts5 (
    box, sender, recipients, subject, text, attachments,
    content = '', contentless_delete = 1, tokenize = "${tokenizer}"
  );
`

/** How the file came to be open. */
export type Made = 'found' | 'missing' | 'damaged' | 'another version' | 'another store'

/** The index, open. Whoever opens it closes it. */
export class IndexDatabase {
  /** Whether it was there, or why it was made anew. */
  readonly made: Made
  readonly #database: DatabaseSync
  readonly #file: string
  readonly #inode: string
  readonly #statements = new Map<string, StatementSync>()

  /**
   * Opens the index of this store; one that is not it is removed and made anew.
   * @param file `mail-index.db`, absolute; readable by its owner only
   * @param store the id of the store that it is about
   * @throws errors of SQLite and of the system as they are, and `IndexDamaged`, as all that follows
   */
  static open(file: string, store: string): IndexDatabase {
    try {
      return new IndexDatabase(file, store, null)
    } catch (error) {
      if (!(error instanceof NotOurs) && !(error instanceof IndexDamaged)) throw error
      removeIndex(file)
      return new IndexDatabase(file, store, error instanceof NotOurs ? error.why : 'damaged')
    }
  }

  private constructor(file: string, store: string, why: Made | null) {
    const there = !makePrivate(file)
    this.#file = file
    this.#inode = inodeOf(file)
    this.#database = new DatabaseSync(file, { timeout: 5_000, enableForeignKeyConstraints: false })
    try {
      this.#database.setAuthorizer((action) => (action === constants.SQLITE_ATTACH ? constants.SQLITE_DENY : constants.SQLITE_OK))
      told(() => this.#database.exec(settings))
      const made = this.transaction(() => this.#prepare(store))
      this.made = why ?? (made && there ? 'damaged' : made ? 'missing' : 'found')
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Statements are kept by their text, so a text must not be put together from values. */
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return told(() => this.#prepared(sql).all(...values))
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return told(() => this.#prepared(sql).get(...values))
  }

  /** @returns how many rows it changed */
  run(sql: string, ...values: SQLInputValue[]): number {
    // FTS5 leaves ids of its own as the last one that was inserted, which may be larger than a number can be.
    return told(() => Number(this.#prepared(sql, true).run(...values).changes))
  }

  /** All of `work` holds, or nothing; two of several processes wait for each other. Loss of power may take the last ones along, in their order: they are made again then. */
  transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      // Somebody found it damaged and began another one: what is written here nobody will see.
      if (inodeOf(this.#file) !== this.#inode) throw storeError('damaged', { cause: 'the index was replaced' })
      told(() => this.#database.exec('COMMIT'))
      return result
    } finally {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    }
  }

  close(): void {
    this.#database.close()
  }

  /** @returns whether the tables were made */
  #prepare(store: string): boolean {
    const found = this.#pragma('user_version')
    if (found === 0 && this.get('SELECT 1 FROM sqlite_schema') === undefined) {
      this.#database.exec(tables)
      this.run(`INSERT INTO progress VALUES (1, ?, 0, NULL, 0, 0, '', 0, 0)`, store)
      this.#database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`)
      return true
    }
    if (this.#pragma('application_id') !== applicationId || found !== version) throw new NotOurs('another version')
    if (text(this.get('SELECT store FROM progress')?.store) !== store) throw new NotOurs('another store')
    return false
  }

  #pragma(name: string): number {
    return integer(told(() => this.#database.prepare(`PRAGMA ${name}`).get())?.[name])
  }

  #prepared(sql: string, largeIds = false): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    statement.setReadBigInts(largeIds)
    this.#statements.set(sql, statement)
    return statement
  }
}

class NotOurs extends Error {
  readonly why: Made
  constructor(why: Made) {
    super(`the index is of ${why}`)
    this.why = why
  }
}

/** The index is no database, or no whole one: it has to be made anew. */
export class IndexDamaged extends Error {
  override readonly name = 'IndexDamaged'
}

/** SQLite's words for damage (sqlite.org/rescode.html), in all their variants: CORRUPT and NOTADB. */
const damages = [11, 26]

/** Tells damage of this file from that of any other. */
const told = <T>(work: () => T): T => {
  try {
    return work()
  } catch (cause) {
    const code = cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number' ? cause.errcode & 0xff : 0
    if (damages.includes(code)) throw new IndexDamaged('the index is damaged', { cause })
    throw cause
  }
}

/** Nothing is sorted on disk, where a sandboxed child may not write. The log is cut back to 8 MiB after it was larger. */
const settings = `
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA temp_store = MEMORY;
  PRAGMA trusted_schema = OFF;
  PRAGMA journal_size_limit = ${8 * 1024 * 1024};
`

/** Removes the index with the files beside it; it is made again when it is next opened. */
export const removeIndex = (file: string): void => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
}

/** @returns whether the file was made */
const makePrivate = (file: string): boolean => {
  try {
    closeSync(openSync(file, 'wx', 0o600))
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    return false
  }
}

const inodeOf = (file: string): string => {
  const { dev, ino } = statSync(file, { bigint: true })
  return `${dev}.${ino}`
}
