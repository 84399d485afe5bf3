/** Reads the journals' files: their last records, all of them in the order of time, and what is added to them. */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A record as a line of a journal holds it. */
export interface ReadRecord {
  /** The line as it is in the file. */
  readonly line: string
  /** Milliseconds since 1970; NaN for a line that is no record. */
  readonly timeMs: number
  /** Null for a line that is no record: a torn one. */
  readonly record: Readonly<Record<string, unknown>> | null
}

const chunkOctets = 64 * 1024
const LF = 0x0a

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Parses a line; never throws. */
export const parseRecord = (line: string): ReadRecord => {
  try {
    const value: unknown = JSON.parse(line)
    if (isRecord(value)) return { line, record: value, timeMs: Date.parse(String(value['time'])) }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return { line, record: null, timeMs: Number.NaN }
}

/** The names of the services that have a journal in this folder, sorted; none where there is no folder. */
export const journalsIn = async (folder: string): Promise<readonly string[]> => {
  try {
    const names = await readdir(folder)
    // `http.access.log` and the like are no journals: a service's name has no dot.
    return names.flatMap((name) => /^([^.]+)\.log$/.exec(name)?.[1] ?? []).sort()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** The lines of an open file from its end (as it is now) to its begin. A last line without line break is not finished: left out. */
async function* linesBackwards(handle: FileHandle, endAt: number): AsyncGenerator<string> {
  let at = endAt
  // What lies between the octet `at` and the line break found last.
  let tail: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  let finished = false
  while (at > 0) {
    const from = Math.max(0, at - chunkOctets)
    const chunk = Buffer.alloc(at - from)
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, from)
    tail = Buffer.concat([chunk.subarray(0, bytesRead), tail])
    at = from
    for (let cut = tail.lastIndexOf(LF); cut !== -1; cut = tail.lastIndexOf(LF)) {
      if (finished) yield tail.subarray(cut + 1).toString()
      finished = true
      tail = tail.subarray(0, cut)
    }
  }
  if (finished && tail.length > 0) yield tail.toString()
}

/** One journal, open; knows how far it was read. Whoever opens it closes it. */
export class JournalFile {
  readonly path: string
  #handle: FileHandle
  #readTo: number
  /** The begin of a line whose end has not been written yet. */
  #held: Buffer<ArrayBufferLike> = Buffer.alloc(0)

  private constructor(path: string, handle: FileHandle, readTo: number) {
    this.path = path
    this.#handle = handle
    this.#readTo = readTo
  }

  /** @param from where reading goes on: behind what is there now, or at the begin (for a file that is new) */
  static async open(path: string, from: 'begin' | 'end'): Promise<JournalFile> {
    const handle = await open(path, 'r')
    return new JournalFile(path, handle, from === 'begin' ? 0 : (await handle.stat()).size)
  }

  /** How far it has been read, in octets. */
  get readTo(): number {
    return this.#readTo
  }

  /** The last so many records that are wanted, oldest first, of what was there when it was opened. */
  async last(count: number, wanted: (record: ReadRecord) => boolean): Promise<ReadRecord[]> {
    const found: ReadRecord[] = []
    if (count === 0) return found
    for await (const line of linesBackwards(this.#handle, this.#readTo)) {
      const record = parseRecord(line)
      if (line !== '' && wanted(record) && found.push(record) === count) break
    }
    return found.reverse()
  }

  /** The records added since the last time; follows the name when the file was moved away, after the old one's last record. */
  async added(): Promise<ReadRecord[]> {
    const before = await this.#readOn()
    const moved = await this.#moved()
    if (moved === null) return before
    // What was written between our reading and our look at the name still counts.
    const late = await this.#readOn()
    await this.#handle.close()
    this.#handle = moved
    this.#readTo = 0
    this.#held = Buffer.alloc(0)
    return [...before, ...late, ...(await this.#readOn())]
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  async #readOn(): Promise<ReadRecord[]> {
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

  /** The file that has the name now, opened, when it is another one. */
  async #moved(): Promise<FileHandle | null> {
    try {
      const [open_, named] = await Promise.all([this.#handle.stat(), stat(this.path)])
      return open_.ino === named.ino && open_.dev === named.dev ? null : await open(this.path, 'r')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw error
    }
  }
}

/** Merges what several journals hold by time; a line that is no record stays behind the one before it. */
export const byTime = (journals: readonly (readonly ReadRecord[])[]): ReadRecord[] =>
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

/** All records of these files in the order of time, however large they are, up to so many octets of each. */
export async function* allByTime(files: readonly { path: string; octets: number }[]): AsyncGenerator<ReadRecord> {
  const readers = files.filter(({ octets }) => octets > 0).map(({ path, octets }) => recordsOf(path, octets))
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

async function* recordsOf(path: string, octets: number): AsyncGenerator<ReadRecord, undefined> {
  const handle = await open(path, 'r')
  try {
    for await (const line of createInterface({ input: handle.createReadStream({ autoClose: false, end: octets - 1 }) })) {
      if (line !== '') yield parseRecord(line)
    }
  } finally {
    await handle.close()
  }
  return undefined
}

/** The journals of a folder as they grow: new ones too. Whoever makes it closes it. */
export class JournalFollower {
  readonly #folder: string
  readonly #open = new Map<string, JournalFile>()
  readonly #isWanted: (service: string) => boolean

  constructor(folder: string, isWanted: (service: string) => boolean) {
    this.#folder = folder
    this.#isWanted = isWanted
  }

  /** The last so many records of all, in the order of time; what `added` tells comes after them. */
  async last(count: number, wanted: (record: ReadRecord) => boolean): Promise<ReadRecord[]> {
    await this.#openNew('end')
    const each = await Promise.all([...this.#open.values()].map((file) => file.last(count, wanted)))
    return count === 0 ? [] : byTime(each).slice(-count)
  }

  /** The files, with the octets that were there when they were opened. */
  get files(): readonly { path: string; octets: number }[] {
    return [...this.#open.values()].map(({ path, readTo }) => ({ path, octets: readTo }))
  }

  /** What was added since then, in the order of time. */
  async added(): Promise<ReadRecord[]> {
    await this.#openNew('begin')
    return byTime(await Promise.all([...this.#open.values()].map((file) => file.added())))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((file) => file.close()))
    this.#open.clear()
  }

  async #openNew(from: 'begin' | 'end'): Promise<void> {
    for (const service of await journalsIn(this.#folder)) {
      if (this.#open.has(service) || !this.#isWanted(service)) continue
      this.#open.set(service, await JournalFile.open(join(this.#folder, `${service}.log`), from))
    }
  }
}
