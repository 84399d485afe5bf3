/** Answers as values, and all texts that this server says. */
import type { OpenFile } from '../../shared/files/file-store.ts'
import { preferred } from './accept.ts'
import { allow } from './commands.ts'
import { escapeHtml, pageFields, renderPage } from './page.ts'
import type { TargetProblem } from './target.ts'

/** What follows the head of an answer. */
export type Body =
  | { readonly kind: 'none' }
  /** `release` gives the buffer back once the octets are out; without it they are simply forgotten. */
  | { readonly kind: 'octets'; readonly octets: Buffer; readonly release?: () => void }
  | { readonly kind: 'file'; readonly file: OpenFile; readonly from: number; readonly octets: number }

/** An answer. */
export interface Reply {
  readonly status: Status
  /** Names and values in turn, `Content-Length` among them where there is one. */
  readonly fields: readonly string[]
  readonly body: Body
  /** The file that the answer is about, where one is open: who delivers the answer, or throws it away, closes it. */
  readonly opened?: OpenFile
  /** What the operator must know of a failure, and the client must not. */
  readonly cause?: Error
}

/** Every status that this server answers with: its reason phrase, and for failures what it means to a person. */
const statuses = {
  200: { reason: 'OK' },
  204: { reason: 'No Content' },
  206: { reason: 'Partial Content' },
  301: { reason: 'Moved Permanently', meaning: 'What you asked for has another address.' },
  304: { reason: 'Not Modified' },
  400: { reason: 'Bad Request', meaning: 'The server could not understand the request.' },
  403: { reason: 'Forbidden', meaning: 'It is there, but it is not for everybody to see.' },
  404: {
    reason: 'Not Found',
    meaning: 'There is nothing at this address. Perhaps it was moved or the address has a typing error.',
  },
  405: { reason: 'Method Not Allowed', meaning: 'What is at this address can be read, but not changed or called in this way.' },
  408: { reason: 'Request Timeout', meaning: 'The request did not arrive completely in time.' },
  412: {
    reason: 'Precondition Failed',
    meaning: 'The file is not in the state that the request expects; it was changed meanwhile.',
  },
  413: { reason: 'Content Too Large', meaning: 'The request carries more than the server takes.' },
  414: { reason: 'URI Too Long', meaning: 'The address is longer than the server takes.' },
  416: { reason: 'Range Not Satisfiable', meaning: 'The file ends before the part that was asked for begins.' },
  417: { reason: 'Expectation Failed', meaning: 'The request expects something that the server does not know.' },
  429: { reason: 'Too Many Requests', meaning: 'Your address asks for more than the server gives to one. Try again in a moment.' },
  431: {
    reason: 'Request Header Fields Too Large',
    meaning: 'The head of the request is larger than the server takes; often cookies are the cause.',
  },
  500: { reason: 'Internal Server Error', meaning: 'The server failed. It is not your fault; the journal tells what happened.' },
  501: { reason: 'Not Implemented', meaning: 'The server does not know how to do this.' },
  503: { reason: 'Service Unavailable', meaning: 'The server cannot answer right now. Try again in a moment.' },
  505: { reason: 'HTTP Version Not Supported', meaning: 'This server speaks HTTP/1.1 and HTTP/1.0.' },
} as const

export type Status = keyof typeof statuses
type Told = { [S in Status]: (typeof statuses)[S] extends { meaning: string } ? S : never }[Status]
/** Statuses of failures, each with a page that explains it. */
export type FailureStatus = Exclude<Told, 301>

/** The reason phrase. */
export const reasonOf = (status: Status): string => statuses[status].reason

/** Who asked what: an explanation repeats it, so that a person can find the request in the journal. */
export interface Asker {
  /** Null when the request could not be read so far. */
  readonly asked: { readonly method: string; readonly target: string } | null
  /** The field `Accept`. */
  readonly accept: string | undefined
  /** The connection's id in the journal. */
  readonly connection: string
}

const commonFields: readonly string[] = ['Server', 'Havre', 'X-Content-Type-Options', 'nosniff']

/** An answer with a body that is at hand. */
export const withOctets = (status: Status, fields: readonly string[], octets: Buffer, release?: () => void): Reply => ({
  status,
  fields: [...fields, 'Content-Length', String(octets.length), ...commonFields],
  body: release === undefined ? { kind: 'octets', octets } : { kind: 'octets', octets, release },
})

/** An answer with a body that is a part of a file. */
export const withFile = (
  status: 200 | 206,
  fields: readonly string[],
  part: { readonly file: OpenFile; readonly from: number; readonly octets: number },
): Reply => ({
  status,
  fields: [...fields, 'Content-Length', String(part.octets), ...commonFields],
  body: { kind: 'file', ...part },
})

/** An answer that has no body: 204, 304, and to HEAD where `fields` tell the length. */
export const withoutBody = (status: Status, fields: readonly string[]): Reply => ({
  status,
  fields: [...fields, ...commonFields],
  body: { kind: 'none' },
})

/** The answer to OPTIONS, for one resource and for `*` (RFC 9110 §9.3.7). */
export const options = (): Reply => withoutBody(204, ['Allow', allow])

