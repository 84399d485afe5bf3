/** A store with its index, for tests of the housekeeping. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Keepable } from '../../../shared/mail/keeping/housekeeper.ts'
import { type KeepingEvents, type KeepingOptions, keep, type RoundEnd } from '../../../shared/mail/keeping/keep.ts'
import { parseQuery } from '../../../shared/mail/keeping/query.ts'
import type { Retention } from '../../../shared/mail/keeping/retention.ts'
import { searchMail } from '../../../shared/mail/keeping/search.ts'
import type { MailStore } from '../../../shared/mail/mail-store.ts'
import { openMailStore } from '../../../shared/mail/sqlite-mail-store.ts'
import { type SqlitePlace, sqlitePlace } from '../place.ts'

/** What a round told. */
export interface Told {
  readonly end: RoundEnd
  readonly made: string[]
  readonly leftOut: { readonly message: number; readonly why: string }[]
  readonly died: string[]
  /** Accounts with what was removed from them. */
  readonly expired: { readonly account: string; readonly messages: number; readonly octets: number; readonly held: boolean }[]
}

/** Whoever makes it calls `remove`. */
export interface Lab {
  readonly place: SqlitePlace
  readonly store: MailStore
  /** The store as its housekeeping sees it. */
  readonly keepable: Keepable
  readonly indexFile: string
  /** Delivers a message; ids in the order of the accounts. */
  put(text: string | Buffer, accounts?: readonly string[], receivedAt?: Date): Promise<readonly string[]>
  /** A round of housekeeping. */
  round(options?: {
    retention?: Partial<Retention>
    trial?: KeepingOptions['trial']
    urgency?: KeepingOptions['urgency']
  }): Promise<Told>
  /** Ids of the messages of an account that are found, the newest first. */
  find(query: string, account?: string, limit?: number): Promise<readonly string[]>
  /** Removes messages as a session does. */
  take(account: string, ids: readonly string[]): Promise<void>
  /** Does something to the index, past all that looks after it. */
  changeIndex(sql: string): void
  /** What it answers. */
  askIndex(sql: string): unknown[]
  remove(): Promise<void>
}

const noRule: Retention = { ageMs: null, messages: null, octets: null }

export const lab = async (): Promise<Lab> => {
  const place = await sqlitePlace()
  const opened: Keepable[] = []
  const keeping = { changed: () => undefined, close: async () => undefined }
  const store = await openMailStore({
    file: place.file,
    keeping: (keepable) => {
      opened.push(keepable)
      return keeping
    },
  })
  const [keepable] = opened
  if (keepable === undefined) throw new Error('the store began no housekeeping')
  const indexFile = join(place.folder, 'mail-index.db')
  return {
    place,
    store,
    keepable,
    indexFile,
    async put(text, accounts = ['alice'], receivedAt = new Date()) {
      const recipients = accounts.map((account) => ({ address: `${account}@havre.test`, account }))
      const delivery = store.deliver({ sender: 'sender@havre.test', recipients }, { receivedAt })
      await delivery.write(Buffer.from(text))
      return (await delivery.commit()).map(({ id }) => id ?? '')
    },
    async round({ retention, trial, urgency = 'urgent' } = {}) {
      const told: Omit<Told, 'end'> = { made: [], leftOut: [], died: [], expired: [] }
      const events: KeepingEvents = {
        made: (made) => told.made.push(made),
        leftOut: (message, why) => told.leftOut.push({ message, why }),
        died: (error) => told.died.push(error.message),
      }
      const rule = { ...noRule, ...retention }
      const expire: NonNullable<KeepingOptions['retention']>['expire'] = async (overdue) => {
        const before = rule.ageMs === null ? Number.MIN_SAFE_INTEGER : Date.now() - rule.ageMs
        const expired = await keepable.expire(overdue, rule, before)
        told.expired.push({ account: overdue.account, ...expired })
        return expired
      }
      const { signal } = new AbortController()
      const asked = retention === undefined ? null : { rule, expire }
      const more = trial === undefined ? {} : { trial }
      return { ...told, end: await keep({ mailFile: place.file, indexFile, urgency, retention: asked, events, signal, ...more }) }
    },
    async find(query, account = 'alice', limit = 100) {
      const { signal } = new AbortController()
      const { found } = await searchMail({ mailFile: place.file, indexFile, account, terms: parseQuery(query), limit, signal })
      return found.map(({ id }) => id)
    },
    async take(account, ids) {
      const maildrop = await store.open(account)
      if (maildrop === null) throw new Error('the mailbox is held')
      await maildrop.remove(maildrop.messages.filter(({ id }) => ids.includes(id)))
      await maildrop.release()
    },
    changeIndex(sql) {
      const database = new DatabaseSync(indexFile)
      database.exec(sql)
      database.close()
    },
    askIndex(sql) {
      const database = new DatabaseSync(indexFile, { readOnly: true })
      const rows = database.prepare(sql).all()
      database.close()
      return rows.map((row) => ({ ...row }))
    },
    async remove() {
      await store.close()
      await place.remove()
    },
  }
}

/** A message: a header with these lines, and a text. */
export const message = (lines: readonly string[], text: string): string =>
  `${lines.map((line) => `${line}\r\n`).join('')}\r\n${text}\r\n`

/** A message of several parts, each as it stands. */
export const multipart = (lines: readonly string[], parts: readonly string[], kind = 'mixed'): string =>
  message(
    [...lines, 'MIME-Version: 1.0', `Content-Type: multipart/${kind}; boundary=cut`],
    `${parts.map((part) => `--cut\r\n${part}\r\n`).join('')}--cut--`,
  )
