/** A mail database as the program of version 1 of the tables left it. */
import { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'

const tables = `
  PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
  CREATE TABLE store (id TEXT NOT NULL) STRICT;
  INSERT INTO store VALUES ('0123456789abcdef');
  CREATE TABLE holder (token TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE mailbox (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE hold (id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL UNIQUE, holder TEXT NOT NULL) STRICT;
  CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, links INTEGER NOT NULL, writer TEXT, octets INTEGER NOT NULL,
    received INTEGER NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL
  ) STRICT;
  CREATE INDEX delivery_without_message ON delivery (writer) WHERE links = 0;
  CREATE TABLE chunk (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
  CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, delivery INTEGER NOT NULL) STRICT;
  CREATE INDEX message_of_mailbox ON message (mailbox);
  PRAGMA application_id = ${0x48617672}; PRAGMA user_version = 1;`

/** Makes it, with messages of these octets, each in the mailboxes of these accounts. @returns its UIDLs of the first account */
export const makeVersion1 = (file: string, accounts: readonly string[], bodies: readonly Buffer[]): string[] => {
  const database = new DatabaseSync(file)
  try {
    database.exec(tables)
    database.exec('BEGIN')
    for (const account of accounts) database.prepare('INSERT INTO mailbox (account) VALUES (?)').run(account)
    const delivery = database.prepare('INSERT INTO delivery VALUES (NULL, ?, NULL, ?, ?, \'a@b\', \'[["x@y","x"]]\')')
    const chunk = database.prepare('INSERT INTO chunk VALUES ((?1 << 20) + ?2, ?3, ?4)')
    const message = database.prepare('INSERT INTO message SELECT NULL, id, ?2 FROM mailbox WHERE account = ?1')
    const uidls = bodies.map((body, place) => {
      const id = Number(delivery.run(accounts.length, body.length, place + 1).lastInsertRowid)
      for (let begin = 0; begin < body.length; begin += 65_536) {
        const data = body.subarray(begin, begin + 65_536)
        chunk.run(id, begin / 65_536, crc32(data), data)
      }
      const [first] = accounts.map((account) => message.run(account, id).lastInsertRowid)
      return `0123456789abcdef.${first}.${(place + 1).toString(36)}`
    })
    database.exec('COMMIT')
    return uidls
  } finally {
    database.close()
  }
}
