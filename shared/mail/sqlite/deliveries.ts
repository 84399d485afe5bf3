/** Messages on their way in, and the removal of octets that belong to no message. Writers run inside a transaction. */
import { crc32 } from 'node:zlib'
import { integer, type MailDatabase, type Row } from './database.ts'
import { storeError } from './failures.ts'
import { type Holder, lives, uptimeMs } from './holders.ts'
import type { Requests } from './requests.ts'

/** SQL: the id of chunk `?2` of delivery `?1` (schema.ts). A delivery has at most 2^20 chunks of 64 KiB: 64 GiB. */
const chunkId = '(?1 << 20) + ?2'

const addChunk = (database: MailDatabase, delivery: number, chunk: number, data: Uint8Array): void => {
  database.run(`INSERT INTO chunk VALUES (${chunkId}, ?3, ?4)`, delivery, chunk, crc32(data), data)
}

/** An unfinished delivery is its writer's alone, and gone once the writer was taken for dead. */
const mustBeWriting = (database: MailDatabase, holder: Holder, delivery: number): void => {
  const row = database.get('SELECT 1 FROM delivery WHERE id = ? AND links = 0 AND writer = ?', delivery, holder.token)
  if (row === undefined) throw storeError('damaged', { cause: `delivery ${delivery} was swept` })
}

/** Adds a chunk to an unfinished delivery, or begins one with it. @throws {StoreError} damaged: the delivery was swept */
export const append = (database: MailDatabase, holder: Holder, ask: Requests['append']['ask']): Requests['append']['answer'] => {
  const delivery = ask.delivery ?? begin(database, holder)
  mustBeWriting(database, holder, delivery)
  addChunk(database, delivery, ask.chunk, ask.data)
  return { delivery }
}

const begin = (database: MailDatabase, holder: Holder): number => {
  holder.register(database)
  return database.run("INSERT INTO delivery VALUES (NULL, 0, ?, 0, 0, '', '[]')", holder.token).id
}

/**
 * Makes a delivery, of what came with the request or of what went ahead too, and a message for each account.
 * @throws {StoreError} damaged: not all of what went ahead is there
 */
export const deliver = (database: MailDatabase, holder: Holder, ask: Requests['deliver']['ask']): Requests['deliver']['answer'] => {
  const delivery = ask.delivery === null ? insertDelivery(database, ask) : finish(database, holder, ask.delivery, ask)
  if (ask.data !== null) addChunk(database, delivery, ask.chunks, ask.data)
  return { ids: ask.accounts.map((account) => addMessage(database, account, delivery)) }
}

const insertDelivery = (database: MailDatabase, ask: Requests['deliver']['ask']): number => {
  const { octets, sender, recipients, accounts } = ask
  const insert = 'INSERT INTO delivery VALUES (NULL, ?, NULL, ?, ?, ?, ?)'
  return database.run(insert, accounts.length, octets, Date.now(), sender, recipients).id
}

const finish = (database: MailDatabase, holder: Holder, delivery: number, ask: Requests['deliver']['ask']): number => {
  const { octets, sender, recipients, chunks, accounts } = ask
  mustBeWriting(database, holder, delivery)
  const there = integer(
    database.get(`SELECT count(*) AS n FROM chunk WHERE id BETWEEN ?1 << 20 AND ${chunkId}`, delivery, chunks)?.n,
  )
  if (there !== chunks) throw storeError('damaged', { cause: `delivery ${delivery} has ${there} chunks, not ${chunks}` })
  const update =
    'UPDATE delivery SET links = ?2, writer = NULL, octets = ?3, received = ?4, sender = ?5, recipients = ?6 WHERE id = ?1'
  database.run(update, delivery, accounts.length, octets, Date.now(), sender, recipients)
  return delivery
}

/** The account's mailbox, made when missing: the store does not know which accounts there are. */
export const mailboxOf = (database: MailDatabase, account: string): number => {
  const row = database.get('SELECT id FROM mailbox WHERE account = ?', account)
  return row === undefined ? database.run('INSERT INTO mailbox VALUES (NULL, ?)', account).id : integer(row.id)
}

const addMessage = (database: MailDatabase, account: string, delivery: number): number => {
  const insert = 'INSERT INTO message SELECT NULL, id, ?2 FROM mailbox WHERE account = ?1'
  const { changes, id } = database.run(insert, account, delivery)
  if (changes === 1) return id
  mailboxOf(database, account)
  return database.run(insert, account, delivery).id
}

/** Gives an unfinished delivery up; its octets are left to `sweep`, which goes in small steps. */
export const forget = (database: MailDatabase, holder: Holder, { delivery }: Requests['forget']['ask']): null => {
  database.run('UPDATE delivery SET writer = NULL WHERE id = ? AND links = 0 AND writer = ?', delivery, holder.token)
  return null
}

const living = `SELECT token FROM holder WHERE ${lives}`
const leftOver = `SELECT id FROM delivery WHERE links = 0 AND (writer IS NULL OR writer NOT IN (${living})) LIMIT 256`
const dead = `SELECT token FROM holder WHERE NOT (${lives})`

/** A step of sweeping ends after so long, that others may write. */
const stepMs = 5

/**
 * One step of removing what belongs to nobody: deliveries without a message whose writer is done or dead, and dead holders with
 * their holds.
 * @returns whether there is more to do
 */
export const sweep = (database: MailDatabase): boolean => {
  const now = uptimeMs()
  if (database.get(dead, now) === undefined && database.get(leftOver, now) === undefined) return false
  return database.transaction('in-time', () => {
    database.run(`DELETE FROM hold WHERE holder NOT IN (${living})`, now)
    database.run(`DELETE FROM holder WHERE NOT (${lives})`, now)
    return sweepDeliveries(database, database.all(leftOver, now), performance.now() + stepMs)
  })
}

const sweepDeliveries = (database: MailDatabase, rows: readonly Row[], untilMs: number): boolean => {
  const some = `SELECT id FROM chunk WHERE id BETWEEN ?1 << 20 AND ((?1 + 1) << 20) - 1 LIMIT 16`
  for (const { id } of rows) {
    const delivery = integer(id)
    while (database.run(`DELETE FROM chunk WHERE id IN (${some})`, delivery).changes === 16)
      if (performance.now() > untilMs) return true
    database.run('DELETE FROM delivery WHERE id = ?', delivery)
    if (performance.now() > untilMs) return true
  }
  return rows.length === 256
}
