/** Reads the journals of a folder: their last records, all of them in the order of time, and what is added to them. */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseRecord, type ReadRecord, type Wish } from './read-record.ts'
import { isMissing } from './rotated-file.ts'
import { lastOf, recordsOf } from './segment-reader.ts'
import { journalsIn, keyOf, type Segment, segmentsOf } from './segments.ts'

export { parseRecord, type ReadRecord } from './read-record.ts'
export { journalsIn } from './segments.ts'

const chunkOctets = 64 * 1024
const LF = 0x0a

/** A file that was put away is read on for so long: its writers notice within a second. */
const lingerMs = 3_000

/** A file that is read as it grows. Whoever opens it closes it. */
class Tail {
  readonly key: string
  #handle: FileHandle
  #readTo: number
  /** The begin of a line whose end has not been written yet. */
  #held: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  /** When it was seen to have been put away. */
  putAwayAt: number | null = null

  private constructor(key: string, handle: FileHandle, readTo: number) {
    this.key = key
    this.#handle = handle
    this.#readTo = readTo
  }

  /** @param from where reading goes on: behind what is there now, or at the begin. @returns null where there is no file */
  static async open(path: string, from: 'begin' | 'end'): Promise<Tail | null> {
    try {
      const handle = await open(path, 'r')
      const file = await handle.stat()
      return new Tail(keyOf(file), handle, from === 'begin' ? 0 : file.size)
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  /** How far it has been read, in octets. */
  get readTo(): number {
    return this.#readTo
  }

  /** The records added since the last time. */
  async added(): Promise<ReadRecord[]> {
    const { size } = await this.#handle.stat()
    // Somebody emptied it: from the begin.
    if (size < this.#readTo) this.#readTo = 0
    const records: ReadRecord[] = []
    while (this.#readTo < size) {
      const chunk = Buffer.alloc(Math.min(chunkOctets, size - this.#readTo))
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, this.#readTo)
      if (bytesRead === 0) break
      this.#readTo += bytesRead
      const text = Buffer.concat([this.#held, chunk.subarray(0, bytesRead)])
      const end = text.lastIndexOf(LF)
      this.#held = text.subarray(end + 1)
      const lines = text
        .subarray(0, end + 1)
        .toString()
        .split('\n')
      for (const line of lines) if (line !== '') records.push(parseRecord(line))
    }
    return records
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** One journal as it grows and is put away. Whoever makes it closes it. */
class Followed {
  readonly service: string
  readonly path: string
  readonly #folder: string
  /** Files that were there before, or are read to their end. */
  readonly #done = new Set<string>()
  /** What is read as it grows: the last one has the name. */
  #tails: Tail[] = []

  constructor(folder: string, service: string) {
    this.service = service
    this.#folder = folder
    this.path = join(folder, `${service}.log`)
  }

  /** The files that are there; of the one that is being written, what follows is told by `added`. */
  async begin(from: 'begin' | 'end'): Promise<void> {
    const tail = await Tail.open(this.path, from)
    if (tail !== null) this.#tails.push(tail)
    for (const { key } of await segmentsOf(this.#folder, this.service)) if (key !== tail?.key) this.#done.add(key)
  }

  get octets(): number {
    return this.#tails[0]?.readTo ?? 0
  }

  /** The files as they were at the begin, oldest first, each with how much of it counts. */
  async before(): Promise<readonly { segment: Segment; octets?: number }[]> {
    const [tail] = this.#tails
    const segments = await segmentsOf(this.#folder, this.service)
    return segments.flatMap((segment) => {
      // It may have been put away, or compressed, since.
      if (segment.key === tail?.key) return [{ segment, octets: tail.readTo }]
      return this.#done.has(segment.key) || segment.compressed ? [{ segment }] : []
    })
  }

  /** The records added since the last time, oldest first, also of files that were made and put away meanwhile. */
  async added(): Promise<ReadRecord[]> {
    const records = (await Promise.all(this.#tails.map((tail) => tail.added()))).flat()
    if (!(await this.#isLast())) records.push(...(await this.#openNew()))
    await this.#closeOld()
    return records
  }

  async close(): Promise<void> {
    await Promise.all(this.#tails.map((tail) => tail.close()))
    this.#tails = []
  }

  /** Whether the last tail has the name still. */
  async #isLast(): Promise<boolean> {
    try {
      return keyOf(await stat(this.path)) === this.#tails.at(-1)?.key
    } catch (error) {
      if (isMissing(error)) return true
      throw error
    }
  }

  async #openNew(): Promise<ReadRecord[]> {
    const records: ReadRecord[] = []
    const known = new Set([...this.#done, ...this.#tails.map(({ key }) => key)])
    const fresh = (await segmentsOf(this.#folder, this.service)).filter(({ key, compressed }) => !compressed && !known.has(key))
    for (const { path } of fresh) {
      const tail = await Tail.open(path, 'begin')
      if (tail === null) continue
      this.#tails.push(tail)
      records.push(...(await tail.added()))
    }
    for (const tail of this.#tails.slice(0, -1)) tail.putAwayAt ??= performance.now()
    return records
  }

  async #closeOld(): Promise<void> {
    const before = performance.now() - lingerMs
    for (const tail of this.#tails.filter(({ putAwayAt }) => putAwayAt !== null && putAwayAt < before)) {
      this.#done.add(tail.key)
      await tail.close()
      this.#tails.splice(this.#tails.indexOf(tail), 1)
    }
  }
}

/** Merges what several journals hold by time; a line that is no record stays behind the one before it. */
const byTime = (journals: readonly (readonly ReadRecord[])[]): ReadRecord[] =>
  journals
    .flatMap((records) => {
      let last = Number.NEGATIVE_INFINITY
      return records.map((record) => {
        if (!Number.isNaN(record.timeMs)) last = record.timeMs
        return { record, at: last }
      })
    })
    .sort((one, other) => one.at - other.at)
    .map(({ record }) => record)

/** The records of several journals in the order of time, however many they are. */
async function* merged(readers: readonly AsyncGenerator<ReadRecord, undefined>[]): AsyncGenerator<ReadRecord> {
  const heads = await Promise.all(readers.map((reader) => reader.next()))
  try {
    for (;;) {
      let first = -1
      for (const [at, head] of heads.entries()) {
        if (head.done) continue
        const best = heads[first]
        // A torn line has no time: it comes at once.
        if (best === undefined || best.done || !(head.value.timeMs >= best.value.timeMs)) first = at
      }
      const head = heads[first]
      const reader = readers[first]
      if (head === undefined || head.done || reader === undefined) return
      yield head.value
      heads[first] = await reader.next()
    }
  } finally {
    for (const reader of readers) await reader.return(undefined)
  }
}

/** The journals of a folder: as they are when it begins, and as they grow. Whoever makes it closes it. */
export class JournalFollower {
  readonly #folder: string
  readonly #followed = new Map<string, Followed>()
  readonly #isWanted: (service: string) => boolean

  constructor(folder: string, isWanted: (service: string) => boolean) {
    this.#folder = folder
    this.#isWanted = isWanted
  }

  /** From here on `added` tells what is new. */
  begin(): Promise<void> {
    return this.#take('end')
  }

  /** The last so many records of all that were there at the begin, in the order of time. */
  async last(count: number, wish: Wish): Promise<ReadRecord[]> {
    if (count === 0) return []
    const each = await Promise.all([...this.#followed.values()].map((journal) => lastOfAll(journal, count, wish)))
    return byTime(each).slice(-count)
  }

  /** All records that were there at the begin, in the order of time. */
  all(wish: Wish): AsyncGenerator<ReadRecord> {
    return merged([...this.#followed.values()].map((journal) => allOf(journal, wish)))
  }

  /** The files that are being written, with the octets that were there at the begin. */
  get files(): readonly { path: string; octets: number }[] {
    return [...this.#followed.values()].map(({ path, octets }) => ({ path, octets }))
  }

  /** What was added since the last time, in the order of time. */
  async added(): Promise<ReadRecord[]> {
    await this.#take('begin')
    return byTime(await Promise.all([...this.#followed.values()].map((journal) => journal.added())))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followed.values()].map((journal) => journal.close()))
    this.#followed.clear()
  }

  async #take(from: 'begin' | 'end'): Promise<void> {
    for (const service of await journalsIn(this.#folder)) {
      if (this.#followed.has(service) || !this.#isWanted(service)) continue
      const journal = new Followed(this.#folder, service)
      await journal.begin(from)
      this.#followed.set(service, journal)
    }
  }
}

/** The last records of one journal; older files are opened only where the newer ones have too few. */
const lastOfAll = async (journal: Followed, count: number, wish: Wish): Promise<ReadRecord[]> => {
  let found: ReadRecord[] = []
  for (const { segment, octets } of (await journal.before()).toReversed()) {
    if (found.length >= count || segment.untilMs < wish.range.fromMs) break
    const { records, isEarliest } = await lastOf(segment, count - found.length, wish, octets)
    found = [...records, ...found]
    if (isEarliest) break
  }
  return found
}

async function* allOf(journal: Followed, wish: Wish): AsyncGenerator<ReadRecord, undefined> {
  for (const { segment, octets } of await journal.before()) {
    if (segment.untilMs >= wish.range.fromMs) yield* recordsOf(segment, wish, octets)
  }
  return undefined
}
