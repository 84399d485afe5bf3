/**
 * The tables of `mail.db`, and how a file gets them. A version is a step: what brings the file from the version before it here.
 *
 * A *delivery* is a message as it came: envelope and octets, stored once. A *message* is its place in one mailbox; the delivery
 * goes with its last message. Octets lie in *chunks* of `chunkOctets`; a chunk's id is its delivery's id and its own number in
 * one integer, so that a message is one range of one tree, without an index. A *holder* is one process (one worker thread of
 * one) that says with `until` that it lives: *holds* of mailboxes and unfinished deliveries are its own and end with it.
 * A *mailbox* counts its messages and their octets, changed in the transaction that changes what is counted. Ids of messages grow in
 * the order of the commits.
 */
import type { DatabaseSync } from 'node:sqlite'
import { PermanentError } from '../../service.ts'

/**
 * Octets in every chunk but the last of a message. Large enough that a chunk costs little beside its octets (reading 64 KiB
 * takes 20 µs), small enough that a few hundred conversations may each have two in memory.
 */
export const chunkOctets = 64 * 1024

/** Chunks of a delivery, the number being 20 bits of the chunk's id: 64 GiB. */
export const mostChunks = 2 ** 20

/** Octets in a page: 16 KiB wrote small messages a third faster and read chunks four times faster than SQLite's 4 KiB. */
export const pageOctets = 16 * 1024

/** `Havr`: tells our file from any other SQLite database. */
const applicationId = 0x48617672

/** What `message.flags` may hold: Maildir's letters, each once, sorted. */
export const isFlags = (flags: string): boolean =>
  /^[A-Za-z]*$/.test(flags) && [...flags].every((letter, place) => place === 0 || letter > flags.charAt(place - 1))

const steps = [
  `
  CREATE TABLE store (id TEXT NOT NULL) STRICT;
  INSERT INTO store VALUES (lower(hex(randomblob(8))));
  CREATE TABLE holder (token TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE mailbox (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE hold (id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL UNIQUE, holder TEXT NOT NULL) STRICT;
  CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    links INTEGER NOT NULL,     -- messages that share it; 0: unfinished, or left over
    writer TEXT,                -- the holder that still writes it
    octets INTEGER NOT NULL,
    received INTEGER NOT NULL,  -- ms since 1970
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL    -- JSON: [[address, account], …]; a third element, where there is one: { notify, originalRecipient }
  ) STRICT;
  CREATE INDEX delivery_without_message ON delivery (writer) WHERE links = 0;
  CREATE TABLE chunk (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
  CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, delivery INTEGER NOT NULL) STRICT;
  CREATE INDEX message_of_mailbox ON message (mailbox);
  `,
  `
  ALTER TABLE mailbox ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE mailbox ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE delivery ADD COLUMN utf8 INTEGER NOT NULL DEFAULT 0;   -- 1: came with SMTPUTF8
  ALTER TABLE delivery ADD COLUMN dsn TEXT;                          -- JSON: { ret, envelopeId }; NULL: nothing was said
  ALTER TABLE message ADD COLUMN flags TEXT NOT NULL DEFAULT '';     -- Maildir's letters, sorted
  UPDATE mailbox SET (messages, octets) = (
    SELECT count(*), coalesce(sum(delivery.octets), 0)
    FROM message JOIN delivery ON delivery.id = message.delivery WHERE message.mailbox = mailbox.id
  );
  `,
] as const

/** The version that this program writes and the newest that it understands. */
export const schemaVersion = steps.length

const pragma = (database: DatabaseSync, name: string): number => {
  const value = database.prepare(`PRAGMA ${name}`).get()?.[name]
  return typeof value === 'number' ? value : 0
}

/** Reads in one transaction: another process may be making the tables between two answers. */
const atOneMoment = <T>(database: DatabaseSync, read: () => T): T => {
  database.exec('BEGIN')
  try {
    return read()
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK')
  }
}

const refuseStranger = (database: DatabaseSync): number => {
  const version = pragma(database, 'user_version')
  const id = pragma(database, 'application_id')
  if (version > schemaVersion)
    throw new PermanentError(
      `the mail database has version ${version}, this program knows up to ${schemaVersion}: it was written by a newer one`,
    )
  const tables = version > 0 || database.prepare('SELECT 1 FROM sqlite_schema').get() !== undefined
  if (tables && id !== applicationId) throw new PermanentError('the mail database is a database of another program')
  return version
}

/** Nothing is brought anywhere. @throws {PermanentError} older or newer than this program, or not ours */
export const checkSchema = (database: DatabaseSync): void => {
  const version = atOneMoment(database, () => refuseStranger(database))
  if (version === schemaVersion) return
  const advice = 'one start of this program brings it there'
  throw new PermanentError(`the mail database has version ${version}, this program reads version ${schemaVersion}: ${advice}`)
}

/**
 * Brings an opened file to `schemaVersion`; a new file gets its page size, incremental vacuum and the write-ahead log. Safe when
 * several processes do so at once; one that is in the way makes it fail as locked, and it may be run again.
 * @throws {PermanentError} written by a newer program, or not ours
 */
export const prepareSchema = (database: DatabaseSync): void => {
  let version = atOneMoment(database, () => refuseStranger(database))
  // Both are fixed by the first page that is written, so they come before the journal's mode, which writes it.
  if (version === 0) database.exec(`PRAGMA page_size = ${pageOctets}; PRAGMA auto_vacuum = INCREMENTAL`)
  database.exec('PRAGMA journal_mode = WAL')
  if (version === schemaVersion) return
  database.exec('BEGIN IMMEDIATE')
  try {
    version = refuseStranger(database) // another process may have been first
    for (const step of steps.slice(version)) database.exec(step)
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`)
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK')
  }
}
