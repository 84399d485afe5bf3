/** What the parts of the server that answer requests have in common: files, fixed answers, redirects, upstream servers. */
import type { Connection } from '../../shared/service.ts'
import type { Asker } from './asker.ts'
import { commands } from './commands.ts'
import type { Exchange } from './exchange.ts'
import { failure, options, type Reply } from './replies.ts'
import type { Authority, Target } from './target.ts'

/** A request that is well-formed, on its way to an answer. */
export interface HttpRequest {
  /** Method, fields and content. */
  readonly exchange: Exchange
  /** Whether only the head of the answer is wanted: its fields are those of GET, its body is not sent (RFC 9110 §9.3.2). */
  readonly head: boolean
  readonly target: Target
  /** Of `Host`, `:authority` or the absolute-form target, which wins; null to HTTP/1.0 without one. */
  readonly authority: Authority | null
  readonly connection: Connection
  /** Who asks, proven by the `auth` of a route; null where nothing asked for it. */
  readonly account: string | null
  /** What the client, its records and ours call this request: `X-Request-Id`. */
  readonly id: string
  readonly asker: Asker
}

/** Whatever answers requests for a resource. Holds for all requests of a site or route: nothing of one request is kept in it. */
export interface Handler {
  /**
   * The methods that this resource takes: what OPTIONS and 405 say, in this order. Another one never comes to `answer`. OPTIONS is
   * answered from the list, and need not be in it; where it is, it goes to `answer` like the others.
   * @returns null: any method, TRACE excepted, OPTIONS included
   */
  allow(request: HttpRequest): readonly string[] | null
  /**
   * A reply without a promise where all is at hand.
   * @throws whatever nobody foresaw: the client gets a 500 for it
   */
  answer(request: HttpRequest): Reply | Promise<Reply>
}

/** What a resource takes that takes any method. Nobody connects through us to it, or has its requests sent back (RFC 9110 §9.3.6, §9.3.8). */
const anyMethod = commands.map(({ name }) => name).filter((name) => name !== 'TRACE' && name !== 'CONNECT')

/** The answer of a handler, if the method is one that its resource takes; else 405, and to OPTIONS the list (RFC 9110 §9.3.7, §15.5.6). */
export const answerBy = (handler: Handler, request: HttpRequest): Reply | Promise<Reply> => {
  const { method } = request.exchange
  const allowed = handler.allow(request) ?? anyMethod
  if (allowed.includes(method)) return handler.answer(request)
  const list = (allowed.includes('OPTIONS') ? allowed : [...allowed, 'OPTIONS']).join(', ')
  if (method === 'OPTIONS') return options(list)
  return failure(405, request.asker, { detail: `What it takes: ${list}.`, fields: ['Allow', list] })
}

/** What answers with something that has a beginning and an end of its own. */
export interface Companion {
  /** Before the first request. A rejection ends the child. */
  start(): Promise<void>
  /** Behind the last one, and also where `start` has failed. */
  stop(): Promise<void>
  /** Whether it follows requests with `Upgrade`, some of them. Absent: none. */
  readonly upgrades?: boolean
}
