/**
 * `X-Havre-Export`: the line that Havre puts on top of each message of an mbox, and takes away when it reads it, for what an mbox cannot
 * hold: the moment of arrival to the millisecond, flags, a sender that does not fit into the From line, line ends. Behind it stand
 * `Status` and `X-Status` with the same flags, for programs that read those.
 */
import type { MessageFacts } from '../folder.ts'

/** What the line tells. */
export interface Mark extends MessageFacts {
  /** Octet for octet: line ends stay as they are. */
  readonly asIs: boolean
  /** The last line of the message does not end; the file ends it. */
  readonly isOpen: boolean
}

const field = 'X-Havre-Export'

/** The lines, with their ends. @param named the sender as the From line tells it */
export const markLines = (mark: Mark, named: string): string => {
  const parts = [
    `received=${mark.receivedAt.toISOString()}`,
    ...(mark.flags === '' ? [] : [`flags=${mark.flags}`]),
    ...(named === mark.sender ? [] : [`sender=${encodeURIComponent(mark.sender.toWellFormed())}`]),
    ...(mark.utf8 ? ['utf8'] : []),
    ...(mark.asIs ? ['as-is'] : []),
    ...(mark.isOpen ? ['open'] : []),
  ]
  return `${field}: ${parts.join('; ')}\n${statusLines(mark.flags)}`
}

/** `R` read, `O` old; `A` answered, `F` flagged, `T` draft, `D` deleted. */
const statusLines = (flags: string): string => {
  const letters = [...xStatus].flatMap(([maildir, letter]) => (flags.includes(maildir) ? [letter] : [])).join('')
  const status = flags === '' ? '' : `Status: ${flags.includes('S') ? 'R' : ''}O\n`
  return status + (letters === '' ? '' : `X-Status: ${letters}\n`)
}

/** Maildir's letter and that of X-Status. */
const xStatus: ReadonlyMap<string, string> = new Map([
  ['R', 'A'],
  ['F', 'F'],
  ['D', 'T'],
  ['T', 'D'],
])

/** Flags out of the fields of another program. */
export const flagsOf = (status: string, state: string): string =>
  [...(status.includes('R') ? 'S' : ''), ...[...xStatus].flatMap(([maildir, letter]) => (state.includes(letter) ? [maildir] : []))]
    .sort()
    .join('')

/** Null when these octets do not begin with such lines. `octets`: what they take. @param named the sender as the From line tells it */
export const parseMark = (head: Buffer, named: string): { readonly mark: Mark; readonly octets: number } | null => {
  const text = head.subarray(0, 4096).toString('latin1')
  const line = /^X-Havre-Export: ([^\r\n]*)\r?\n/.exec(text)
  if (line === null) return null
  const values = new Map(
    (line[1] ?? '').split('; ').map((part) => [part.split('=', 1)[0] ?? '', part.slice(part.indexOf('=') + 1)]),
  )
  const receivedAt = new Date(values.get('received') ?? '')
  if (Number.isNaN(receivedAt.getTime())) return null
  const sender = values.get('sender')
  const flags = values.get('flags') ?? ''
  const mark: Mark = {
    receivedAt,
    flags: /^[A-Za-z]*$/.test(flags) ? flags : '',
    sender: sender === undefined ? named : decoded(sender),
    utf8: values.has('utf8'),
    asIs: values.has('as-is'),
    isOpen: values.has('open'),
  }
  const rest = text.slice(line[0].length)
  const lines = [statusLines(flags), statusLines(flags).replaceAll('\n', '\r\n')].find((each) => rest.startsWith(each)) ?? ''
  return { mark, octets: line[0].length + lines.length }
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return ''
    throw error
  }
}
