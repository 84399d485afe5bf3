/** What depends on how a request came: in clear or encrypted, by a connection that can be for its host or not. */
import { isNamed } from '../../../shared/tls/material.ts'
import { publicSegments } from '../../../shared/tls/public-files.ts'
import type { HttpRequest } from '../handler.ts'
import { failure, type Reply, redirected } from '../replies.ts'
import type { Authority, Target } from '../target.ts'
import { withField } from './fields.ts'
import type { Trust } from './trust.ts'

/** The settings that it goes by. */
export interface TransportOptions {
  /** Tells browsers to come encrypted only; null: does not. */
  readonly hsts: { readonly maxAgeMs: number; readonly subdomains: boolean; readonly preload: boolean } | null
  /** The port of the service that requests in clear are sent to; null: they are answered. */
  readonly httpsPort: number | null
  /** The host that a client is sent to that names none. */
  readonly hostname: string
  readonly trust: Trust
}

/** `Strict-Transport-Security` (RFC 6797 §6.1). */
const hstsValue = ({ maxAgeMs, subdomains, preload }: NonNullable<TransportOptions['hsts']>): string =>
  [`max-age=${Math.floor(maxAgeMs / 1_000)}`, ...(subdomains ? ['includeSubDomains'] : []), ...(preload ? ['preload'] : [])].join(
    '; ',
  )

/** What the authority shows is fetched by who cannot trust its certificates yet, or checks them. */
const isPublic = ({ segments }: Target): boolean => publicSegments.every((name, at) => segments[at] === name)

/** The rules of one service. */
export class Transport {
  readonly #options: TransportOptions
  readonly #hsts: string | null

  constructor(options: TransportOptions) {
    this.#options = options
    this.#hsts = options.hsts === null ? null : hstsValue(options.hsts)
  }

  /** The answer to a request that has to come in another way; null where it came right. */
  refusal(request: HttpRequest): Reply | null {
    const { connection, authority, asker, target, exchange } = request
    if (connection.probe) return null
    if (connection.tls !== null) {
      // RFC 9110 §7.4: an https request MUST be refused on a connection whose certificate is not for its host.
      const host = authority === null ? null : bare(authority)
      if (host === null || isNamed(connection.tls.names, host)) return null
      return failure(421, asker, { detail: `Its certificate is not for ${host}.` })
    }
    const { httpsPort, trust } = this.#options
    if (trust.isSecure(exchange, connection)) return null
    if (httpsPort !== null && !isPublic(target)) return this.#toHttps(request, httpsPort)
    // RFC 9110 §7.4: an https request MUST be refused where nothing is encrypted.
    return /^https:/i.test(exchange.target) ? failure(421, asker, { detail: 'The connection is not encrypted.' }) : null
  }

  /** The answer with what encrypted clients are told, and no others (RFC 6797 §7.2). */
  finished(reply: Reply, { exchange, connection }: HttpRequest): Reply {
    if (this.#hsts === null || !this.#options.trust.isSecure(exchange, connection)) return reply
    return { ...reply, fields: withField(reply.fields, 'Strict-Transport-Security', this.#hsts) }
  }

  /** 308 keeps the method; who only reads gets the one that everybody knows. */
  #toHttps({ exchange, authority, asker }: HttpRequest, port: number): Reply {
    const { method, target } = exchange
    const host = authority?.host ?? this.#options.hostname
    // As received: it has been read as a path, or as a URL with one, and holds printable ASCII only.
    const path = target.startsWith('/') ? target : target.replace(/^[a-z]+:\/\/[^/?]*/i, '').replace(/^(?!\/)/, '/')
    const status = method === 'GET' || method === 'HEAD' ? 301 : 308
    return redirected(status, `https://${host}${port === 443 ? '' : `:${port}`}${path}`, asker)
  }
}

/** As certificates name it: an address without its brackets. */
const bare = ({ host }: Authority): string => (host.startsWith('[') ? host.slice(1, -1) : host)
