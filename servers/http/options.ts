/** What the supervisor and the command line know of HTTP. A setting added here is described in `config/default.yaml` too. */
import { join } from 'node:path'
import { z } from 'zod'
import { domain, duration, path, size } from '../../shared/config/units.ts'
import { descriptorFolder } from '../../shared/files/anchor.ts'
import { limits } from '../../shared/limits/limits.ts'
import type { Protocol } from '../../shared/service.ts'
import { publicFolder } from '../../shared/tls/public-files.ts'

const actions = ['proxy', 'redirect', 'respond', 'auth'] as const

const route = z
  .strictObject({
    path: z
      .string()
      .startsWith('/', { error: 'must begin with /' })
      .meta({ description: 'What it covers: all below it where it ends in /, else exactly this path.' }),
    proxy: z
      .union([z.url({ protocol: /^http$/ }), z.array(z.url({ protocol: /^http$/ })).min(1)], {
        error: 'must be a URL such as http://127.0.0.1:3000/, or a list of them',
      })
      .optional()
      .meta({ description: 'Passes the request on to this server, or to one of these.' }),
    redirect: z.string().min(1).optional().meta({ description: 'Sends the client to this path or URL.' }),
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
      })
      .optional()
      .meta({ description: 'Answers with this text.' }),
    auth: z
      .union([z.literal('any'), z.array(z.string().min(1)).min(1)], { error: 'must be any, or a list of accounts' })
      .optional()
      .meta({ description: 'Accounts that may come here, or any of them.' }),
  })
  .superRefine((value, context) => {
    const given = actions.filter((action) => action !== 'auth' && value[action] !== undefined)
    if (given.length > 1) context.addIssue({ code: 'custom', message: `must have one of ${given.join(', ')}, not all of them` })
    if (given.length === 0 && value.auth === undefined) {
      context.addIssue({ code: 'custom', message: `must have one of ${actions.join(', ')}` })
    }
    if (value.status !== undefined && value.redirect === undefined) {
      context.addIssue({ code: 'custom', path: ['status'], message: 'belongs to a redirect' })
    }
  })

const routes = z.array(route).default([])

const fields = z.strictObject({
  listing: z.boolean().default(true).meta({
    description: 'Whether a folder without index.html is shown as a list of its files; else 403.',
    source: 'RFC 9110 §15.5.4',
  }),
  timeouts: z
    .strictObject({
      headers: duration({ min: 100 }).prefault(limits.headers.defaults.http).meta({
        description: 'How long a client may take over the head of a request.',
        over: '408, the connection is closed',
        source: 'RFC 9110 §15.5.9',
      }),
      request: duration({ min: 100 }).prefault(limits.request.defaults.http).meta({
        description: 'How long a client may take over a whole request, its content included.',
        over: '408, the connection is closed',
        source: 'RFC 9110 §15.5.9',
      }),
      keepAlive: duration({ min: 100 }).prefault(limits.keepAlive.defaults.http).meta({
        description: 'How long a connection is kept open for a further request.',
        over: 'the connection is closed',
        source: 'RFC 9112 §9.5',
      }),
    })
    .refine(({ headers, request }) => headers <= request, {
      path: ['headers'],
      error: 'must not be longer than timeouts.request',
    })
    .transform(({ headers, request, keepAlive }) => ({ headersMs: headers, requestMs: request, keepAliveMs: keepAlive }))
    .prefault({})
    .meta({ description: 'How long a client may take.' }),
  maxTarget: size({ min: 256, max: 65_536 }).prefault(limits.maxTarget.defaults.http).meta({
    description: 'The longest request target: path and query.',
    over: '414',
    source: 'RFC 9112 §3',
  }),
  maxHeaders: size({ min: 1_024, max: 1_048_576 }).prefault(limits.maxHeaders.defaults.http).meta({
    description: 'The longest head of a request: request line and all header fields. Must hold the longest target.',
    over: '431',
    source: 'RFC 6585 §5',
  }),
  routes: routes.meta({
    description: 'What answers a path other than the files of the site. The first match wins.',
    pending: true,
  }),
  sites: z
    .record(
      domain(),
      z.strictObject({
        root: path().meta({ description: 'The folder of the site.' }),
        routes: routes.meta({ description: 'Routes of this site.' }),
      }),
    )
    .default({})
    .meta({ description: 'Further sites, by the name of the host that the client asks for.', pending: true }),
})

const options = fields.transform(({ maxTarget, maxHeaders, ...rest }) => ({
  ...rest,
  maxTargetOctets: maxTarget,
  maxHeadersOctets: maxHeaders,
}))

export type HttpOptions = z.output<typeof options>

export const protocol: Protocol<HttpOptions> = {
  protocol: 'http',
  startTls: false,
  ports: (_options, tls) => (tls === 'implicit' ? { high: 8443, wellKnown: 443 } : { high: 8080, wellKnown: 80 }),
  standards: ['RFC 9110', 'RFC 9111', 'RFC 9112', 'RFC 3986', 'RFC 6585', 'RFC 8615'],
  options,
  grants: (_options, settings) => ({
    // Through its own descriptors a child looks where what it opened really lies.
    read: [
      join(settings.data, 'www'),
      join(settings.data, 'files'),
      publicFolder(settings.data),
      ...(process.platform === 'linux' ? [descriptorFolder] : []),
    ],
    write: [],
    network: 'accept',
    workers: false,
  }),
  // Answered by the server itself, whatever the site holds. The last line is the one that ends the head.
  probe: [{ say: ['OPTIONS * HTTP/1.1', 'Host: localhost', 'Connection: close', ''], hear: '^HTTP/1\\.1 2', last: '^$' }],
  example: 'curl http://{address}/',
}
