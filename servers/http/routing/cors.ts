/** Which pages of other origins may read answers (the Fetch standard, §3.3 "CORS protocol"). */
import type { HttpRequest } from '../handler.ts'
import { type Reply, withoutBody } from '../replies.ts'
import { varying, without } from './fields.ts'
import type { CorsOptions } from './route-options.ts'

/** The setting, ready to be used. */
export interface Cors {
  readonly origins: 'any' | ReadonlySet<string>
  readonly methods: readonly string[] | null
  readonly headers: 'any' | readonly string[]
  /** Fields of every answer to a page that may read it. */
  readonly fields: readonly string[]
  readonly maxAgeSeconds: number
}

export const corsOf = ({ origins, methods, headers, exposed, credentials, maxAgeMs }: CorsOptions): Cors => ({
  origins: origins === 'any' ? origins : new Set(origins),
  methods,
  headers,
  fields: [
    ...(credentials ? ['Access-Control-Allow-Credentials', 'true'] : []),
    ...(exposed.length === 0 ? [] : ['Access-Control-Expose-Headers', exposed.join(', ')]),
  ],
  maxAgeSeconds: Math.floor(maxAgeMs / 1_000),
})

/** The value of Access-Control-Allow-Origin; null for a page that may not read the answer, and for what is no page. */
const allowedOrigin = ({ origins }: Cors, origin: string | undefined): string | null => {
  if (origins === 'any') return '*'
  return origin !== undefined && origins.has(origin) ? origin : null
}

/** Whether a browser asks beforehand whether a page may send a request. Such a question never has a login with it. */
export const isPreflight = ({ exchange }: HttpRequest): boolean =>
  exchange.method === 'OPTIONS' &&
  exchange.field('origin') !== undefined &&
  exchange.field('access-control-request-method') !== undefined

/** Whatever an upstream server says of it: the setting is the one that holds. */
const ours = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-max-age',
]

/** The answer to a browser that asks beforehand. @param allowed the methods that the resource takes; null: any */
export const preflight = (cors: Cors, { exchange }: HttpRequest, allowed: readonly string[] | null): Reply => {
  const vary = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers']
  const origin = allowedOrigin(cors, exchange.field('origin'))
  if (origin === null) return withoutBody(204, vary)
  const asked = exchange.field('access-control-request-method') ?? ''
  const methods = cors.methods ?? allowed ?? [asked]
  const headers = cors.headers === 'any' ? (exchange.field('access-control-request-headers') ?? '') : cors.headers.join(', ')
  return withoutBody(204, [
    'Access-Control-Allow-Origin',
    origin,
    ...cors.fields.slice(0, cors.fields[0] === 'Access-Control-Allow-Credentials' ? 2 : 0),
    'Access-Control-Allow-Methods',
    methods.join(', '),
    ...(headers === '' ? [] : ['Access-Control-Allow-Headers', headers]),
    'Access-Control-Max-Age',
    String(cors.maxAgeSeconds),
    ...vary,
  ])
}

/** An answer with what it says to pages of other origins. */
export const withCors = (cors: Cors, { exchange }: HttpRequest, reply: Reply): Reply => {
  const bare = ours.reduce<readonly string[]>(without, reply.fields)
  const origin = allowedOrigin(cors, exchange.field('origin'))
  const fields = origin === null ? bare : [...bare, 'Access-Control-Allow-Origin', origin, ...cors.fields]
  return { ...reply, fields: cors.origins === 'any' ? fields : varying(fields, 'Origin') }
}
