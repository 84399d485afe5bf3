/** Times as people give them to a command: how long ago, or when. */
import { durationText, millisecondsOf } from '../shared/config/units.ts'
import { PermanentError } from '../shared/service.ts'

/** A day, with or without a time; without a zone it is local. */
const moment = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i
const clock = /^\d\d:\d\d(?::\d\d)?$/

/**
 * `10m` (so long ago), `14:30` (today), `2026-11-21`, `2026-11-21T14:30`, `2026-11-21T14:30:00Z`. Local unless a zone is given.
 * @param end a day alone means its end, not its begin
 * @returns milliseconds since 1970; null when it is none of these
 */
export const momentOf = (text: string, nowMs: number, end = false): number | null => {
  const ago = millisecondsOf(text)
  if (ago !== null) return nowMs - ago
  if (clock.test(text)) return valid(new Date(`${localDay(new Date(nowMs))}T${text}`).getTime())
  if (!moment.test(text)) return null
  // A day alone would be taken as UTC.
  const isDay = text.length === 10
  const time = valid(new Date(isDay ? `${text}T00:00:00` : text.replace(' ', 'T')).getTime())
  return time === null || !isDay || !end ? time : new Date(new Date(time).setDate(new Date(time).getDate() + 1)).getTime() - 1
}

const valid = (ms: number): number | null => (Number.isNaN(ms) ? null : ms)

const localDay = (at: Date): string =>
  [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, '0')).join('-')

/** The same for an option. @throws {PermanentError} that says how it is written */
export const momentArgument = (option: string, text: string, end = false): number => {
  const ms = momentOf(text, Date.now(), end)
  if (ms !== null) return ms
  throw new PermanentError(
    `${option} ${text}: a time is written ${durationText(600_000)} (so long ago), 14:30, 2026-11-21, 2026-11-21T14:30 (local) or 2026-11-21T14:30:00Z`,
  )
}
