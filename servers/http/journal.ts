/** The events of HTTP: one function a kind. */
import type { LineFile } from '../../shared/log/journal.ts'
import type { Connection } from '../../shared/service.ts'
import { accessLine, withoutPassword } from './access-log.ts'
import type { Exchange } from './exchange.ts'

/** What the access log writes for a request whose client went away before it got an answer (nginx's number). */
const closedByClient = 499

/** A client's words in a record are kept up to so many characters. */
const longestPath = 2_048

/** A request that is over. */
export interface Finished {
  /** Null when the client went away, or the connection ended, before the answer began. */
  readonly status: number | null
  /** Of the body. */
  readonly octets: number
  /** Whether all of the answer went out. */
  readonly complete: boolean
  readonly durationMs: number
}

/** The path of a target; a query may hold what is nobody's business, and the access log has it. */
const pathOf = (target: string): string => {
  const mark = target.search(/[?#]/)
  return withoutPassword(mark === -1 ? target : target.slice(0, mark)).slice(0, longestPath)
}

/** A request was answered, or could not be any more. */
export const request = (connection: Connection, access: LineFile, exchange: Exchange, finished: Finished): void => {
  const status = finished.status ?? closedByClient
  connection.log.write('info', 'request.finished', {
    method: exchange.method,
    path: pathOf(exchange.target),
    status,
    octets: finished.octets,
    durationMs: Math.round(finished.durationMs * 10) / 10,
    ...(finished.complete ? {} : { complete: false }),
  })
  access.write(
    accessLine({
      address: connection.remote.address,
      at: new Date(),
      line: `${exchange.method} ${exchange.target} HTTP/${exchange.version}`,
      status,
      octets: finished.octets,
      referer: exchange.field('referer'),
      userAgent: exchange.field('user-agent'),
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

/** More pipelined requests wait than the server holds for all its clients. */
export const flooded = (connection: Connection, waiting: number): void =>
  connection.log.write('warn', 'pipeline.flooded', { waiting })

/** The stack, and that of what it was caused by: the journal is for the operator, and a `FileError` hides the system's words. */
const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