/** Everything about a failure that is not the same each time. */
export interface FailureDetails {
  /** A sentence or two, in plain text, beside what the status means. */
  readonly detail?: string
  readonly fields?: readonly string[]
}

/** A failure, explained in the form that the client likes best: HTML, JSON or plain text. */
export const failure = (status: FailureStatus, asker: Asker, { detail, fields = [] }: FailureDetails = {}): Reply =>
  explained(status, asker, { detail, fields: [...fields, 'Cache-Control', 'no-store'] })

/** A redirect; the browser is not to remember it for ever: a file may stand here tomorrow. @param location a path of ours */
export const moved = (location: string, asker: Asker): Reply =>
  explained(301, asker, {
    detail: `Go to ${location}`,
    fields: ['Location', location, 'Cache-Control', 'no-cache'],
    link: location,
  })

interface Explanation {
  readonly detail: string | undefined
  readonly fields: readonly string[]
  readonly link?: string
}

const explained = (status: Told, asker: Asker, { detail, fields, link }: Explanation): Reply => {
  // Text comes first for those who take anything: programs on a terminal. Browsers name HTML.
  const form = preferred(asker.accept, ['text/plain', 'text/html', 'application/json', 'application/problem+json'])
  const told: Explained = { status, detail, link, asker }
  const all = [...fields, 'Vary', 'Accept']
  if (form === 'text/html') return withOctets(status, [...pageFields, ...all], Buffer.from(asHtml(told)))
  if (form === 'text/plain')
    return withOctets(status, ['Content-Type', 'text/plain; charset=utf-8', ...all], Buffer.from(asText(told)))
  return withOctets(status, ['Content-Type', form, ...all], Buffer.from(asJson(told)))
}

interface Explained {
  readonly status: Told
  readonly detail: string | undefined
  readonly link: string | undefined
  readonly asker: Asker
}

const shownOctets = 300
const askedText = ({ asked }: Asker): string | null => {
  if (asked === null) return null
  const text = `${asked.method} ${asked.target}`
  return text.length > shownOctets ? `${text.slice(0, shownOctets)}…` : text
}

const asText = ({ status, detail, asker }: Explained): string => {
  const asked = askedText(asker)
  const lines = [`${status} ${reasonOf(status)}`, '', statuses[status].meaning]
  if (detail !== undefined) lines.push(detail)
  lines.push('')
  if (asked !== null) lines.push(`Asked:      ${asked}`)
  lines.push(`Connection: ${asker.connection} (under this id it is in the server's journal)`, '')
  return lines.join('\n')
}

/** A problem of RFC 9457, whichever of the two names of the form was asked for. */
const asJson = ({ status, detail, asker }: Explained): string => {
  const { meaning, reason } = statuses[status]
  const said = detail === undefined ? meaning : `${meaning} ${detail}`
  return `${JSON.stringify({ status, title: reason, detail: said, asked: askedText(asker), connection: asker.connection })}\n`
}

const failureStyle = `
main{max-width:44rem;padding-top:12vh}
.status{margin:0;color:var(--soft);font-size:.95rem;letter-spacing:.04em}
h1{font-size:1.9rem;margin:.1rem 0 1rem}
p{margin:.5rem 0}
dl{margin:2rem 0 0;padding:1rem 1.1rem;background:var(--card);border:1px solid var(--line);border-radius:10px;display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.1rem}
dt{color:var(--soft)}
dd{margin:0;min-width:0}
@media(max-width:30rem){main{padding-top:2rem}dl{display:block}dd+dt{margin-top:.6rem}}
`

const asHtml = ({ status, detail, link, asker }: Explained): string => {
  const { reason, meaning } = statuses[status]
  const asked = askedText(asker)
  const lines = [`<p class="status">${status}</p>`, `<h1>${escapeHtml(reason)}</h1>`, `<p>${escapeHtml(meaning)}</p>`]
  if (link !== undefined) lines.push(`<p>Go to <a href="${escapeHtml(link)}"><code>${escapeHtml(link)}</code></a></p>`)
  else if (detail !== undefined) lines.push(`<p>${escapeHtml(detail)}</p>`)
  lines.push('<dl>')
  if (asked !== null) lines.push(`<dt>Asked</dt><dd><code>${escapeHtml(asked)}</code></dd>`)
  lines.push(`<dt>Connection</dt><dd><code>${escapeHtml(asker.connection)}</code></dd>`, '</dl>')
  lines.push('<footer>The server’s journal has this request under the connection’s id. <a href="/">To the start page</a></footer>')
  return renderPage({ title: `${status} ${reason}`, style: failureStyle, body: lines.join('\n') })
}

/** What was wrong with a target, in a sentence. */
export const targetProblems: Record<TargetProblem, string> = {
  form: 'The address must be a path that begins with a slash, or a whole http address.',
  fragment: 'An address is sent without its fragment, the part from # on.',
  scheme: 'This server answers http and https addresses only.',
  host: 'The host in the address is not a valid one.',
  escape: 'The address has a percent sign without two hexadecimal digits after it, or percent signs that do not spell UTF-8.',
  characters: 'The address has a character that must not be in one.',
  'above-root': 'The address leads out of the site with too many "..".',
}
