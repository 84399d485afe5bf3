/** The Combined Log Format: one line a request, as every reader of web logs knows it. */

/** One request and what became of it. */
export interface AccessEntry {
  /** The client's numeric address. */
  readonly address: string
  /** Who has logged in; absent: nobody. */
  readonly account?: string | undefined
  readonly at: Date
  /** As received; null when what came was no request line. */
  readonly line: string | null
  readonly status: number
  /** Of the body. */
  readonly octets: number
  readonly referer: string | undefined
  readonly userAgent: string | undefined
}

/** A client's words are kept up to so many characters. */
const longest = 4_096

/** What could end a line, a field or a terminal's peace: quotes, backslashes, everything that is not printable ASCII. */
const unsafe = /["\\\x00-\x1f\x7f-\uffff]/
const allUnsafe = new RegExp(unsafe, 'g')

const escapeCharacter = (character: string): string => {
  if (character === '"' || character === '\\') return `\\${character}`
  // Octets arrive as Latin-1 characters, so one character is one octet.
  return [...Buffer.from(character, character.charCodeAt(0) > 0xff ? 'utf8' : 'latin1')]
    .map((octet) => `\\x${octet.toString(16).padStart(2, '0').toUpperCase()}`)
    .join('')
}

/** A client's words between quotes: they cannot forge a field or a line. */
export const escapeField = (text: string): string => {
  const kept = text.slice(0, longest)
  // Most have nothing of it: to look costs a third of replacing nothing.
  return unsafe.test(kept) ? kept.replace(allUnsafe, escapeCharacter) : kept
}

/** `http://user:secret@host/` keeps its name and loses its password: no password reaches a log. */
export const withoutPassword = (text: string): string =>
  text.includes('@') ? text.replace(/(:\/\/[^/?#\s@]*?):[^/?#\s]*@/g, '$1:***@') : text

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const
const two = (value: number): string => String(value).padStart(2, '0')

let cached = { second: -1, text: '' }
/** `21/Nov/2026:10:08:21 +0000`; made once a second. */
const stamp = (at: Date): string => {
  const second = Math.floor(at.getTime() / 1_000)
  if (second !== cached.second) {
    const day = `${two(at.getUTCDate())}/${months[at.getUTCMonth()]}/${at.getUTCFullYear()}`
    cached = { second, text: `${day}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000` }
  }
  return cached.text
}

const quoted = (text: string | undefined | null): string =>
  text === undefined || text === null || text === '' ? '"-"' : `"${escapeField(withoutPassword(text))}"`

/** The line, without its line break. */
export const accessLine = ({ address, account, at, line, status, octets, referer, userAgent }: AccessEntry): string =>
  `${address} - ${account ?? '-'} [${stamp(at)}] ${quoted(line)} ${status} ${octets} ${quoted(referer)} ${quoted(userAgent)}`
