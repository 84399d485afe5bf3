/**
 * The rows that lie on a page of a SQLite file, whatever leads to the page or no longer does.
 * @see https://sqlite.org/fileformat2.html#b_tree_pages
 */
import type { Pages } from './pages.ts'

/** A value of a row. Integers that are no safe number make the row unreadable. */
export type Value = number | string | Buffer | null

/** Which kind of leaf a page is: of a table, or of an index. */
export type Leaf = 'table' | 'index'

/** A row as it lies on its page. */
export interface RawRow {
  /** Null in an index. */
  readonly id: number | null
  /** Its columns' types and lengths, without what lies on further pages. */
  readonly columns: readonly Column[]
  /** All of its columns; null when a page that it goes on to cannot be read. */
  values(): readonly Value[] | null
}

/** §2.1: what a serial type stands for. */
export type Column = {
  readonly type: 'null' | 'integer' | 'real' | 'blob' | 'text'
  readonly octets: number
  readonly serial: number
}

const leaves: Readonly<Record<number, Leaf>> = { 13: 'table', 10: 'index' }

/** Which leaf a page is; null when it is none. */
export const leafOf = (page: Buffer): Leaf | null => leaves[page[0] ?? 0] ?? null

const cellPointers = 8

/** The rows of a leaf; those whose beginning makes no sense are left out. */
export function* rowsOn(pages: Pages, page: Buffer): Generator<RawRow & { readonly cell: number }> {
  const leaf = leafOf(page)
  if (leaf === null) return
  const cells = Math.min(page.readUInt16BE(3), Math.floor((page.length - cellPointers) / 2))
  for (let cell = 0; cell < cells; cell += 1) {
    const row = rowAt(pages, page, leaf, cell)
    if (row !== null) yield { ...row, cell }
  }
}

/** One row of a leaf, by the number of its cell. */
export const rowAt = (pages: Pages, page: Buffer, leaf: Leaf, cell: number): RawRow | null =>
  sensible(() => {
    const reader = new Reader(page, page.readUInt16BE(cellPointers + 2 * cell))
    const octets = reader.varint()
    const id = leaf === 'table' ? reader.varint() : null
    const here = localOctets(page.length, leaf, octets)
    const local = reader.take(here)
    const next = here === octets ? 0 : reader.take(4).readUInt32BE(0)
    const header = headerOf(local)
    if (header === null || header.octets + header.columns.reduce((sum, column) => sum + column.octets, 0) !== octets) return null
    const values = () => {
      const payload = next === 0 ? local : whole(pages, local, octets, next)
      return payload === null ? null : sensible(() => valuesIn(payload, header))
    }
    return { id, columns: header.columns, values }
  })

/** Null for what makes no sense. */
const sensible = <T>(read: () => T | null): T | null => {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return null
  }
}

/** §1.6: how much of a row lies on its leaf. */
const localOctets = (page: number, leaf: Leaf, octets: number): number => {
  const most = leaf === 'table' ? page - 35 : Math.floor(((page - 12) * 64) / 255) - 23
  if (octets <= most) return octets
  const least = Math.floor(((page - 12) * 32) / 255) - 23
  const fitting = least + ((octets - least) % (page - 4))
  return fitting <= most ? fitting : least
}

/** The row with what lies on further pages; null when one of them cannot be read. */
const whole = (pages: Pages, local: Buffer, octets: number, first: number): Buffer | null => {
  const parts = [local]
  let missing = octets - local.length
  for (let next = first; missing > 0; ) {
    const page = next === 0 ? null : pages.page(next)
    if (page === null) return null
    const part = page.subarray(4, Math.min(page.length, 4 + missing))
    parts.push(part)
    missing -= part.length
    next = page.readUInt32BE(0)
  }
  return Buffer.concat(parts)
}

/** Where the octets begin and what they are. */
interface Header {
  readonly octets: number
  readonly columns: readonly Column[]
}

const headerOf = (payload: Buffer): Header | null => {
  const reader = new Reader(payload, 0)
  const octets = reader.varint()
  if (octets > payload.length) return null
  const columns: Column[] = []
  while (reader.at < octets) columns.push(columnOf(reader.varint()))
  return reader.at === octets ? { octets, columns } : null
}

const integerOctets = [0, 1, 2, 3, 4, 6, 8] as const

const columnOf = (serial: number): Column => {
  if (serial === 0) return { type: 'null', octets: 0, serial }
  if (serial === 7) return { type: 'real', octets: 8, serial }
  if (serial < 7) return { type: 'integer', octets: integerOctets[serial] ?? 0, serial }
  if (serial < 10) return { type: 'integer', octets: 0, serial }
  if (serial < 12) throw new RangeError('a serial type that no file has')
  return { type: serial % 2 === 0 ? 'blob' : 'text', octets: Math.floor((serial - 12) / 2), serial }
}

const valuesIn = (payload: Buffer, { octets, columns }: Header): readonly Value[] => {
  const reader = new Reader(payload, octets)
  return columns.map((column) => decoded(reader.take(column.octets), column))
}

const decoded = (octets: Buffer, { type, serial }: Column): Value => {
  if (type === 'null') return null
  if (type === 'text') return octets.toString()
  if (type === 'blob') return octets
  if (type === 'real') return octets.readDoubleBE(0)
  if (serial >= 8) return serial - 8
  const value = octets.length === 8 ? Number(octets.readBigInt64BE(0)) : octets.readIntBE(0, octets.length)
  if (!Number.isSafeInteger(value)) throw new RangeError('an integer that is no safe number')
  return value
}

/** Reads on from a place; every way past the end is a RangeError. */
class Reader {
  at: number
  readonly #octets: Buffer

  constructor(octets: Buffer, at: number) {
    this.#octets = octets
    this.at = at
  }

  take(octets: number): Buffer {
    if (octets < 0 || this.at + octets > this.#octets.length) throw new RangeError('beyond the end')
    this.at += octets
    return this.#octets.subarray(this.at - octets, this.at)
  }

  /** §1.6: seven bits an octet, the most significant first; a ninth octet has eight. */
  varint(): number {
    let value = 0
    for (let count = 1; count <= 9; count += 1) {
      const octet = this.take(1).readUInt8(0)
      if (count === 9) value = value * 256 + octet
      else value = value * 128 + (octet & 127)
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a varint that is no safe number')
      if (octet < 128 || count === 9) break
    }
    return value
  }
}
