/** Who asks: what an explanation needs of a request. */
import type { Exchange } from './exchange.ts'

/** Who asked what: an explanation repeats it, so that a person can find the request in the journal. */
export interface Asker {
  /** Null when the request could not be read so far. HEAD is told as GET: its answer says what that of GET would (RFC 9110 §9.3.2). */
  readonly asked: { readonly method: string; readonly target: string } | null
  /** The field `Accept`. */
  readonly accept: string | undefined
  /** The connection's id in the journal. */
  readonly connection: string
  /** The request's own id; null for what is no request. */
  readonly request: string | null
}

/** Who asks, for explanations. @param id the request's @param connection the connection's id */
export const askerOf = (exchange: Exchange, id: string, connection: string): Asker => ({
  asked: { method: exchange.method === 'HEAD' ? 'GET' : exchange.method, target: exchange.target },
  accept: exchange.field('accept'),
  connection,
  request: id,
})
