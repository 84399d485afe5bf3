/** The events of HTTP: one function a kind. */
import type { LineFile } from '../../shared/log/journal.ts'
import type { Fields, Log } from '../../shared/log/log.ts'
import type { Connection } from '../../shared/service.ts'
import { accessLine, withoutPassword } from './access-log.ts'
import type { Exchange } from './exchange.ts'

/** What the access log writes for a request whose client went away before it got an answer (nginx's number). */
const closedByClient = 499

/** A client's words in a record are kept up to so many characters. */
const longestPath = 2_048

/** What a record tells of a request itself. */
export interface Asked extends Pick<Exchange, 'method' | 'target' | 'version'> {
  readonly referer: string | undefined
  readonly userAgent: string | undefined
}

/** Of a request that is at hand. */
export const askedBy = (exchange: Exchange): Asked => ({
  method: exchange.method,
  target: exchange.target,
  version: exchange.version,
  referer: exchange.field('referer'),
  userAgent: exchange.field('user-agent'),
})

/** A request that is over. */
export interface Finished {
  /** Null when the client went away, or the connection ended, before the answer began. */
  readonly status: number | null
  /** Of the body. */
  readonly octets: number
  /** Whether all of the answer went out. */
  readonly complete: boolean
  readonly durationMs: number
  /** What the client calls the request, and we do: X-Request-Id. */
  readonly id: string
  /** Who asked, where a login was proven. */
  readonly account?: string | undefined
  /** Octets of content that were read. */
  readonly received: number
  /** Who sent it, where a listed proxy passed it on: the connection is that one's. */
  readonly client: string | null
}

/** The path of a target; a query may hold what is nobody's business, and the access log has it. */
const pathOf = (target: string): string => {
  const mark = target.search(/[?#]/)
  return withoutPassword(mark === -1 ? target : target.slice(0, mark)).slice(0, longestPath)
}

/** What most requests do not have. */
const withRest = (fields: Fields, { client, received, complete }: Finished): Fields => ({
  ...fields,
  ...(client === null ? {} : { client }),
  ...(received > 0 ? { received } : {}),
  ...(complete ? {} : { complete: false }),
})

/** A request was answered, or could not be any more. */
export const request = (connection: Connection, access: LineFile, asked: Asked, finished: Finished): void => {
  const status = finished.status ?? closedByClient
  const fields = {
    method: asked.method,
    path: pathOf(asked.target),
    status,
    octets: finished.octets,
    durationMs: Math.round(finished.durationMs * 10) / 10,
    request: finished.id,
    account: finished.account,
  }
  const isPlain = finished.client === null && finished.received === 0 && finished.complete
  connection.log.write('info', 'request.finished', isPlain ? fields : withRest(fields, finished))
  access.write(
    accessLine({
      address: finished.client ?? connection.remote.address,
      account: finished.account,
      at: new Date(),
      // As every reader of web logs knows it, though HTTP/2 has no minor version any more.
      line: `${asked.method} ${asked.target} HTTP/${asked.version === '2' ? '2.0' : asked.version}`,
      status,
      octets: finished.octets,
      referer: asked.referer,
      userAgent: asked.userAgent,
    }),
  )
}

/** What came was no request, or not in time. */
export const malformed = (
  connection: Connection,
  access: LineFile,
  { status, code, line, octets }: { status: number; code: string; line: string | null; octets: number },
): void => {
  connection.log.write('warn', 'request.malformed', { status, code, octets })
  access.write(
    accessLine({
      address: connection.remote.address,
      at: new Date(),
      line,
      status,
      octets,
      referer: undefined,
      userAgent: undefined,
    }),
  )
}

/** The server failed; the client got a 500. */
export const failed = (connection: Connection, exchange: Exchange, error: unknown): void =>
  connection.log.write('error', 'request.failed', {
    method: exchange.method,
    path: pathOf(exchange.target),
    error: describe(error),
  })

/** An answer could not be finished: its file was written to, or could not be read any more. */
export const cutShort = (connection: Connection, exchange: Exchange, reason: string, error: unknown): void =>
  connection.log.write('warn', 'request.cut', {
    path: pathOf(exchange.target),
    reason,
    ...(error === undefined ? {} : { error: describe(error) }),
  })

/** A site's own page for an error could not be read: the client got ours. */
export const ownPageFailed = (connection: Connection, status: number, page: string, code: string): void =>
  connection.log.write('warn', 'page.failed', { status, page, code })

/** An upstream server gave no answer that could be passed on. @param upstream scheme, host and port */
export const upstreamFailed = (
  connection: Connection,
  exchange: Exchange,
  upstream: string,
  { code, message }: { readonly code: string; readonly message: string },
): void =>
  connection.log.write('warn', 'upstream.failed', {
    upstream,
    code,
    method: exchange.method,
    path: pathOf(exchange.target),
    error: message,
  })

/** A check found an upstream server otherwise than the last one did. @param why what is wrong with it; null: nothing any more */
export const upstreamChanged = (log: Log, upstream: string, why: string | null): void =>
  log.write(why === null ? 'info' : 'warn', 'upstream.changed', {
    upstream,
    well: why === null,
    ...(why === null ? {} : { error: why }),
  })

/** More pipelined requests wait than the server holds for all its clients. */
export const flooded = (connection: Connection, waiting: number): void =>
  connection.log.write('warn', 'pipeline.flooded', { waiting })

/** A client of HTTP/2 did too much of what costs it nothing: the connection was ended. */
export const http2Flooded = (connection: Connection, what: string): void => connection.log.write('warn', 'http2.flooded', { what })

/** A client of HTTP/2 broke its rules, and the connection with it. */
export const http2Broken = (connection: Connection, code: string): void => connection.log.write('warn', 'http2.broken', { code })

/** The stack, and that of what it was caused by: the journal is for the operator, and a `FileError` hides the system's words. */
const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
