/** Messages on their way in, and the removal of octets that belong to no message. Writers run inside a transaction. */
import { crc32 } from 'node:zlib'
import { integer, type MailDatabase, type Row } from './database.ts'
import { storeError } from './failures.ts'
import { type Holder, lives, uptimeMs } from './holders.ts'
import { admitted } from './quota.ts'
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

/** Adds a chunk to an unfinished delivery, or begins one with it. @throws {StoreError} full; damaged: the delivery was swept */
export const append = (database: MailDatabase, holder: Holder, ask: Requests['append']['ask']): Requests['append']['answer'] => {
  database.leaveRoom()
  const delivery = ask.delivery ?? begin(database, holder)
  mustBeWriting(database, holder, delivery)
  addChunk(database, delivery, ask.chunk, ask.data)
  return { delivery }
}

const begin = (database: MailDatabase, holder: Holder): number => {
  holder.register(database)
  const insert = "INSERT INTO delivery (links, writer, octets, received, sender, recipients) VALUES (0, ?, 0, 0, '', '[]')"
  return database.run(insert, holder.token).id
}

/**
 * Makes a delivery, of what came with the request or of what went ahead too, and a message for each account. A quota that is
 * reached is an answer, not an error: an error would make the worker do all that came together with this once more, one by one.
 * @throws {StoreError} full; damaged: not all of what went ahead is there
 */
export const deliver = (database: MailDatabase, holder: Holder, ask: Requests['deliver']['ask']): Requests['deliver']['answer'] => {
  database.leaveRoom()
  const mailboxes = admitted(database, ask)
  const links = mailboxes?.reduce<number>((sum, mailbox) => (mailbox === null ? sum : sum + 1), 0) ?? 0
  if (mailboxes === null || links === 0) return { ids: mailboxes }
  const delivery = ask.delivery === null ? insertDelivery(database, ask, links) : finish(database, holder, ask.delivery, ask, links)
  if (ask.data !== null) addChunk(database, delivery, ask.chunks, ask.data)
  const insert = 'INSERT INTO message VALUES (NULL, ?, ?, ?)'
  return { ids: mailboxes.map((mailbox) => (mailbox === null ? null : database.run(insert, mailbox, delivery, ask.flags).id)) }
}

const insertDelivery = (database: MailDatabase, ask: Requests['deliver']['ask'], links: number): number => {
  const { octets, received, sender, recipients, utf8, dsn } = ask
  const insert = 'INSERT INTO delivery VALUES (NULL, ?, NULL, ?, ?, ?, ?, ?, ?)'
  return database.run(insert, links, octets, received ?? Date.now(), sender, recipients, utf8, dsn).id
}

const finish = (
  database: MailDatabase,
  holder: Holder,
  delivery: number,
  ask: Requests['deliver']['ask'],
  links: number,
): number => {
  const { octets, received, sender, recipients, chunks, utf8, dsn } = ask
  mustBeWriting(database, holder, delivery)
  const there = integer(
    database.get(`SELECT count(*) AS n FROM chunk WHERE id BETWEEN ?1 << 20 AND ${chunkId}`, delivery, chunks)?.n,
  )
  if (there !== chunks) throw storeError('damaged', { cause: `delivery ${delivery} has ${there} chunks, not ${chunks}` })
  const update = `
    UPDATE delivery SET links = ?2, writer = NULL, octets = ?3, received = ?4, sender = ?5, recipients = ?6, utf8 = ?7, dsn = ?8
    WHERE id = ?1`
  database.run(update, delivery, links, octets, received ?? Date.now(), sender, recipients, utf8, dsn)
  return delivery
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
