/** Requests that an upstream server answers: passed on, and its answers passed back, as they come (RFC 9110 §3.7, a gateway). */
import type { Connection } from '../../../shared/service.ts'
import { methodRow } from '../commands.ts'
import { ContentBroken, ContentTooLarge } from '../content.ts'
import type { Handler, HttpRequest } from '../handler.ts'
import * as journal from '../journal.ts'
import { failure, options, type Reply } from '../replies.ts'
import { listedValue } from '../routing/told-way.ts'
import { type AddressMap, answerFields } from './answer-fields.ts'
import { hasContent, passedContent } from './passed-content.ts'
import { hopsOf, requestFields } from './request-fields.ts'
import { upgradesOf, wasAsked } from './upgrades.ts'
import type { UnderWay, UpstreamAnswer } from './upstream-engine.ts'
import { UpstreamError } from './upstream-error.ts'
import { type PathMap, upstreamPath } from './upstream-path.ts'
import type { Upstream, Upstreams } from './upstreams.ts'

/** Whether the client of a connection is a proxy that is believed what it says of a request's way. */
export type Trusts = (connection: Pick<Connection, 'remote'>) => boolean

/** What a route says of its upstream servers. */
export interface ProxyRoute {
  readonly upstreams: Upstreams
  readonly path: PathMap
  readonly host: 'client' | 'upstream'
  readonly idleMs: number
  readonly maxContentOctets: number
}

/** More proxies than these before us: somebody passes requests on in a circle. */
const maxHops = 20

/** How many upstream servers a request is sent to, at most, when one after the other fails. */
const maxAttempts = 4

/** What OPTIONS is told that was to go no further (RFC 9110 §7.6.2); what lies behind, nobody was asked. */
const known = 'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH'

/** One attempt, and what is known of it. */
interface Attempt {
  readonly upstream: Upstream
  readonly underWay: UnderWay
}

/** The handler of a route with `proxy`. */
export class ProxyHandler implements Handler {
  readonly #route: ProxyRoute
  readonly #trusts: Trusts

  constructor(route: ProxyRoute, trusts: Trusts) {
    this.#route = route
    this.#trusts = trusts
  }

  /** The upstream server says. */
  allow(): null {
    return null
  }

  answer(request: HttpRequest): Reply | Promise<Reply> {
    const { exchange, asker, target } = request
    const { maxContentOctets, path: map } = this.#route
    if ((exchange.declaredOctets ?? 0) > maxContentOctets) return tooLarge(request, maxContentOctets)
    if (hopsOf(exchange.fields) > maxHops)
      return failure(502, asker, { detail: 'The request has been passed on too often: it goes in a circle.' })
    const path = upstreamPath(exchange.target, target, map)
    if (path === null)
      return failure(400, asker, {
        detail: 'A name in the address has an encoded slash or a semicolon beside dots: it could mean another address.',
      })
    if (exchange.method === 'OPTIONS' && exchange.field('max-forwards')?.trim() === '0') return options(known)
    return this.#pass(request, path)
  }

