/**
 * Whether the store holds what it should: every row against its body, every count against what it counts, and the file's own
 * structure. Reads only, in short transactions, while others read and write; goes on behind what cannot be read.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { PermanentError } from '../../service.ts'
import { blob, integer, MailDatabase, type Row, text } from './database.ts'
import { codeOf, isDamage } from './failures.ts'
import { readableRows } from './readable-rows.ts'
import { chunkOctets, isFlags, mostChunks } from './schema.ts'

/** Something that is not as it should be. */
export type Damage =
  /** A message that cannot be read as it was stored. `account` is null where its mailbox is gone. */
  | { readonly of: 'message'; readonly account: string | null; readonly id: string; readonly why: string }
  | { readonly of: 'mailbox'; readonly account: string; readonly why: string }
  | { readonly of: 'store'; readonly why: string }

/** How far a check is. */
export interface Checked {
  messages: number
  octets: number
}

/** How it is made. */
export interface CheckOptions {
  readonly signal?: AbortSignal
  /** Called with what there is to look at, then as it is looked at. */
  readonly begun?: (total: Readonly<Checked>) => void
  readonly looked?: (messages: number, octets: number) => void
}

/** No id of a delivery is larger, as a chunk's id holds it (schema.ts). */
const largestDelivery = 2 ** 42

/** No message is longer. */
const mostOctets = mostChunks * chunkOctets

/** No date is further from 1970, in ms (ECMA-262 §21.4.1.1). */
const mostMs = 8_640_000_000_000_000

/** The other threads and signals have their turn after so long. */
const turnMs = 50

/**
 * Looks at all of it. Memory grows with the number of messages (some 50 octets for each), never with their octets.
 * @returns what was looked at
 * @throws {PermanentError} the file is of another version, or not ours; `signal.reason`
 */
export async function* checkMail(file: string, options: CheckOptions = {}): AsyncGenerator<Damage, Checked> {
  const opened = openedOrWhy(file)
  if (typeof opened === 'string') {
    yield { of: 'store', why: opened }
    return { messages: 0, octets: 0 }
  }
  try {
    return yield* new Check(opened, options).all()
  } finally {
    opened.close()
  }
}

const openedOrWhy = (file: string): MailDatabase | string => {
  try {
    const database = new MailDatabase({ file, busyTimeoutMs: 5000, maxOctets: null, readOnly: true })
    database.get('PRAGMA cell_size_check = ON')
    return database
  } catch (error) {
    if (error instanceof PermanentError || codeOf(error) === null) throw error
    return `the file cannot be opened: ${inWords(error)}`
  }
}

const inWords = (error: unknown): string => (error instanceof Error ? error.message : String(error))

class Check {
  readonly #database: MailDatabase
  readonly #options: CheckOptions
  readonly #checked: Checked = { messages: 0, octets: 0 }
  /** Messages that were seen of each delivery. */
  readonly #links = new Map<number, number>()
  readonly #accounts = new Map<number, string | null>()
  /** What was found of the delivery that was looked at last: its messages follow each other. */
  #last: { readonly delivery: number; readonly why: string | null } = { delivery: -1, why: null }
  #turnAt = performance.now() + turnMs

  constructor(database: MailDatabase, options: CheckOptions) {
    this.#database = database
    this.#options = options
  }

  async *all(): AsyncGenerator<Damage, Checked> {
    this.#options.begun?.(this.#total())
    await turn()
    yield* this.#structure()
    const newest = this.#newestDelivery()
    yield* this.#messages()
    yield* this.#deliveries(newest)
    yield* this.#mailboxes()
    return this.#checked
  }

  /** What a look at broken pages fails with is the answer. */
  #tried<T>(work: () => T): { readonly value: T } | { readonly why: string } {
    try {
      return { value: this.#database.atOneMoment(work) }
    } catch (error) {
      if (!isDamage(error)) throw error
      return { why: inWords(error) }
    }
  }

  async #pause(): Promise<void> {
    this.#options.signal?.throwIfAborted()
    if (performance.now() < this.#turnAt) return
    await turn()
    this.#turnAt = performance.now() + turnMs
  }

