/**
 * Where the messages of an mbox begin and end. A line with `From `, a sender and a date begins one, as mail programs judge it; so the
 * same words in a text do not. Where a Content-Length leads exactly to such a line, or to the end of the file, it counts, and what lies
 * before it is not quoted (*mboxcl2*).
 */
import { PermanentError } from '../../../shared/service.ts'
import { headerLength } from '../head-facts.ts'
import { headOctets } from '../line-ends.ts'
import type { FileWindow } from './file-window.ts'
import { type FromLine, mostFromLineOctets, parseFromLine, parseLooseFromLine } from './from-line.ts'
import { type Mark, parseMark } from './mark.ts'

/** One message of the file. */
export interface Place {
  readonly from: FromLine
  /** What Havre wrote on top of it; null: another program wrote it. */
  readonly mark: Mark | null
  /** Its octets, without the From line, our lines and the empty line behind it. */
  readonly start: number
  readonly end: number
  /** Lines were quoted when it was written. */
  readonly isQuoted: boolean
  /** The first octets, at most `headOctets`. */
  readonly head: Buffer
}

/** All messages, in their order. @throws {PermanentError} the file is no mbox */
export async function* placesIn(window: FileWindow, path: string): AsyncGenerator<Place> {
  let position = await firstLine(window)
  if (position === window.size) return
  const isDated = parseFromLine(await lineAt(window, position)) !== null
  const parse = isDated ? parseFromLine : parseLooseFromLine
  if (parse(await lineAt(window, position)) === null) throw new PermanentError(`${path} is no mbox: it does not begin with "From "`)
  const scanner: Scanner = { window, parse, needsEmptyLine: !isDated }
  while (position < window.size) {
    const { place, next } = await placeAt(scanner, position)
    yield place
    position = next
  }
}

interface Scanner {
  readonly window: FileWindow
  readonly parse: (line: string) => FromLine | null
  /** Lines without a date that we know are too like text: only behind an empty line do they count. */
  readonly needsEmptyLine: boolean
}

const lf = 0x0a
const cr = 0x0d

/** Behind empty lines at the begin. */
const firstLine = async (window: FileWindow): Promise<number> => {
  for (let position = 0; position < window.size; ) {
    const octets = await window.at(position, 1)
    const found = octets.findIndex((octet) => octet !== lf && octet !== cr)
    if (found !== -1) return position + found
    if (octets.length === 0) break
    position += octets.length
  }
  return window.size
}

/** Without its end; cut where it is longer than any From line. */
const lineAt = async (window: FileWindow, position: number): Promise<string> => {
  const octets = (await window.at(position, mostFromLineOctets)).subarray(0, mostFromLineOctets)
  const end = octets.indexOf(lf)
  return octets
    .subarray(0, end === -1 ? octets.length : end)
    .toString()
    .replace(/\r$/, '')
}

/** Behind the end of the line that begins there. */
const lineEnd = async (window: FileWindow, position: number): Promise<number> => {
  const found = (await window.at(position, mostFromLineOctets)).indexOf(lf)
  return found === -1 ? window.size : position + found + 1
}

const placeAt = async (scanner: Scanner, position: number): Promise<{ place: Place; next: number }> => {
  const { window, parse } = scanner
  const from = parse(await lineAt(window, position)) ?? { sender: null, timeMs: null }
  const top = await lineEnd(window, position)
  const beginning = (await window.at(top, headOctets)).subarray(0, headOctets)
  const marked = parseMark(beginning, from.sender ?? '')
  const start = top + (marked?.octets ?? 0)
  const measured = marked === null ? await measuredEnd(scanner, start, beginning) : null
  const { end, next } = measured ?? (await foundEnd(scanner, top))
  const mark = marked?.mark ?? null
  const last = mark?.isOpen ? await withoutLineEnd(window, start, end, mark.asIs) : end
  const head = beginning.subarray(start - top, last - top)
  return { place: { from, mark, start, end: Math.max(start, last), isQuoted: measured === null, head }, next }
}

interface End {
  readonly end: number
  /** Where the next From line begins, or the end of the file. */
  readonly next: number
}

/** Where Content-Length says; null when there is none, or no message begins there. */
const measuredEnd = async ({ window, parse }: Scanner, start: number, beginning: Buffer): Promise<End | null> => {
  const header = headerLength(beginning)
  if (header === beginning.length && start + header < window.size) return null
  const length = /^content-length:[ \t]*(\d{1,15})[ \t]*\r?$/im.exec(beginning.toString('latin1', 0, header))?.[1]
  if (length === undefined) return null
  const end = start + header + Number(length)
  if (end > window.size) return null
  const behind = (await window.at(end, mostFromLineOctets)).subarray(0, 4)
  const empty = behind.findIndex((octet) => octet !== lf && octet !== cr)
  const next = empty === -1 ? Math.min(window.size, end + behind.length) : end + empty
  return next === window.size || parse(await lineAt(window, next)) !== null ? { end, next } : null
}

/** Where the next From line is. @param top the line behind the From line: an empty message ends there */
const foundEnd = async ({ window, parse, needsEmptyLine }: Scanner, top: number): Promise<End> => {
  for (let position = top - 1; ; ) {
    const octets = await window.at(position, headOctets)
    const found = octets.indexOf('\nFrom ')
    if (found === -1) {
      if (position + octets.length >= window.size || octets.length === 0)
        return { end: await withoutEmptyLine(window, top, window.size), next: window.size }
      position += Math.max(1, octets.length - 5)
      continue
    }
    const next = position + found + 1
    if (parse(await lineAt(window, next)) !== null) {
      const end = await withoutEmptyLine(window, top, next)
      if (!needsEmptyLine || end < next) return { end, next }
    }
    position = next
  }
}

/** The last octets before a position, at most so many, of those from `start` on. */
const before = async (window: FileWindow, start: number, end: number, octets: number): Promise<Buffer> => {
  const first = Math.max(start, end - octets)
  return (await window.at(first, end - first)).subarray(0, end - first)
}

/** The empty line behind a message is no part of it: in front of `end` the one before it ends too. */
const withoutEmptyLine = async (window: FileWindow, start: number, end: number): Promise<number> => {
  const last = (await before(window, start - 1, end, 3)).toString('latin1')
  if (last.endsWith('\n\n')) return end - 1
  return last === '\n\r\n' ? end - 2 : end
}

/** Without the end that the file gave to a last line which had none. */
const withoutLineEnd = async (window: FileWindow, start: number, end: number, asIs: boolean): Promise<number> => {
  const last = (await before(window, start, end, 2)).toString('latin1')
  if (last === '\r\n' && !asIs) return end - 2
  return last.endsWith('\n') ? end - 1 : end
}