  async #pass(request: HttpRequest, path: string): Promise<Reply> {
    const { exchange, asker } = request
    const { upstreams, maxContentOctets } = this.#route
    const tried = new Set<Upstream>()
    let gone = false
    let underWay: UnderWay | null = null
    exchange.onEnd((outcome) => {
      gone = outcome === 'aborted'
      if (gone) underWay?.giveUp()
    })
    for (let attempts = 1; ; attempts += 1) {
      const upstream = upstreams.choose(tried)
      if (upstream === null) {
        return failure(503, asker, { detail: 'None of the servers behind this one is well.', fields: ['Retry-After', '5'] })
      }
      tried.add(upstream)
      const attempt = this.#attempt(request, upstream, path)
      underWay = attempt.underWay
      const busy = upstreams.busy(upstream)
      try {
        const answer = await underWay.answer
        freeAfter(busy, answer.content)
        return this.#reply(request, upstream, answer)
      } catch (error) {
        busy[Symbol.dispose]()
        if (!(error instanceof UpstreamError)) throw error
        if (error.code === 'given-up') return refusalOfContent(request, error, maxContentOctets)
        upstreams.failed(upstream)
        journal.upstreamFailed(request.connection, exchange, upstream.origin, error)
        if (gone || attempts === maxAttempts || !mayRetry(request, attempt, error)) return failedReply(request, error)
        // The only one, which had closed a connection that was kept: a new one may well do.
        if (upstreams.alone && error.code === 'broken' && attempts === 1) tried.delete(upstream)
        if (upstreams.choose(tried) === null) return failedReply(request, error)
      }
    }
  }

  #attempt(request: HttpRequest, upstream: Upstream, path: string): Attempt {
    const { exchange } = request
    const { host, maxContentOctets } = this.#route
    const fields = requestFields(request, {
      trusted: this.#trusts(request.connection),
      ownHost: host === 'upstream' || request.authority === null ? upstream.host : null,
    })
    const underWay = upstream.engine.ask({
      method: exchange.method,
      path,
      fields,
      declaredOctets: exchange.declaredOctets,
      content: hasContent(exchange) ? passedContent(exchange, maxContentOctets) : null,
      upgrade: upgradesOf(exchange),
      interim: (status, interimFields) => exchange.interim(status, answerFields(status, interimFields, this.#mapOf(upstream))),
    })
    return { upstream, underWay }
  }

  #reply(request: HttpRequest, upstream: Upstream, { status, reason, fields, content }: UpstreamAnswer): Reply {
    const { exchange, head } = request
    const passed = answerFields(status, fields, this.#mapOf(upstream))
    if ('upgraded' in content) {
      const { upgraded: peer } = content
      const asked = upgradesOf(exchange) ?? ''
      const given = listedValue(fields, 'upgrade') ?? ''
      if (!wasAsked(asked, given)) {
        peer.destroy()
        return failure(502, request.asker, { detail: 'It went over to another protocol than was asked for.' })
      }
      const body = { kind: 'upgraded', peer, idleMs: this.#route.idleMs } as const
      return { status, fields: [...passed, 'Connection', 'Upgrade', 'Upgrade', given], body }
    }
    if (status === 205) {
      if (!Buffer.isBuffer(content)) content.destroy()
      // It has no content, and other than with 204 that has to be said (RFC 9110 §15.3.6).
      return { status, reason, fields: [...passed, 'Content-Length', '0'], body: { kind: 'none' } }
    }
    if (!Buffer.isBuffer(content)) return { status, reason, fields: passed, body: { kind: 'stream', content } }
    if (head || status === 204 || status === 304) return { status, reason, fields: passed, body: { kind: 'none' } }
    // All of it came at once: its length is known, whether the upstream server said it or not.
    if (listedValue(passed, 'content-length') === null) passed.push('Content-Length', String(content.length))
    return { status, reason, fields: passed, body: { kind: 'octets', octets: content } }
  }

  #mapOf({ origin }: Upstream): AddressMap {
    const { here, there } = this.#route.path
    return there === null ? { origin, here: '', there: '' } : { origin, here, there }
  }
}

const tooLarge = ({ asker }: HttpRequest, maxOctets: number): Reply =>
  failure(413, asker, { detail: `At most ${maxOctets} octets are passed on.`, limit: 'maxContent' })

/** The request came to no end: it was too large, or its client broke off. */
const refusalOfContent = (request: HttpRequest, { cause }: UpstreamError, maxOctets: number): Reply => {
  if (cause instanceof ContentTooLarge) return tooLarge(request, maxOctets)
  const status = cause instanceof ContentBroken ? cause.status : 400
  return failure(status, request.asker, {
    detail: 'The request did not come to its end.',
    ...(status === 408 ? { limit: 'request' } : {}),
  })
}

const details = {
  unreachable: 'It cannot be reached.',
  'connect-timeout': 'It took no connection in time.',
  timeout: 'It was silent for too long.',
  broken: 'It closed the connection before its answer was here.',
  malformed: 'What it said is no answer that may be passed on.',
} as const

/** Late is another thing than broken (RFC 9110 §15.6.3, §15.6.5). */
const failedReply = ({ asker }: HttpRequest, { code }: UpstreamError): Reply => {
  const status = code === 'timeout' || code === 'connect-timeout' ? 504 : 502
  return failure(status, asker, code === 'given-up' ? {} : { detail: details[code] })
}

/**
 * Whether another upstream server may be asked. Where none of the request has gone out, any; else only what changes nothing, however often
 * it is asked (RFC 9110 §9.2.2), and not what the first one is still at work on. Content that was begun cannot be sent again.
 */
const mayRetry = ({ exchange }: HttpRequest, { underWay }: Attempt, { code }: UpstreamError): boolean => {
  if (exchange.contentTaken) return false
  if (!underWay.begun) return true
  return code === 'broken' && methodRow(exchange.method)?.safe === true
}

/** An upstream server is at work on a request until its answer is over. */
const freeAfter = (busy: Disposable, content: UpstreamAnswer['content']): void => {
  const free = () => busy[Symbol.dispose]()
  if (Buffer.isBuffer(content)) free()
  else ('upgraded' in content ? content.upgraded : content).once('close', free)
}
