/** What a request is called, in its records, in its answer and to an upstream server: `X-Request-Id`. */
import type { Connection } from '../../../shared/service.ts'
import type { Exchange } from '../exchange.ts'
import type { Trust } from './trust.ts'

/**
 * What a proxy that is believed calls it, else the connection's id, by which the journal finds it, and the request's place in it.
 * @param at counted from 1
 */
export const requestId = (exchange: Exchange, connection: Pick<Connection, 'id' | 'remote'>, trust: Trust, at: number): string =>
  trust.idOf(exchange, connection) ?? ownId(connection, at)

/** What it is called where nobody else has a say. */
export const ownId = ({ id }: Pick<Connection, 'id'>, at: number): string => `${id}-${at}`
