/**
 * The pages of a SQLite file that SQLite itself may no longer be able to open: read one by one, with what lies in the write-ahead log
 * over them.
 * @see https://sqlite.org/fileformat2.html
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { endianness } from 'node:os'
import { pageOctets as usualPageOctets } from '../sqlite/schema.ts'

/** §1.2: the header of the file, in its first page. */
const magic = Buffer.from('SQLite format 3\0', 'latin1')
const fileHeaderOctets = 100

/** §4.1. */
const logHeaderOctets = 32
const frameHeaderOctets = 24

/** §1.8: a kind (1 root, 2 free, 3 and 4 what a row goes on to, 5 any other) and a parent, which roots and free pages have none of. */
const entryOctets = 5
const free = 2

/** A file of pages; read only. Whoever opens it closes it. */
export class Pages {
  readonly pageOctets: number
  /** Pages, numbered from 1. */
  readonly count: number
  readonly #file: number
  readonly #log: number | null
  /** Where in the log the newest content of a page lies. */
  readonly #newer = new Map<number, number>()
  /** The part of the map of pages that was looked at last. */
  #map: { readonly number: number; readonly entries: Buffer | null } | null = null

  /** @throws errors of the system: the file is not there, or may not be read */
  constructor(file: string) {
    this.#file = openSync(file, 'r')
    this.#log = openIfThere(`${file}-wal`)
    this.pageOctets = this.#sizeOfPages()
    if (this.#log !== null) this.#readLog(this.#log)
    const inFile = Math.floor(fstatSync(this.#file).size / this.pageOctets)
    this.count = [...this.#newer.keys()].reduce((most, page) => Math.max(most, page), inFile)
  }

  /** A page; null when the disk does not give it, or there is none of that number. */
  page(number: number): Buffer | null {
    const newer = this.#newer.get(number)
    if (newer !== undefined && this.#log !== null) return readAt(this.#log, newer, this.pageOctets)
    return number < 1 ? null : readAt(this.#file, (number - 1) * this.pageOctets, this.pageOctets)
  }

  /**
   * Whether the map of pages (§1.8) says that a page is in no use: what is on it was deleted. False too where that part of the map
   * cannot be read.
   */
  isFree(number: number): boolean {
    const mapped = Math.floor(this.pageOctets / entryOctets)
    const map = 2 + Math.floor((number - 2) / (mapped + 1)) * (mapped + 1)
    if (number <= map) return false
    if (this.#map?.number !== map) this.#map = { number: map, entries: this.#mapAt(map) }
    return this.#map.entries?.[(number - map - 1) * entryOctets] === free
  }

  /** Null when it is none: one wrong entry makes all of them doubtful. */
  #mapAt(number: number): Buffer | null {
    const entries = this.page(number)
    const last = Math.min(this.count - number, Math.floor(this.pageOctets / entryOctets))
    for (let entry = 0; entry < last && entries !== null; entry += 1) {
      const [kind = 0, parent] = [entries[entry * entryOctets], entries.readUInt32BE(entry * entryOctets + 1)]
      if (kind < 1 || kind > 5 || kind <= free !== (parent === 0)) return null
    }
    return entries
  }

  close(): void {
    closeSync(this.#file)
    if (this.#log !== null) closeSync(this.#log)
  }

  #sizeOfPages(): number {
    const header = readAt(this.#file, 0, fileHeaderOctets)
    if (header === null || !header.subarray(0, magic.length).equals(magic)) return usualPageOctets
    const octets = header.readUInt16BE(16)
    return octets >= 512 && (octets & (octets - 1)) === 0 ? octets : usualPageOctets
  }

  /** Each frame is summed on from the sum of the one before, so that one that is broken costs no other. */
  #readLog(log: number): void {
    const header = readAt(log, 0, logHeaderOctets)
    if (header === null || header.readUInt32BE(8) !== this.pageOctets) return
    const isSwapped = ((header.readUInt32BE(0) & 1) === 1) !== (endianness() === 'BE')
    const salt = header.subarray(16, 24)
    let before: Sum = [header.readUInt32BE(24), header.readUInt32BE(28)]
    let transaction: [page: number, at: number][] = []
    for (let at = logHeaderOctets; ; at += frameHeaderOctets + this.pageOctets) {
      const frame = readAt(log, at, frameHeaderOctets + this.pageOctets)
      if (frame === null) return
      const told: Sum = [frame.readUInt32BE(16), frame.readUInt32BE(20)]
      // Behind the newest transaction lie frames of an earlier use of the log.
      const isOfThisUse = frame.subarray(8, 16).equals(salt)
      const summed = sum(sum(before, frame.subarray(0, 8), isSwapped), frame.subarray(frameHeaderOctets), isSwapped)
      if (isOfThisUse && summed[0] === told[0] && summed[1] === told[1]) {
        transaction.push([frame.readUInt32BE(0), at + frameHeaderOctets])
        if (frame.readUInt32BE(4) !== 0) {
          for (const [page, place] of transaction) this.#newer.set(page, place)
          transaction = []
        }
      }
      before = told
    }
  }
}

type Sum = readonly [number, number]

/** §4.2: the sum of a frame, over words of four octets. */
const sum = ([first, second]: Sum, octets: Buffer, isSwapped: boolean): Sum => {
  let [s0, s1] = [first, second]
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const isLittle = (endianness() === 'LE') !== isSwapped
  for (let at = 0; at + 8 <= octets.length; at += 8) {
    s0 = (s0 + view.getUint32(at, isLittle) + s1) >>> 0
    s1 = (s1 + view.getUint32(at + 4, isLittle) + s0) >>> 0
  }
  return [s0, s1]
}

/** What a disk says that cannot give what lies on it. */
const unreadable: ReadonlySet<string> = new Set(['EIO', 'EUCLEAN', 'EBADMSG'])

const readAt = (file: number, position: number, octets: number): Buffer | null => {
  const buffer = Buffer.allocUnsafe(octets)
  try {
    return readSync(file, buffer, 0, octets, position) === octets ? buffer : null
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && unreadable.has(String(error.code)))) throw error
    return null
  }
}

const openIfThere = (file: string): number | null => {
  try {
    return openSync(file, 'r')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    return null
  }
}
