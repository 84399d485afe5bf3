/** A line of a journal, read. */

/** A record as a line of a journal holds it. */
export interface ReadRecord {
  /** The line as it is in the file. */
  readonly line: string
  /** Milliseconds since 1970; NaN for a line that is no record. */
  readonly timeMs: number
  /** Null for a line that is no record: a torn one. */
  readonly record: Readonly<Record<string, unknown>> | null
  /** The torn half of another line stood before it. */
  readonly behindTorn?: true
}

/** How every record begins. */
const begin = '{"time":"'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parsed = (line: string): ReadRecord | null => {
  try {
    const value: unknown = JSON.parse(line)
    return isRecord(value) ? { line, record: value, timeMs: Date.parse(String(value['time'])) } : null
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return null
  }
}

/** Parses a line; never throws. A record behind the torn half of another is found. */
export const parseRecord = (line: string): ReadRecord => {
  const whole = parsed(line)
  if (whole !== null) return whole
  const at = line.lastIndexOf(begin)
  const half = at > 0 ? parsed(line.slice(at)) : null
  return half === null ? { line, record: null, timeMs: Number.NaN } : { ...half, behindTorn: true }
}

/** The time of a line without parsing all of it; NaN where it is no record. */
export const timeOfLine = (line: string): number => {
  if (!line.startsWith(begin)) return parseRecord(line).timeMs
  return Date.parse(line.slice(begin.length, line.indexOf('"', begin.length)))
}

/** A stretch of time, both ends included. */
export interface TimeRange {
  readonly fromMs: number
  readonly toMs: number
}

/** All time. */
export const anyTime: TimeRange = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY }

/** Which records are wanted. */
export interface Wish {
  readonly range: TimeRange
  /** Told of every line in the range, before it is parsed: whether it may be one of them. */
  mayBe(line: string): boolean
  /** Whether this is one of them. */
  wants(record: ReadRecord): boolean
}
