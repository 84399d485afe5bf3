/** Which messages a mailbox is to lose: the rule, and the messages that it is about. Removing them is the store's (`sqlite/expiry.ts`). */
import type { MailRetention } from '../../config/settings.ts'
import { integer, type MailDatabase, text } from '../sqlite/database.ts'

/** What a mailbox keeps at most. */
export type Retention = MailRetention

/** Whether it asks for anything. */
export const isBounded = ({ ageMs, messages, octets }: Retention): boolean => ageMs !== null || messages !== null || octets !== null

/** Messages of one mailbox that are over the rule, oldest first. */
export interface Overdue {
  readonly account: string
  readonly ids: readonly number[]
}

/** All that is over the rule at this time, mailbox by mailbox. */
export const overdue = function* (mail: MailDatabase, rule: Retention, now: number): Generator<Overdue> {
  for (const row of mail.all('SELECT id, account, messages, octets FROM mailbox ORDER BY id')) {
    if (rule.ageMs === null && !isOver(rule, integer(row.messages), integer(row.octets))) continue
    const ids = overdueIn(mail, integer(row.id), rule, now)
    if (ids.length > 0) yield { account: text(row.account), ids }
  }
}

/** What came before this is too old, ms since 1970. */
export const tooOld = ({ ageMs }: Retention, now: number): number => (ageMs === null ? Number.MIN_SAFE_INTEGER : now - ageMs)

/** Whether so much is more than a mailbox keeps. */
export const isOver = (rule: Retention, messages: number, octets: number): boolean =>
  (rule.messages !== null && messages > rule.messages) || (rule.octets !== null && octets > rule.octets)

const messagesSql = `
  SELECT message.id, received, octets FROM message JOIN delivery ON delivery.id = message.delivery
  WHERE mailbox = ? ORDER BY received, message.id`

const overdueIn = (mail: MailDatabase, mailbox: number, rule: Retention, now: number): number[] => {
  const rows = mail.all(messagesSql, mailbox)
  const before = tooOld(rule, now)
  let messages = rows.length
  let octets = rows.reduce((sum, row) => sum + integer(row.octets), 0)
  const ids: number[] = []
  for (const row of rows) {
    if (integer(row.received) >= before && !isOver(rule, messages, octets)) break
    ids.push(integer(row.id))
    messages -= 1
    octets -= integer(row.octets)
  }
  return ids
}
