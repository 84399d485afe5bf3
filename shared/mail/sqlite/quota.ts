/** What mailboxes hold, counted as it changes, and the room that is left in them. Writers run inside a transaction. */
import type { Quota, Usage } from '../mail-store.ts'
import { integer, type MailDatabase } from './database.ts'
import type { Requests } from './requests.ts'

/** The account's mailbox, made when missing: the store does not know which accounts there are. */
export const mailboxOf = (database: MailDatabase, account: string): number => {
  const row = database.get('SELECT id FROM mailbox WHERE account = ?', account)
  return row === undefined ? database.run('INSERT INTO mailbox (account) VALUES (?)', account).id : integer(row.id)
}

/** What an account's mailbox holds; nothing where there is none. */
export const usage = (database: MailDatabase, { account }: Requests['usage']['ask']): Usage => {
  const row = database.get('SELECT octets, messages FROM mailbox WHERE account = ?', account)
  return row === undefined ? { octets: 0, messages: 0 } : { octets: integer(row.octets), messages: integer(row.messages) }
}

const unlimited: Quota = { octets: Number.MAX_SAFE_INTEGER, messages: Number.MAX_SAFE_INTEGER }

const admitSql = `
  UPDATE mailbox SET octets = octets + ?2, messages = messages + 1
  WHERE account = ?1 AND octets + ?2 <= ?3 AND messages < ?4 RETURNING id`

/** Counts a message into a mailbox, if it is within the quota. @returns the mailbox, or null */
const admit = (database: MailDatabase, account: string, octets: number, quota: Quota): number | null => {
  const count = () => database.get(admitSql, account, octets, quota.octets, quota.messages)
  const row = count() ?? (isNew(database, account) ? count() : undefined)
  return row === undefined ? null : integer(row.id)
}

const isNew = (database: MailDatabase, account: string): boolean =>
  database.run('INSERT INTO mailbox (account) VALUES (?) ON CONFLICT DO NOTHING', account).changes === 1

/**
 * Counts a message into the mailbox of each account.
 * @returns for each account its mailbox, or null where that has no room; null for all where one has none and so nobody gets it
 */
export const admitted = (database: MailDatabase, ask: Requests['deliver']['ask']): readonly (number | null)[] | null => {
  const { accounts, octets, quota, whenFull } = ask
  const mailboxes: (number | null)[] = []
  for (const account of accounts) {
    const mailbox = admit(database, account, octets, quota ?? unlimited)
    if (mailbox === null && whenFull === 'refuse') {
      for (const counted of mailboxes) if (counted !== null) discount(database, counted, { octets, messages: 1 })
      return null
    }
    mailboxes.push(mailbox)
  }
  return mailboxes
}

/** Takes back what is no longer in a mailbox. */
export const discount = (database: MailDatabase, mailbox: number, { octets, messages }: Usage): void => {
  database.run('UPDATE mailbox SET octets = octets - ?2, messages = messages - ?3 WHERE id = ?1', mailbox, octets, messages)
}
