/**
 * Reads what can be read from a damaged mail store, without SQLite: every page is looked at for rows, whether something still leads
 * to it or not. A chunk's sum tells whether its octets are those that were stored, so that nothing wrong passes for whole.
 */
import { crc32 } from 'node:zlib'
import { chunkOctets } from '../sqlite/schema.ts'
import { Pages } from './pages.ts'
import { type Column, leafOf, type RawRow, rowAt, rowsOn, type Value } from './rows.ts'

/** A message as far as it is there. */
export interface SalvagedMessage {
  /** Null when nothing tells whose it is: lost. */
  readonly account: string | null
  /** Accounts that it was for, where its envelope is there. */
  readonly accounts: readonly string[]
  /** As `mail list` printed it; a lost one may have one that begins with `d`. */
  readonly id: string
  readonly sender: string
  /** 1970 when its envelope is gone. */
  readonly receivedAt: Date
  readonly flags: string
  readonly utf8: boolean
  /** Octets that are there. */
  readonly octets: number
  /** Octets that were stored; null when its envelope is gone. */
  readonly storedOctets: number | null
  /** Its first octets are not there. */
  readonly headless: boolean
  /** Every octet is there, and is what was stored. */
  readonly whole: boolean
  /** Its octets as far as they are there; may be called again. */
  read(): Generator<Buffer>
}

/** What there is of a delivery, as the store's tables have it (sqlite/schema.ts). */
interface Envelope {
  readonly links: number
  readonly octets: number
  readonly receivedAt: Date
  readonly sender: string
  readonly accounts: readonly string[]
  readonly utf8: boolean
}

interface Place {
  readonly mailbox: number
  readonly delivery: number
  readonly flags: string
}

/** A damaged store, opened. Whoever opens it closes it. */
export class Salvage {
  readonly #pages: Pages
  readonly #accounts = new Map<number, string>()
  readonly #messages = new Map<number, Place>()
  readonly #deliveries = new Places()
  readonly #chunks = new Places()
  /** Numbers of chunks by their delivery: the largest that was seen. */
  readonly #lastChunk = new Map<number, number>()

  /** @throws errors of the system: the file is not there, or may not be read */
  constructor(file: string) {
    this.#pages = new Pages(file)
  }

  close(): void {
    this.#pages.close()
  }

