/**
 * What is taken down of a request and its answer where the journal keeps conversations: their heads, without what may be a secret, and
 * how many octets of content went either way.
 */
import type { Transcript } from '../../shared/log/transcript.ts'
import { withoutPassword } from './access-log.ts'
import type { Exchange, Head } from './exchange.ts'

const blot = '********'

/** Names of fields whose values are secrets, or sound like it. */
const secretName = /auth|cookie|token|secret|passw|credential|session|signature|api-?key|csrf|xsrf/i
/** Those that sound like it and are none. */
const openName = /^(?:(?:www|proxy)-authenticate|:authority|access-control-allow-credentials)$/i

/** Fields that hold addresses, whose queries are nobody's business. */
const addressName = /^(?:location|content-location|referer|link|refresh|destination|:path)$/i

/** What neither a name nor a secret before an `@` has in it. */
const outside = /[\s/?"]/

/** `name:secret@` also where no scheme stands before it: in `Host`, and in targets that are no addresses. In linear time. */
const withoutUserinfo = (text: string): string => {
  let told = ''
  let from = 0
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', from)) {
    let begin = at
    while (begin > from && !outside.test(text.charAt(begin - 1))) begin -= 1
    const colon = text.slice(begin, at).indexOf(':')
    told += colon === -1 ? text.slice(from, at + 1) : `${text.slice(from, begin + colon)}:***@`
    from = at + 1
  }
  return withoutPassword(told + text.slice(from))
}

const withoutQuery = (text: string): string => withoutUserinfo(text).replace(/\?[^\s>]+/g, `?${blot}`)

const fieldLine = (name: string, value: string): string => {
  if (secretName.test(name) && !openName.test(name)) return `${name}: ${blot}`
  return `${name}: ${addressName.test(name) ? withoutQuery(value) : withoutUserinfo(value)}`
}

const fieldLines = (fields: readonly string[]): string[] => {
  const lines: string[] = []
  for (let at = 0; at < fields.length; at += 2) lines.push(fieldLine(fields[at] ?? '', fields[at + 1] ?? ''))
  return lines
}

/** Octets reach us as characters of Latin-1. */
const tellClient = (transcript: Transcript, text: string): void =>
  transcript.client({ kind: 'line', octets: Buffer.from(text, 'latin1') }, 'whole')

/** A request has come to its turn. */
export const tellRequest = (transcript: Transcript, { method, target, version, fields }: Exchange): void => {
  tellClient(transcript, `${method} ${withoutQuery(target)} HTTP/${version}`)
  for (const line of fieldLines(fields)) tellClient(transcript, line)
}

/** A request line that led to no request; null: there was none. */
export const tellLine = (transcript: Transcript, line: string | null): void => {
  if (line !== null) tellClient(transcript, withoutQuery(line))
}

const linesOf = (sent: string): readonly string[] =>
  sent
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line, at) => {
      const colon = line.indexOf(':')
      return at === 0 || colon === -1 ? line : fieldLine(line.slice(0, colon), line.slice(colon + 1).trim())
    })

/** The head of an answer goes out: as it is on the wire, where its engine tells that. */
export const tellHead = (
  transcript: Transcript,
  { version, sentHead }: Pick<Exchange, 'version' | 'sentHead'>,
  head: Head,
): void => {
  const lines = sentHead ? linesOf(sentHead) : [`HTTP/${version} ${head.status} ${head.reason}`, ...fieldLines(head.fields)]
  transcript.server(lines.map((line) => `${line}\r\n`).join(''))
}

/** A client that waits to send its content is told to do so; of others nothing. */
export const tellContinue = (transcript: Transcript, exchange: Exchange): void => {
  if (exchange.field('expect') !== undefined && exchange.version !== '1.0')
    transcript.server(`HTTP/${exchange.version} 100 Continue\r\n`)
}