  #total(): Checked {
    const sum =
      'SELECT coalesce(sum(min(messages, 1 << 31)), 0) AS messages, coalesce(sum(min(octets, 1 << 50)), 0) AS octets FROM mailbox'
    const row = this.#tried(() => this.#database.get(sum))
    return 'why' in row
      ? { messages: 0, octets: 0 }
      : { messages: integer(row.value?.messages), octets: integer(row.value?.octets) }
  }

  #newestDelivery(): number {
    const row = this.#tried(() => this.#database.get('SELECT max(id) AS id FROM delivery'))
    return 'why' in row || row.value?.id === null ? 0 : integer(row.value?.id)
  }

  *#structure(): Generator<Damage> {
    const rows = this.#tried(() => this.#database.all('PRAGMA integrity_check(100)'))
    const told = 'why' in rows ? [rows.why] : rows.value.map((row) => text(row['integrity_check']))
    // It tells several things in one text, a line each.
    for (const line of told.flatMap((each) => each.split('\n')))
      if (line !== 'ok' && !line.startsWith('*** in database')) yield { of: 'store', why: `the file's structure: ${line}` }
  }

  async *#messages(): AsyncGenerator<Damage> {
    for (const listed of readableRows(this.#database, 'message')) {
      if ('why' in listed) yield { of: 'store', why: `messages ${unreadable(listed)}` }
      else {
        const id = listed.id
        const looked = this.#tried(() => this.#message(id))
        if ('why' in looked) yield { of: 'message', account: null, id: String(id), why: looked.why }
        else if (looked.value !== null) yield looked.value
      }
      await this.#pause()
    }
  }

  /** Null when all is well, or when it is gone by now. */
  #message(id: number): Damage | null {
    const row = this.#database.get('SELECT mailbox, delivery, flags FROM message WHERE id = ?', id)
    if (row === undefined) return null
    const [account, delivery] = [this.#account(integer(row.mailbox)), integer(row.delivery)]
    this.#links.set(delivery, (this.#links.get(delivery) ?? 0) + 1)
    if (this.#last.delivery !== delivery) this.#last = { delivery, why: this.#whyNotWhole(delivery) }
    this.#checked.messages += 1
    this.#options.looked?.(1, 0)
    if (account === null) return { of: 'message', account, id: String(id), why: 'its mailbox is not there' }
    const why = this.#last.why ?? (isFlags(text(row.flags)) ? null : 'its marks are garbled')
    return why === null ? null : { of: 'message', account, id: String(id), why }
  }

  #account(mailbox: number): string | null {
    const known = this.#accounts.get(mailbox)
    if (known !== undefined) return known
    const row = this.#database.get('SELECT account FROM mailbox WHERE id = ?', mailbox)
    const account = row === undefined ? null : text(row.account)
    this.#accounts.set(mailbox, account)
    return account
  }

  /** A body against its row; null when it is what was stored. */
  #whyNotWhole(delivery: number): string | null {
    try {
      return this.#body(delivery)
    } catch (error) {
      if (!isDamage(error)) throw error
      return `its octets cannot be read: ${inWords(error)}`
    }
  }

  #body(delivery: number): string | null {
    // What no number of ours can be is compared there: it cannot be read into one.
    const sql = `
      SELECT min(max(octets, -1), ?2) AS octets, recipients, dsn, received BETWEEN -?3 AND ?3 AS dated
      FROM delivery WHERE id = ?1`
    const row = this.#database.get(sql, delivery, mostOctets + 1, mostMs)
    if (row === undefined) return 'its octets and its envelope are not there'
    const octets = integer(row.octets)
    if (octets < 0 || octets > mostOctets) return 'its length is garbled'
    const chunks = Math.ceil(octets / chunkOctets)
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      const why = this.#chunk(delivery, chunk, Math.min(chunkOctets, octets - chunk * chunkOctets))
      if (why !== null) return why
    }
    const pieces = 'SELECT count(*) AS n FROM chunk WHERE id BETWEEN ?1 << 20 AND ((?1 + 1) << 20) - 1'
    const there = integer(this.#database.get(pieces, delivery)?.n)
    if (there !== chunks) return `it has ${there} pieces, not ${chunks}`
    const isWhole = row.dated === 1 && holds(areRecipients, row.recipients) && (row.dsn === null || holds(isDsn, row.dsn))
    return isWhole ? null : 'its envelope is garbled'
  }

  #chunk(delivery: number, chunk: number, expected: number): string | null {
    const row = this.#database.get('SELECT crc, data FROM chunk WHERE id = (?1 << 20) + ?2', delivery, chunk)
    if (row === undefined) return `octets from ${chunk * chunkOctets} on are not there`
    const data = blob(row.data)
    this.#checked.octets += data.length
    this.#options.looked?.(0, data.length)
    if (data.length !== expected) return `octets from ${chunk * chunkOctets} on are ${data.length}, not ${expected}`
    return crc32(data) === row.crc ? null : `octets from ${chunk * chunkOctets} on are not those that were stored`
  }

  /** Counts of messages, and octets that nothing leads to. @param newest what came later was not counted */
  async *#deliveries(newest: number): AsyncGenerator<Damage> {
    const doubtful: number[] = []
    let before: number | null = 0
    for (const listed of readableRows(this.#database, 'delivery')) {
      if ('why' in listed) {
        yield { of: 'store', why: `deliveries ${unreadable(listed)}` }
        before = null
        continue
      }
      if (listed.id > newest) break
      const links = this.#tried(() => this.#database.get('SELECT links FROM delivery WHERE id = ?', listed.id)?.links ?? 0)
      if ('why' in links || links.value !== (this.#links.get(listed.id) ?? 0)) doubtful.push(listed.id)
      if (before !== null && listed.id > before + 1) yield* this.#orphans(before + 1, listed.id)
      before = listed.id
      await this.#pause()
    }
    if (before !== null) yield* this.#orphans(before + 1, largestDelivery)
    yield* this.#recount(doubtful)
  }

  /** Chunks of deliveries that are not there, from one id to below another. */
  *#orphans(from: number, below: number): Generator<Damage> {
    const sql = `
      SELECT count(DISTINCT id >> 20) AS n FROM chunk WHERE id >= ?1 << 20 AND id < ?2 << 20
      AND id >> 20 NOT IN (SELECT id FROM delivery WHERE id >= ?1 AND id < ?2)`
    const found = this.#tried(() => integer(this.#database.get(sql, from, below)?.n))
    if ('why' in found) yield { of: 'store', why: `octets between messages cannot be read: ${found.why}` }
    else if (found.value > 0) yield { of: 'store', why: `there are octets of ${found.value} messages that are not there` }
  }

  /** What did not agree, which may be because somebody wrote meanwhile, once more and all at one moment. */
  *#recount(doubtful: readonly number[]): Generator<Damage> {
    if (doubtful.length === 0) return
    const sql = `
      SELECT delivery.id, links, count(message.id) AS messages FROM json_each(?) AS doubtful
      JOIN delivery ON delivery.id = doubtful.value LEFT JOIN message ON message.delivery = delivery.id
      GROUP BY delivery.id HAVING links <> count(message.id)`
    const rows = this.#tried((): readonly Row[] => this.#database.all(sql, JSON.stringify(doubtful)))
    if ('why' in rows) yield { of: 'store', why: `the messages of deliveries cannot be counted: ${rows.why}` }
    else
      for (const { id, links, messages } of rows.value)
        yield { of: 'store', why: `delivery ${id} counts ${links} messages, and has ${messages}` }
  }

  async *#mailboxes(): AsyncGenerator<Damage> {
    for (const listed of readableRows(this.#database, 'mailbox')) {
      if ('why' in listed) yield { of: 'store', why: `mailboxes ${unreadable(listed)}` }
      else {
        const found = this.#tried(() => this.#mailbox(listed.id))
        if ('why' in found) yield { of: 'store', why: `mailbox ${listed.id} cannot be counted: ${found.why}` }
        else if (found.value !== null) yield found.value
      }
      await this.#pause()
    }
  }

  #mailbox(id: number): Damage | null {
    const row = this.#database.get('SELECT account, octets, messages FROM mailbox WHERE id = ?', id)
    if (row === undefined) return null
    const sql = `
      SELECT count(*) AS messages, coalesce(sum(max(min(octets, ?2), -1)), 0) AS octets
      FROM message LEFT JOIN delivery ON delivery.id = message.delivery WHERE mailbox = ?1`
    const there = this.#database.get(sql, id, mostOctets + 1)
    if (row.octets === there?.octets && row.messages === there?.messages) return null
    const why = `it counts ${row.messages} messages and ${row.octets} octets, and has ${there?.messages} and ${there?.octets}`
    return { of: 'mailbox', account: text(row.account), why }
  }
}

const unreadable = ({ after, upTo, why }: { after: number; upTo: number | null; why: string }): string =>
  `above ${after}${upTo === null ? '' : ` and up to ${upTo}`} cannot be read: ${why}`

/** `[[address, account], …]`, see schema.ts. */
const areRecipients = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((each: unknown) => Array.isArray(each) && typeof each[0] === 'string' && typeof each[1] === 'string')

const isDsn = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const holds = (is: (value: unknown) => boolean, json: unknown): boolean => {
  try {
    return is(JSON.parse(String(json)))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return false
  }
}
