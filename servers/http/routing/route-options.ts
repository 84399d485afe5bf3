/** The settings of routes and of what holds for their paths. Loaded by the supervisor and the command line only. */
import { z } from 'zod'
import { readAccountName } from '../../../shared/accounts/name.ts'
import { duration, path, size } from '../../../shared/config/units.ts'
import { fieldName, fieldValue, sitePath, word } from './path-options.ts'

const actions = ['files', 'proxy', 'redirect', 'respond'] as const

const upstream = z.url({ protocol: /^http$/, error: 'must be a URL such as http://127.0.0.1:3000/' })
/** What is behind scheme, host and port, as it is written: no path is another thing than `/`. */
const pathOfUrl = (url: string): string => url.replace(/^[a-z]+:\/\/[^/?#]*/i, '')

const upstreams = z
  .array(upstream)
  .min(1)
  .refine((urls) => new Set(urls.map(pathOfUrl)).size < 2, { error: 'must all have the same path: each stands in for the others' })

const upstreamsInFull = z.strictObject({
  to: z.union([upstream, upstreams]).meta({ description: 'The upstream server, or several that do the same.' }),
  timeouts: z
    .strictObject({
      connect: duration({ min: 10 }).prefault('5s').meta({
        description: 'How long it may take until a connection to the upstream server is there.',
        over: 'another one is tried, else 504',
      }),
      response: duration({ min: 10 }).prefault('60s').meta({
        description: 'How long the upstream server may take from the end of the request to the head of its answer.',
        over: '504',
        source: 'RFC 9110 §15.6.5',
      }),
      idle: duration({ min: 10 }).prefault('60s').meta({
        description: 'How long the upstream server may say nothing in the middle of its answer.',
        over: 'the answer is cut off',
      }),
    })
    .prefault({})
    .meta({ description: 'How long the upstream server may take.' }),
  health: z
    .strictObject({
      path: sitePath().meta({ description: 'What is asked for; any answer but 5xx says that the server is well.' }),
      every: duration({ min: 100 }).prefault('10s').meta({ description: 'How often.' }),
    })
    .nullable()
    .default(null)
    .meta({ description: 'Asks each upstream server whether it is well; null: only requests show it.' }),
  host: z.enum(['client', 'upstream']).default('client').meta({
    description: 'What the upstream server is told as Host: what the client said, or its own address.',
  }),
  maxContent: size({ min: 0 }).prefault('1GB').meta({
    description: 'The largest content of a request that is passed on.',
    over: '413',
    source: 'RFC 9110 §15.5.14',
  }),
})

const listOf = (to: string | readonly string[]): readonly string[] => (typeof to === 'string' ? [to] : to)

const proxy = z
  .union([upstream, upstreams, upstreamsInFull], {
    error: 'must be a URL such as http://127.0.0.1:3000/, a list of them, or { to: … }',
  })
  .transform((value) => {
    const given = typeof value === 'string' || Array.isArray(value) ? upstreamsInFull.parse({ to: value }) : value
    const { to, timeouts, health, host, maxContent } = given
    return {
      to: listOf(to),
      timeouts: { connectMs: timeouts.connect, responseMs: timeouts.response, idleMs: timeouts.idle },
      health: health === null ? null : { path: health.path, everyMs: health.every },
      host,
      maxContentOctets: maxContent,
    }
  })

const isRedirect = (text: string): boolean =>
  /^\/(?!\/)[\x21-\x7e]*$/.test(text) || (/^https?:\/\/[\x21-\x7e]+$/.test(text) && URL.canParse(text))

const origin = z.string().regex(/^(?:https?:\/\/[a-z0-9.[\]:-]+|null)$/, {
  error: 'must be an origin such as https://shop.test, without a path',
})

/** Which pages of other origins may read answers (the Fetch standard's CORS protocol). */
export const cors = () =>
  z
    .strictObject({
      origins: z
        .union([z.literal('any'), z.array(origin).min(1)], { error: 'must be any, or a list of origins such as https://shop.test' })
        .meta({ description: 'Origins whose pages may read answers, or any.' }),
      methods: z.array(word('a method such as PUT')).min(1).nullable().default(null).meta({
        description: 'Methods that such a page may use; null: all that the resource takes.',
      }),
      headers: z
        .union([z.literal('any'), z.array(word('the name of a header field'))], {
          error: 'must be any, or a list of header fields',
        })
        .default([])
        .meta({ description: 'Header fields that such a page may send beside the harmless ones, or any.' }),
      exposed: z.array(word('the name of a header field')).default([]).meta({
        description: 'Header fields of answers that such a page may read beside the harmless ones.',
      }),
      credentials: z.boolean().default(false).meta({
        description: 'Whether such a page may send the cookies and the login of its user; not with any.',
      }),
      maxAge: duration({ max: 86_400_000 }).prefault('10m').meta({
        description: 'How long a browser remembers what is allowed.',
      }),
    })
    .refine(({ origins, credentials }) => !(credentials && origins === 'any'), {
      path: ['credentials'],
      error: 'cannot be true where origins is any: every page in the world could read what a user may see',
    })
    .transform(({ maxAge, ...rest }) => ({ ...rest, maxAgeMs: maxAge }))
    .nullable()

const covers = 'What it covers: all below it where it ends in /, else exactly this path.'

const rule = z
  .strictObject({
    path: sitePath().default('/').meta({ description: covers }),
    files: z.string().min(1).default('*').meta({ description: 'Pattern for the last name of the path, such as *.js.' }),
    cache: fieldValue().optional().meta({ description: 'Value of Cache-Control.', source: 'RFC 9111 §5.2' }),
    headers: z
      .record(fieldName(), fieldValue().nullable())
      .default({})
      .meta({ description: 'Header fields of the answer; null takes one away.' }),
    download: z
      .boolean()
      .optional()
      .meta({ description: 'Whether browsers store the file in place of showing it.', source: 'RFC 6266' }),
  })
  .refine(({ cache, headers, download }) => cache !== undefined || download !== undefined || Object.keys(headers).length > 0, {
    error: 'must have one of cache, headers, download',
  })

/** What is added to answers. */
export const rules = () => z.array(rule)

const accountName = z.string().refine((text) => readAccountName(text).ok, { error: 'must be the name of an account such as alice' })

const route = z
  .strictObject({
    path: sitePath().meta({ description: covers }),
    files: path().optional().meta({ description: 'Answers from this folder.' }),
    proxy: proxy.optional().meta({ description: 'Passes the request on to this server, or to one of these.' }),
    redirect: z
      .string()
      .refine(isRedirect, { error: 'must be a path that begins with one /, or a URL such as https://shop.test/' })
      .optional()
      .meta({
        description: 'Sends the client to this path or URL. Where both end in /, what is below goes along.',
        source: 'RFC 9110 §15.4',
      }),
    status: z
      .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)], {
        error: 'must be 301, 302, 303, 307 or 308',
      })
      .optional()
      .meta({ description: 'Status of the redirection; 302 unless given.' }),
    respond: z
      .strictObject({
        status: z.int().min(200).max(599).default(200).meta({ description: 'Status of the answer.' }),
        body: z.string().default('').meta({ description: 'Text of the answer.' }),
        type: fieldValue().default('text/plain; charset=utf-8').meta({ description: 'Media type of the text.' }),
        headers: z.record(fieldName(), fieldValue()).default({}).meta({ description: 'Further header fields.' }),
      })
      .optional()
      .meta({ description: 'Answers with this text.' }),
    auth: z
      .union([z.literal('any'), z.array(accountName).min(1)], { error: 'must be any, or a list of accounts' })
      .optional()
      .meta({ description: 'Accounts that may come here, or any of them.', source: 'RFC 7617' }),
    cors: cors().optional().meta({ description: 'As `cors` of the service, for this route.' }),
  })
  .superRefine((value, context) => {
    const given = actions.filter((action) => value[action] !== undefined)
    const wrong = (message: string, at: string[] = []) => context.addIssue({ code: 'custom', path: at, message })
    if (given.length > 1) wrong(`must have one of ${given.join(', ')}, not all of them`)
    if (given.length === 0 && value.auth === undefined && value.cors === undefined)
      wrong(`must have one of ${[...actions, 'auth', 'cors'].join(', ')}`)
    if (value.status !== undefined && value.redirect === undefined) wrong('belongs to a redirect', ['status'])
    if (value.files !== undefined && !value.path.endsWith('/')) wrong('must end in / where `files` names a folder', ['path'])
  })

/** What answers certain paths. */
export const routes = () => z.array(route)

export type RouteOptions = z.output<typeof route>
export type ProxyOptions = z.output<typeof proxy>
export type RuleOptions = z.output<typeof rule>
export type CorsOptions = NonNullable<z.output<ReturnType<typeof cors>>>