  /** Looks at every page. Memory grows with the number of messages and chunks, some 100 octets for each. */
  *scan(): Generator<{ readonly pages: number; readonly of: number; readonly octets: number }> {
    for (let number = 2; number <= this.#pages.count; number += 1) {
      const page = this.#pages.page(number)
      if (page !== null && leafOf(page) !== null && !this.#pages.isFree(number)) this.#look(number, page)
      yield { pages: number, of: this.#pages.count, octets: this.#pages.pageOctets }
    }
  }

  /** What was found, after `scan`: messages by id, then what belongs to nobody any more. */
  *messages(): Generator<SalvagedMessage> {
    const found = new Map<number, number>()
    for (const [id, place] of [...this.#messages].sort(([one], [other]) => one - other)) {
      found.set(place.delivery, (found.get(place.delivery) ?? 0) + 1)
      const account = this.#accounts.get(place.mailbox) ?? null
      yield this.#message(account, String(id), place.delivery, place.flags)
    }
    for (const delivery of this.#deliveries.ids()) {
      const links = this.#envelope(delivery)?.links ?? 0
      if (links > (found.get(delivery) ?? 0)) yield this.#message(null, `d${delivery}`, delivery, '')
    }
    for (const delivery of this.#lastChunk.keys())
      if (!this.#deliveries.has(delivery) && !found.has(delivery)) yield this.#message(null, `d${delivery}`, delivery, '')
  }

  #look(number: number, page: Buffer): void {
    const isTable = leafOf(page) === 'table'
    for (const row of rowsOn(this.#pages, page)) {
      const place = number * cellsInPage + row.cell
      if (isTable) this.#take(row, place)
      else this.#takeAccount(row)
    }
  }

  /** A row is known by its columns: each table has its own. The first is the row's id, which is not stored in it. */
  #take(row: RawRow, place: number): void {
    const { id } = row
    if (id === null || id < 1) return
    if (isShape(row.columns, 'chunk')) {
      this.#chunks.add(id, place)
      const [delivery, chunk] = [Math.floor(id / chunksInDelivery), id % chunksInDelivery]
      this.#lastChunk.set(delivery, Math.max(chunk, this.#lastChunk.get(delivery) ?? 0))
    } else if (isShape(row.columns, 'delivery')) this.#deliveries.add(id, place)
    else if (isShape(row.columns, 'message')) {
      const [, mailbox, delivery, flags = ''] = row.values() ?? []
      if (typeof mailbox === 'number' && typeof delivery === 'number' && typeof flags === 'string')
        this.#messages.set(id, { mailbox, delivery, flags: /^[A-Za-z]*$/.test(flags) ? flags : '' })
    } else if (isShape(row.columns, 'mailbox')) {
      const [, account] = row.values() ?? []
      if (typeof account === 'string') this.#accounts.set(id, account)
    }
  }

  /** The index of accounts has them once more. Writers of unfinished deliveries look the same, but for their form. */
  #takeAccount(row: RawRow): void {
    if (!isShape(row.columns, 'accountIndex')) return
    const [account, mailbox] = row.values() ?? []
    if (typeof account !== 'string' || typeof mailbox !== 'number' || /^[0-9a-f]{24}$/.test(account)) return
    if (!this.#accounts.has(mailbox)) this.#accounts.set(mailbox, account)
  }

  #row(place: number): readonly Value[] | null {
    const page = this.#pages.page(Math.floor(place / cellsInPage))
    return page === null ? null : (rowAt(this.#pages, page, 'table', place % cellsInPage)?.values() ?? null)
  }

  /** Of several, the newest: a delivery is made larger and then loses its links. */
  #envelope(delivery: number): Envelope | null {
    const found = this.#deliveries.of(delivery).flatMap((place) => this.#envelopeAt(place) ?? [])
    const rank = ({ octets, links }: Envelope) => (links === 0 ? -1 : octets)
    return found.sort((one, other) => rank(other) - rank(one) || one.links - other.links)[0] ?? null
  }

  #envelopeAt(place: number): Envelope | null {
    const [, links, , octets, received, sender, recipients, utf8] = this.#row(place) ?? []
    if (typeof links !== 'number' || typeof octets !== 'number' || typeof received !== 'number') return null
    if (typeof sender !== 'string' || typeof recipients !== 'string') return null
    return { links, octets, receivedAt: dateOf(received), sender, accounts: accountsIn(recipients), utf8: utf8 === 1 }
  }

  /** A chunk as it lies there, and whether it is what was stored. */
  #chunk(delivery: number, chunk: number): { readonly data: Buffer; readonly whole: boolean } | null {
    let any: Buffer | null = null
    for (const place of this.#chunks.of(delivery * chunksInDelivery + chunk)) {
      const [, crc, data] = this.#row(place) ?? []
      if (!Buffer.isBuffer(data)) continue
      if (crc32(data) === crc) return { data, whole: true }
      any ??= data
    }
    return any === null ? null : { data: any, whole: false }
  }

  #message(account: string | null, id: string, delivery: number, flags: string): SalvagedMessage {
    const envelope = this.#envelope(delivery)
    const seen = this.#lastChunk.get(delivery)
    const chunks = envelope === null ? (seen === undefined ? 0 : seen + 1) : Math.ceil(envelope.octets / chunkOctets)
    let [octets, whole, headless] = [0, envelope !== null, false]
    for (let number = 0; number < chunks; number += 1) {
      const chunk = this.#chunk(delivery, number)
      octets += chunk?.data.length ?? 0
      headless ||= number === 0 && chunk === null
      const expected = Math.min(chunkOctets, (envelope?.octets ?? 0) - number * chunkOctets)
      whole &&= chunk?.whole === true && chunk.data.length === expected
    }
    // A place that was garbled leads to another's message.
    const isTheirs = account === null || envelope === null || envelope.accounts.includes(account)
    return {
      account: isTheirs ? account : null,
      accounts: envelope?.accounts ?? [],
      id,
      sender: envelope?.sender ?? '',
      receivedAt: envelope?.receivedAt ?? new Date(0),
      flags,
      utf8: envelope?.utf8 ?? false,
      octets,
      storedOctets: envelope?.octets ?? null,
      headless,
      whole,
      read: () => this.#read(delivery, chunks),
    }
  }

  *#read(delivery: number, chunks: number): Generator<Buffer> {
    for (let number = 0; number < chunks; number += 1) {
      const data = this.#chunk(delivery, number)?.data
      if (data !== undefined && data.length > 0) yield data
    }
  }
}

const chunksInDelivery = 2 ** 20

/**
 * Where rows lie, by their id: page and cell as one number. A row is found more than once where the map of free pages is broken, and
 * what was left on them cannot be told from what is in use.
 */
class Places {
  readonly #places = new Map<number, number | readonly number[]>()

  add(id: number, place: number): void {
    const known = this.#places.get(id)
    this.#places.set(id, known === undefined ? place : [...this.of(id), place])
  }

  of(id: number): readonly number[] {
    const places = this.#places.get(id) ?? []
    return typeof places === 'number' ? [places] : places
  }

  has(id: number): boolean {
    return this.#places.has(id)
  }

  ids(): number[] {
    return [...this.#places.keys()].sort((one, other) => one - other)
  }
}

/** 1970 for what is none. */
const dateOf = (ms: number): Date => new Date(Math.abs(ms) <= 8.64e15 ? ms : 0)

/** A page has fewer. */
const cellsInPage = 2 ** 16

/**
 * Each row's columns, `n`ull, `i`nteger, `t`ext or `b`lob; what a later version of the tables added may be missing. No two fit the
 * same row, nor does one fit a row of another table.
 */
const shapes = {
  chunk: /^nib$/,
  delivery: /^ni[nt]iitt(?:i[nt])?$/,
  message: /^nii(?:t)?$/,
  mailbox: /^nt(?:ii)?$/,
  accountIndex: /^ti$/,
} as const

const isShape = (columns: readonly Column[], shape: keyof typeof shapes): boolean =>
  shapes[shape].test(columns.map(({ type }) => type.charAt(0)).join(''))

/** Of `[[address, account], …]`; none where it is garbled. */
const accountsIn = (recipients: string): readonly string[] => {
  try {
    const parsed: unknown = JSON.parse(recipients)
    const pairs = Array.isArray(parsed) ? parsed : []
    const accounts = pairs.flatMap((pair: unknown) => (Array.isArray(pair) && typeof pair[1] === 'string' ? [pair[1]] : []))
    return [...new Set(accounts)]
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return []
  }
}
