/** Answers as values, and all texts that this server says. */
import type { Duplex, Readable } from 'node:stream'
import type { OpenFile } from '../../shared/files/file-store.ts'
import type { LimitName } from '../../shared/limits/limits.ts'
import type { Asker } from './asker.ts'
import { explain } from './pages/explanation.ts'
import type { Multipart, RangePart } from './static/multipart.ts'
import { type FailureStatus, type RedirectStatus, type Status, statuses, type ToldStatus } from './statuses.ts'
import type { TargetProblem } from './target.ts'

/** What follows the head of an answer. */
export type Body =
  | { readonly kind: 'none' }
  /** `release` gives the buffer back once the octets are out; without it they are simply forgotten. */
  | { readonly kind: 'octets'; readonly octets: Buffer; readonly release?: () => void }
  | { readonly kind: 'file'; readonly file: OpenFile; readonly from: number; readonly octets: number }
  /** Several ranges of a file; `octets` is the length of all of it, what stands between the ranges included. */
  | { readonly kind: 'parts'; readonly file: OpenFile; readonly parts: readonly RangePart[]; readonly octets: number }
  /** Read to its end, or destroyed; when it fails, so does the answer. */
  | { readonly kind: 'stream'; readonly content: Readable }
  /** After 101: what the client says goes to the peer, and back, until both are done or silent for so long. Ended with the answer. */
  | { readonly kind: 'upgraded'; readonly peer: Duplex; readonly idleMs: number }

/** An answer. */
export interface Reply {
  readonly status: number
  /** The reason phrase where it is not ours to say; else that of the status. */
  readonly reason?: string
  /** Names and values in turn, `Content-Length` among them where there is one. */
  readonly fields: readonly string[]
  readonly body: Body
  /** The file that the answer is about, where one is open: who delivers the answer, or throws it away, closes it. */
  readonly opened?: OpenFile
  /**
   * Of a failure that is explained here: its fields without those of the explanation, for a site that has words of its own. Names and
   * values in turn.
   */
  readonly explains?: readonly string[]
  /** What the operator must know of a failure, and the client must not. */
  readonly cause?: Error
  /** The limit of ours that the request met. An upstream server's 413 and a page of the operator's are none. */
  readonly limit?: LimitName
  /** Whether the connection ends with it: for whom the client means its requests is not sure. */
  readonly ends?: true
  /** Who asked, where a login was proven: the journal has it. */
  readonly account?: string
  /**
   * The content once more, while the same head would get this very answer; null: it would not, or nobody knows any more. Absent: each
   * request has to be answered anew. Holds nothing of the content.
   */
  readonly again?: () => Buffer | null
}

/** Gives up an answer that nobody takes any more. */
export const discard = async ({ body, opened }: Reply): Promise<void> => {
  if (body.kind === 'stream') body.content.destroy()
  if (body.kind === 'upgraded') body.peer.destroy()
  await opened?.close()
}

const commonFields: readonly string[] = ['Server', 'Havre', 'X-Content-Type-Options', 'nosniff']

/** An answer with a body that is at hand. */
export const withOctets = (status: Status, fields: readonly string[], octets: Buffer, release?: () => void): Reply => ({
  status,
  fields: [...fields, 'Content-Length', String(octets.length), ...commonFields],
  body: release === undefined ? { kind: 'octets', octets } : { kind: 'octets', octets, release },
})

/** Statuses whose answers have no content, whatever is asked (RFC 9110 §15.3.5, §15.3.6, §15.4.5). */
const withoutContent: readonly number[] = [204, 205, 304]

/** An answer that the operator has written. */
export const written = (
  status: number,
  fields: readonly string[],
  { type, octets, head }: { readonly type: string; readonly octets: Buffer; readonly head: boolean },
): Reply => {
  if (withoutContent.includes(status)) return { status, fields: [...fields, ...commonFields], body: { kind: 'none' } }
  const all = ['Content-Type', type, 'Content-Length', String(octets.length), ...fields, ...commonFields]
  return { status, fields: all, body: head ? { kind: 'none' } : { kind: 'octets', octets } }
}

/** An answer with a body that is a part of a file. */
export const withFile = (
  status: number,
  fields: readonly string[],
  part: { readonly file: OpenFile; readonly from: number; readonly octets: number },
): Reply => ({
  status,
  fields: [...fields, 'Content-Length', String(part.octets), ...commonFields],
  body: { kind: 'file', ...part },
})

/** An answer with a body of several parts of a file. */
export const withParts = (fields: readonly string[], file: OpenFile, { type, parts, octets }: Multipart): Reply => ({
  status: 206,
  fields: ['Content-Type', type, ...fields, 'Content-Length', String(octets), ...commonFields],
  body: { kind: 'parts', file, parts, octets },
})

/** An answer that has no body: 204, 304, and to HEAD where `fields` tell the length. */
export const withoutBody = (status: Status, fields: readonly string[]): Reply => ({
  status,
  fields: [...fields, ...commonFields],
  body: { kind: 'none' },
})

/** The answer to OPTIONS, for one resource and for `*` (RFC 9110 §9.3.7). @param allow the value of `Allow` */
export const options = (allow: string): Reply => withoutBody(204, ['Allow', allow])

/** Everything about a failure that is not the same each time. */
export interface FailureDetails {
  /** A sentence or two, in plain text, beside what the status means. */
  readonly detail?: string
  readonly fields?: readonly string[]
  /** The limit of ours that was met: it is counted. */
  readonly limit?: LimitName
  /** Whether the connection ends with it. */
  readonly ends?: true
}

/** A failure, explained in the form that the client likes best: HTML, JSON or plain text. */
export const failure = (status: FailureStatus, asker: Asker, { detail, fields = [], limit, ends }: FailureDetails = {}): Reply => {
  const explains = [...fields, 'Cache-Control', 'no-store', 'Vary', 'Accept']
  const reply = { ...explained(status, asker, { detail, fields: explains }), explains }
  return { ...reply, ...(limit === undefined ? {} : { limit }), ...(ends === undefined ? {} : { ends }) }
}

/** A redirect; the browser is not to remember it for ever: a file may stand here tomorrow. @param location a path of ours */
export const moved = (location: string, asker: Asker): Reply =>
  explained(301, asker, {
    detail: `Go to ${location}`,
    fields: ['Location', location, 'Cache-Control', 'no-cache', 'Vary', 'Accept'],
    link: location,
  })

/** A redirect that the operator asked for. @param location a path of ours, or a URL */
export const redirected = (status: RedirectStatus, location: string, asker: Asker): Reply =>
  explained(status, asker, { detail: `Go to ${location}`, fields: ['Location', location, 'Vary', 'Accept'], link: location })

interface Details {
  readonly detail: string | undefined
  readonly fields: readonly string[]
  readonly link?: string
}

const explained = (status: ToldStatus, asker: Asker, { detail, fields, link }: Details): Reply => {
  const { reason, meaning } = statuses[status]
  const told = explain({ status, reason, meaning, detail, link, asker })
  return withOctets(status, [...told.fields, ...fields], told.octets)
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
