/** The `C:`/`S:` lines of a dialogue, parsed. */

/** One step of a dialogue. */
export type Step =
  /** The client sends these octets, line break included. `text` is the line as written. */
  | { readonly who: 'client'; readonly text: string; readonly octets: Buffer }
  /** The server says one line (`many`: any number of lines, none too) that this matches. */
  | { readonly who: 'server'; readonly text: string; readonly pattern: RegExp; readonly many: boolean }
  /** The server closes the connection. */
  | { readonly who: 'server-closes' }
  /** The client shuts its side; it may still read. */
  | { readonly who: 'client-ends' }

/** The line break that `\c` at a line's end takes away. */
const noBreak = '\\c'
const escapes: Readonly<Record<string, number>> = { 0: 0, t: 9, n: 10, r: 13, e: 27, '\\': 92 }

/**
 * A line's octets: UTF-8, but `\x00`…`\xff` is one octet of that value, and `\0 \t \n \r \e \\` are NUL, TAB, LF, CR, ESC and a backslash.
 * (Within a template literal the backslash is doubled: `C: NOOP\\x00`.)
 */
export const octetsOf = (text: string): Buffer => {
  const parts: Buffer[] = []
  let plainFrom = 0
  for (const found of text.matchAll(/\\(?:x(?<hex>[\da-f]{2})|(?<short>.?))/gi)) {
    const { hex, short = '' } = found.groups ?? {}
    const value = hex === undefined ? escapes[short] : Number.parseInt(hex, 16)
    if (value === undefined) throw new SyntaxError(`"\\${short}" in "${text}" is no escape that the kit knows`)
    parts.push(Buffer.from(text.slice(plainFrom, found.index)), Buffer.from([value]))
    plainFrom = found.index + found[0].length
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(plainFrom))])
}

const quoted = (text: string): string =>
  octetsOf(text)
    .toString('latin1')
    .replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')

/**
 * The pattern of a server's line, to be matched against its octets read as Latin-1. `…` stands for any text; at the end, after a
 * blank, for that blank and any text or for nothing.
 */
export const linePattern = (text: string): RegExp => {
  if (text === '…') return /^.*$/s
  const optionalEnd = text.endsWith(' …')
  const parts = (optionalEnd ? text.slice(0, -2) : text).split('…').map(quoted)
  return new RegExp(`^${parts.join('.*')}${optionalEnd ? '(?: .*)?' : ''}$`, 's')
}

const parseLine = (line: string): Step => {
  const found = /^(?<who>[CS])(?<mark>[:*])(?: (?<text>.*))?$/.exec(line)
  if (line === 'S closes') return { who: 'server-closes' }
  if (line === 'C ends') return { who: 'client-ends' }
  const { who, mark, text = '' } = found?.groups ?? {}
  if (who === 'C' && mark === ':') {
    const broken = !text.endsWith(noBreak)
    return {
      who: 'client',
      text,
      octets: Buffer.concat([octetsOf(broken ? text : text.slice(0, -noBreak.length)), Buffer.from(broken ? '\r\n' : '')]),
    }
  }
  if (who === 'S') {
    // A reply's code is what the client acts on: it is always written out.
    if (/^…./.test(text)) throw new SyntaxError(`"${line}" begins with …: write the code out`)
    return { who: 'server', text, pattern: linePattern(text), many: mark === '*' }
  }
  throw new SyntaxError(`"${line}" is no line of a dialogue: "C: …", "S: …", "S* …", "S closes", "C ends"`)
}

/**
 * Parses a dialogue.
 *
 * - `C: TEXT` the client sends the line with CRLF; `C: TEXT\\c` without it;
 * - `S: TEXT` the server says this line; `S* TEXT` it says any number of such lines;
 * - `S closes`, `C ends` the end of the connection, seen from that side;
 * - empty lines and lines that begin with `#` are for the reader.
 */
export const parseScript = (lines: string): Step[] =>
  lines
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseLine)
