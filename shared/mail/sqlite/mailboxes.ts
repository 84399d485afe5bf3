/** Mailboxes and what is in them. Writers run inside a transaction. */
import { crc32 } from 'node:zlib'
import { blob, integer, type MailDatabase, text } from './database.ts'
import { storeError } from './failures.ts'
import { type Holder, lives, uptimeMs } from './holders.ts'
import { discount, mailboxOf } from './quota.ts'
import type { Page, Requests } from './requests.ts'
import { chunkOctets } from './schema.ts'

/** Rows in a page: about 10 ms of the worker's time. */
const pageRows = 5000

/** Takes a mailbox that nobody holds, or whose holder died. */
export const hold = (database: MailDatabase, holder: Holder, { account }: Requests['hold']['ask']): Requests['hold']['answer'] => {
  const mailbox = mailboxOf(database, account)
  const held = `SELECT 1 FROM hold JOIN holder ON holder.token = hold.holder WHERE mailbox = ?2 AND ${lives}`
  if (database.get(held, uptimeMs(), mailbox) !== undefined) return null
  database.run('DELETE FROM hold WHERE mailbox = ?', mailbox)
  holder.register(database)
  const { id } = database.run('INSERT INTO hold VALUES (NULL, ?, ?)', mailbox, holder.token)
  const newest = database.get('SELECT max(id) AS id FROM message WHERE mailbox = ?', mailbox)?.id
  return { hold: id, until: typeof newest === 'number' ? newest : 0 }
}

/** Gives a mailbox free, unless another holder has it by now. */
export const release = (database: MailDatabase, ask: Requests['release']['ask']): null => {
  database.run('DELETE FROM hold WHERE id = ?', ask.hold)
  return null
}

/**
 * Removes messages of a held mailbox; those that are gone already are no error. The octets of what loses its last message are left
 * to `sweep`: this transaction stays short, however many go.
 * @throws {StoreError} locked: the hold was lost
 */
export const remove = (database: MailDatabase, { hold, ids }: Requests['remove']['ask']): null => {
  // The id of a hold is used once: when another session took the mailbox meanwhile, ours is gone.
  const row = database.get('SELECT mailbox FROM hold WHERE id = ?', hold)
  if (row === undefined) throw storeError('locked', { cause: 'the hold of the mailbox expired and was taken' })
  const mailbox = integer(row.mailbox)
  const list = JSON.stringify([...ids])
  const chosen = 'FROM message WHERE mailbox = ?1 AND id IN (SELECT value FROM json_each(?2))'
  const sum = `SELECT count(*) AS messages, coalesce(sum(octets), 0) AS octets FROM delivery WHERE id IN (SELECT delivery ${chosen})`
  const removed = database.get(sum, mailbox, list)
  discount(database, mailbox, { octets: integer(removed?.octets), messages: integer(removed?.messages) })
  database.run(`UPDATE delivery SET links = links - 1 WHERE id IN (SELECT delivery ${chosen})`, mailbox, list)
  database.run(`DELETE ${chosen}`, mailbox, list)
  return null
}

const pageSql = `
  SELECT message.id, octets, received, sender, flags, utf8 FROM message JOIN delivery ON delivery.id = message.delivery
  WHERE mailbox = (SELECT id FROM mailbox WHERE account = ?1) AND message.id > ?2 AND message.id <= ?3
  ORDER BY message.id LIMIT ${pageRows}`

/** Where a text stands among those before it, which it joins when it is new. */
const placeIn = (places: Map<string, number>, value: string): number => {
  const known = places.get(value)
  if (known !== undefined) return known
  places.set(value, places.size)
  return places.size - 1
}

/** The next messages of a mailbox; none for an account that never had mail. */
export const page = (database: MailDatabase, { account, after, until }: Requests['page']['ask']): Page => {
  const rows = database.places(pageSql, account, after, until)
  const { length } = rows
  const [ids, octets, received] = [new Float64Array(length), new Float64Array(length), new Float64Array(length)]
  const [sender, flags, utf8] = [new Uint32Array(length), new Uint32Array(length), new Uint8Array(length)]
  const [senders, flagSets] = [new Map<string, number>(), new Map<string, number>()]
  // By place, in the order of `pageSql`.
  for (const [place, row] of rows.entries()) {
    ids[place] = integer(row[0])
    octets[place] = integer(row[1])
    received[place] = integer(row[2])
    sender[place] = placeIn(senders, text(row[3]))
    flags[place] = placeIn(flagSets, text(row[4]))
    utf8[place] = integer(row[5])
  }
  return {
    store: database.storeId,
    ids,
    octets,
    received,
    sender,
    senders: [...senders.keys()],
    flags,
    flagSets: [...flagSets.keys()],
    utf8,
    more: length === pageRows,
  }
}

const chunkSql = `
  SELECT octets, crc, data FROM message JOIN delivery ON delivery.id = message.delivery
  LEFT JOIN chunk ON chunk.id = (delivery.id << 20) + ?3
  WHERE message.id = ?2 AND mailbox = (SELECT id FROM mailbox WHERE account = ?1)`

const nothing = new Uint8Array()

/** One chunk, checked against the sum that was made of it when it came. @throws {StoreError} missing, damaged */
export const chunk = (database: MailDatabase, ask: Requests['chunk']['ask']): Requests['chunk']['answer'] => {
  const row = database.get(chunkSql, ask.account, ask.id, ask.chunk)
  if (row === undefined) throw storeError('missing')
  const size = integer(row.octets)
  const expected = Math.min(chunkOctets, size - ask.chunk * chunkOctets)
  if (expected <= 0) return { data: nothing, octets: size }
  if (row.data === null) throw storeError('damaged', { cause: `chunk ${ask.chunk} of message ${ask.id} is not there` })
  const data = blob(row.data)
  if (data.length !== expected || crc32(data) !== row.crc)
    throw storeError('damaged', { cause: `chunk ${ask.chunk} of message ${ask.id} is not what was written` })
  return { data, octets: size }
}

const bodiesSql = `
  SELECT message.id, octets, crc, data FROM message JOIN delivery ON delivery.id = message.delivery
  LEFT JOIN chunk ON chunk.id = delivery.id << 20
  WHERE mailbox = (SELECT id FROM mailbox WHERE account = ?1) AND message.id BETWEEN ?2 AND ?3 ORDER BY message.id`

/** Small messages together: one statement for all takes a third of the time of one for each. One that is not whole is left out. */
export const bodies = (
  database: MailDatabase,
  { account, first, last }: Requests['bodies']['ask'],
): Requests['bodies']['answer'] => {
  const parts: [id: number, data: Uint8Array][] = []
  for (const { 0: id, 1: octets, 2: crc, 3: chunk } of database.places(bodiesSql, account, first, last)) {
    const data = chunk === null ? nothing : blob(chunk)
    if (data.length === octets && (octets === 0 || crc32(data) === crc)) parts.push([integer(id), data])
  }
  const data = new Uint8Array(parts.reduce((sum, [, part]) => sum + part.length, 0))
  const ends = new Float64Array(parts.length)
  let end = 0
  for (const [place, [, part]] of parts.entries()) {
    data.set(part, end)
    end += part.length
    ends[place] = end
  }
  return { data, ids: Float64Array.from(parts, ([id]) => id), ends }
}
