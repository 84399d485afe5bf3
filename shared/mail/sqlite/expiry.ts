/** Removing what is over a rule of retention. Runs inside a transaction. */
import { integer, type MailDatabase } from './database.ts'
import { lives, uptimeMs } from './holders.ts'
import { discount } from './quota.ts'
import type { Requests } from './requests.ts'

const nothing: Requests['expire']['answer'] = { messages: 0, octets: 0, held: false }

/**
 * Removes messages of a mailbox, in the order in which they are named, as long as the rule asks for it: what was over it a moment ago may
 * not be by now. A mailbox that a session holds keeps all, since nothing that it was shown may vanish (RFC 1939 §8).
 */
export const expire = (database: MailDatabase, ask: Requests['expire']['ask']): Requests['expire']['answer'] => {
  const row = database.get('SELECT id, octets, messages FROM mailbox WHERE account = ?', ask.account)
  if (row === undefined) return nothing
  const mailbox = integer(row.id)
  if (isHeld(database, mailbox)) return { ...nothing, held: true }
  const left = { octets: integer(row.octets), messages: integer(row.messages) }
  const gone = { octets: 0, messages: 0 }
  for (const id of ask.ids) {
    const message = database.get(messageSql, id, mailbox)
    if (message === undefined) continue
    const octets = integer(message.octets)
    if (integer(message.received) >= ask.before && left.octets <= ask.octets && left.messages <= ask.messages) break
    database.run('UPDATE delivery SET links = links - 1 WHERE id = ?', integer(message.delivery))
    database.run('DELETE FROM message WHERE id = ?', id)
    left.octets -= octets
    left.messages -= 1
    gone.octets += octets
    gone.messages += 1
  }
  discount(database, mailbox, gone)
  return { ...gone, held: false }
}

const messageSql = `
  SELECT delivery, octets, received FROM message JOIN delivery ON delivery.id = message.delivery
  WHERE message.id = ? AND mailbox = ?`

const heldSql = `SELECT 1 FROM hold JOIN holder ON holder.token = hold.holder WHERE mailbox = ?2 AND ${lives}`

/** Whether a session has this mailbox, and lives. */
const isHeld = (database: MailDatabase, mailbox: number): boolean => database.get(heldSql, uptimeMs(), mailbox) !== undefined
