/**
 * The line before each message of an mbox: `From sender Sat Nov 21 16:25:46 2026`.
 * @see RFC 4155 Appendix A
 */
import { isSender } from '../head-facts.ts'

/** What the line tells. */
export interface FromLine {
  /** Null where it names nobody: a bounce, or a program that does not know. */
  readonly sender: string | null
  /** Milliseconds since 1970; null: no date that can be read. */
  readonly timeMs: number | null
}

/** No program writes a longer one. */
export const mostFromLineOctets = 1000

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Whom programs name where the sender is empty. */
const nobody = 'MAILER-DAEMON'

const two = (value: number): string => String(value).padStart(2, '0')

/** In UTC, as RFC 4155 has it. */
const asctime = (at: Date): string => {
  const day = `${days[at.getUTCDay()]} ${months[at.getUTCMonth()]} ${String(at.getUTCDate()).padStart(2)}`
  return `${day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} ${at.getUTCFullYear()}`
}

/** How a sender stands in the line. What would break it does not stand there. */
const senderInLine = (sender: string): string => (isSender(sender) && sender !== nobody ? sender : nobody)

/** The line with its end. */
export const fromLine = (sender: string, receivedAt: Date): string => `From ${senderInLine(sender)} ${asctime(receivedAt)}\n`

/**
 * What programs write: day, month, day of the month, time with or without seconds, zones as names or numbers before or behind the year;
 * and `remote from host` behind all of it.
 */
const dated =
  /^From (?:(.*?) +)?(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat),? +(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\d{1,2}) +(\d\d):(\d\d)(?::(\d\d))?(?: +([A-Z]{1,5}|[+-]\d{4}))?(?: +(?:DST|METDST))? +(\d{4})(?: +([+-]\d{4}))?(?:\s.*)?$/

/** @param line without its end; null when it is no such line, but text that begins with "From " */
export const parseFromLine = (line: string): FromLine | null => {
  const [, sender, month = '', day, hour, minute, second, zone, year, laterZone] = dated.exec(line) ?? []
  if (year === undefined) return null
  const at = Date.UTC(Number(year), months.indexOf(month), Number(day), Number(hour), Number(minute), Number(second ?? 0))
  return { sender: senderOf(sender), timeMs: at - offsetMs(laterZone ?? zone) }
}

/** For files whose lines have no date that we know: the first word is the sender. */
export const parseLooseFromLine = (line: string): FromLine | null =>
  line.startsWith('From ') ? { sender: senderOf(line.slice(5).trim().split(' ')[0]), timeMs: null } : null

/** Somebody's address, or a name of this machine; `-` and the like are nobody. */
const senderOf = (text: string | undefined): string | null => {
  const plain = text?.trim().replace(/^<(.*)>$/, '$1') ?? ''
  return plain !== nobody && plain !== '-' && isSender(plain) ? plain : null
}

/** `+0130` in milliseconds; names of zones mean too many things and count as UTC. */
const offsetMs = (zone: string | undefined): number => {
  const [, sign, hours, minutes] = /^([+-])(\d\d)(\d\d)$/.exec(zone ?? '') ?? []
  return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}
