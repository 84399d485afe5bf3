/** Reads one file of a journal: its last records, or those of a stretch of time, without reading more of it than that takes. */
import { type FileHandle, open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { parseRecord, type ReadRecord, timeOfLine, type Wish } from './read-record.ts'
import { isMissing } from './rotated-file.ts'
import type { Segment } from './segments.ts'

const chunkOctets = 256 * 1024

/** So little is read line by line. */
const fewOctets = 16 * 1024

/** No line is longer: values are cut, but there may be some in one. */
const longestLineOctets = 1024 * 1024

/** Several processes write one file, each for itself: so much earlier a record may stand behind a later one. */
const disorderMs = 5_000

const LF = 0x0a

/** What one look at a file found. */
interface Found {
  /** Oldest first. */
  readonly records: ReadRecord[]
  /** Whether what is further back is of another time. */
  readonly isEarliest: boolean
}

/** Opens a file; compressed meanwhile, it is the compressed one; null where it was removed. */
const opened = async ({ path, compressed }: Segment): Promise<{ handle: FileHandle; compressed: boolean } | null> => {
  for (const candidate of compressed ? [path] : [path, `${path}.gz`]) {
    try {
      return { handle: await open(candidate, 'r'), compressed: candidate.endsWith('.gz') }
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  return null
}

/**
 * The last so many records that are wanted.
 * @param octets so much of the file; all unless given
 */
export const lastOf = async (segment: Segment, count: number, wish: Wish, octets?: number): Promise<Found> => {
  const file = await opened(segment)
  if (file === null) return { records: [], isEarliest: false }
  const { handle, compressed } = file
  try {
    return compressed
      ? await lastForwards(handle, count, wish)
      : await lastBackwards(handle, count, wish, octets ?? (await handle.stat()).size)
  } finally {
    await handle.close()
  }
}

/** What is compressed can only be read from its begin. */
const lastForwards = async (handle: FileHandle, count: number, wish: Wish): Promise<Found> => {
  let records: ReadRecord[] = []
  let isEarliest = false
  for await (const line of linesForwards(handle, true)) {
    if (timeOfLine(line) < wish.range.fromMs - disorderMs) isEarliest = true
    const record = wantedOf(line, wish)
    if (record !== null) records.push(record)
    if (records.length > 2 * count) records = records.slice(-count)
  }
  return { records: records.slice(-count), isEarliest }
}

const lastBackwards = async (handle: FileHandle, count: number, wish: Wish, octets: number): Promise<Found> => {
  const records: ReadRecord[] = []
  const { fromMs, toMs } = wish.range
  const end = toMs === Number.POSITIVE_INFINITY ? octets : await offsetOf(handle, toMs + disorderMs, octets)
  for await (const line of linesBackwards(handle, end)) {
    if (timeOfLine(line) < fromMs - disorderMs) return { records: records.reverse(), isEarliest: true }
    const record = wantedOf(line, wish)
    if (record !== null && records.push(record) === count) break
  }
  return { records: records.reverse(), isEarliest: false }
}

/** The record of a line, where it is wanted. */
const wantedOf = (line: string, wish: Wish): ReadRecord | null => {
  if (line === '' || !wish.mayBe(line)) return null
  const record = parseRecord(line)
  // A line that is no record has no time of its own: it belongs to where it stands.
  if (record.timeMs < wish.range.fromMs || record.timeMs > wish.range.toMs) return null
  return wish.wants(record) ? record : null
}

/** All records of a file that are wanted, in its order. @param octets so much of the file; all unless given */
export async function* recordsOf(segment: Segment, wish: Wish, octets?: number): AsyncGenerator<ReadRecord, undefined> {
  const file = await opened(segment)
  if (file === null) return undefined
  const { handle, compressed } = file
  try {
    const size = octets ?? (await handle.stat()).size
    const { fromMs, toMs } = wish.range
    const isBounded = !compressed && fromMs !== Number.NEGATIVE_INFINITY
    const start = isBounded ? await offsetOf(handle, fromMs - disorderMs, size) : 0
    for await (const line of linesForwards(handle, compressed, start, compressed ? undefined : size)) {
      const record = wantedOf(line, wish)
      if (record !== null) yield record
      else if (timeOfLine(line) > toMs + disorderMs) break
    }
  } finally {
    await handle.close()
  }
  return undefined
}

/** Whole lines from an offset on; a last one without line break is not finished, and left out. */
async function* linesForwards(handle: FileHandle, compressed: boolean, start = 0, octets?: number): AsyncGenerator<string> {
  if (octets !== undefined && start >= octets) return
  const end = octets === undefined ? {} : { end: octets - 1 }
  const raw = handle.createReadStream({ autoClose: false, start, highWaterMark: chunkOctets, ...end })
  const input = compressed ? raw.pipe((await import('node:zlib')).createGunzip()) : raw
  let held: string | null = null
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (held !== null) yield held
      held = line
    }
    if (held !== null && (compressed || (await endsWithLine(handle, octets)))) yield held
  } finally {
    raw.destroy()
  }
}

const endsWithLine = async (handle: FileHandle, octets?: number): Promise<boolean> => {
  const size = octets ?? (await handle.stat()).size
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1))
  return bytesRead === 1 && buffer[0] === LF
}

/** Whole lines before an offset, the last one first. A last line without line break is not finished: left out. */
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

/** Where the first line begins whose time is at least this, found by halving: a file is in the order of time, but for `disorderMs`. */
const offsetOf = async (handle: FileHandle, timeMs: number, octets: number): Promise<number> => {
  let low = 0
  let high = octets
  while (high - low > fewOctets) {
    const middle = Math.floor((low + high) / 2)
    const line = await lineAfter(handle, middle, high)
    if (line !== null && line.timeMs < timeMs) low = line.at
    else high = middle
  }
  for (let at = low; ; ) {
    const line = await lineAfter(handle, at, octets)
    if (line === null) return octets
    if (line.timeMs >= timeMs) return line.at
    at = line.at + 1
  }
}

/** The first line that begins at or after an octet and has a time. */
const lineAfter = async (handle: FileHandle, from: number, end: number): Promise<{ at: number; timeMs: number } | null> => {
  // One octet earlier: where that is a line break, a line begins right here.
  const start = Math.max(0, from - 1)
  for (const octets of [8 * 1024, longestLineOctets]) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(octets, end - start)), 0, undefined, start)
    const text = buffer.subarray(0, bytesRead)
    for (let at = from === 0 ? 0 : text.indexOf(LF) + 1; from === 0 || at > 0; ) {
      const stop = text.indexOf(LF, at)
      if (stop === -1) break
      const timeMs = timeOfLine(text.subarray(at, stop).toString())
      if (!Number.isNaN(timeMs)) return { at: start + at, timeMs }
      at = stop + 1
    }
  }
  return null
}
