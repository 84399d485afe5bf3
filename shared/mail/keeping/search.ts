/** Looks for messages of one account. What is found is in the store at that moment, and that account's. */
import { integer, MailDatabase, type Row, text } from '../sqlite/database.ts'
import { codeOf, fromFailure, toFailure } from '../sqlite/failures.ts'
import { extract, type Letter } from './extract.ts'
import { IndexDamaged, IndexDatabase, removeIndex } from './index-database.ts'
import { keep } from './keep.ts'
import { openIndex } from './open-index.ts'
import { matchOf, type Term } from './query.ts'
import { behind, octetsOf, Unreadable } from './steps.ts'

/** A message that was found. */
export interface Found {
  /** As `mail list` prints it. */
  readonly id: string
  /** Its words again, for whoever shows where in them it was found; null where it cannot be read any more. */
  readonly letter: Letter | null
}

/** What was found: the newest first, and whether there is more than was asked for. */
export interface SearchResult {
  readonly found: readonly Found[]
  readonly more: boolean
}

/** Where to look, and for what. */
export interface SearchOptions {
  /** `mail.db`, which is there, and `mail-index.db`, absolute. */
  readonly mailFile: string
  readonly indexFile: string
  readonly account: string
  readonly terms: readonly Term[]
  /** At most so many. */
  readonly limit: number
  /** Told while the index is brought up to date: messages done, and still to do. */
  progress?(done: number, behind: number): void
  readonly signal: AbortSignal
}

const busyTimeoutMs = 5_000

/**
 * Brings the index up to date, and asks it.
 * @throws {StoreError} full, locked, damaged: for now it cannot be asked
 */
export const searchMail = async (options: SearchOptions): Promise<SearchResult> => {
  try {
    await catchUp(options)
    return await ask(options)
  } catch (error) {
    if (codeOf(error) !== null) throw fromFailure(toFailure(error))
    if (!(error instanceof IndexDamaged)) throw error
    removeIndex(options.indexFile)
    await catchUp(options)
    return ask(options)
  }
}

const catchUp = async ({ mailFile, indexFile, progress, signal }: SearchOptions): Promise<void> => {
  if (isCurrent(mailFile, indexFile)) return
  let done = 0
  const events = {
    progress: (more: number, behind: number) => {
      done += more
      progress?.(done, behind)
    },
  }
  await keep({ mailFile, indexFile, urgency: 'urgent', retention: null, events, signal })
}

/** Whether no message came since the index was brought up to date; no thread is needed then. */
const isCurrent = (mailFile: string, indexFile: string): boolean => {
  const mail = new MailDatabase({ file: mailFile, busyTimeoutMs, maxOctets: null })
  try {
    const { index } = openIndex(indexFile, mail)
    try {
      return behind(mail, index) === 0
    } finally {
      index.close()
    }
  } finally {
    mail.close()
  }
}

const ask = async (options: SearchOptions): Promise<SearchResult> => {
  const { mailFile, indexFile, account, terms, limit } = options
  const mail = new MailDatabase({ file: mailFile, busyTimeoutMs, maxOctets: null })
  try {
    const mailbox = mail.get('SELECT id FROM mailbox WHERE account = ?', account)?.id
    if (mailbox === undefined) return { found: [], more: false }
    const index = IndexDatabase.open(indexFile, mail.storeId)
    try {
      return await read(mail, matches(mail, index, integer(mailbox), terms), limit)
    } finally {
      index.close()
    }
  } finally {
    mail.close()
  }
}

/** Deliveries of the index that are asked for at once. */
const pageRows = 256

const matchSql = `
  SELECT letter.rowid AS delivery, place.message AS message FROM letter
  JOIN place ON place.delivery = letter.rowid AND place.mailbox = ?2
  WHERE letter MATCH ?1 AND letter.rowid < ?3 ORDER BY letter.rowid DESC LIMIT ${pageRows}`

const messageSql = `
  SELECT message.id, delivery, octets, sender FROM message JOIN delivery ON delivery.id = message.delivery
  WHERE message.id = ? AND mailbox = ? AND delivery = ?`

/** The messages that the index names and the store has, the newest first. */
const matches = function* (mail: MailDatabase, index: IndexDatabase, mailbox: number, terms: readonly Term[]): Generator<Row> {
  let below = Number.MAX_SAFE_INTEGER
  for (let more = true; more; ) {
    const rows = index.all(matchSql, matchOf(terms, mailbox), mailbox, below)
    for (const { delivery, message } of rows) {
      const row = mail.get(messageSql, integer(message), mailbox, integer(delivery))
      if (row !== undefined) yield row
    }
    below = integer(rows.at(-1)?.delivery ?? 0)
    more = rows.length === pageRows
  }
}

const read = async (mail: MailDatabase, rows: Iterable<Row>, limit: number): Promise<SearchResult> => {
  const found: Found[] = []
  for (const row of rows) {
    if (found.length === limit) return { found, more: true }
    const delivery = { delivery: integer(row.delivery), octets: integer(row.octets) }
    found.push({ id: String(integer(row.id)), letter: await letterOf(mail, delivery, text(row.sender)) })
  }
  return { found, more: false }
}

const letterOf = async (mail: MailDatabase, delivery: Parameters<typeof octetsOf>[1], sender: string): Promise<Letter | null> => {
  try {
    return await extract(octetsOf(mail, delivery), { sender, recipients: [] })
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return null
  }
}
