/** What the supervisor and the command line know of HTTP. A setting added here is described in `config/default.yaml` too. */
import { join } from 'node:path'
import { z } from 'zod'
import { nearest } from '../../shared/config/nearest.ts'
import { duration, network, size } from '../../shared/config/units.ts'
import { descriptorFolder } from '../../shared/files/anchor.ts'
import { limits } from '../../shared/limits/limits.ts'
import type { Protocol } from '../../shared/service.ts'
import { publicFolder } from '../../shared/tls/public-files.ts'
import { needsOf } from './needs.ts'
import { defaultSite, furtherSite, type SiteOptions, siteFields, sites } from './routing/site-options.ts'

const yearMs = 365 * 86_400_000

const fields = z.strictObject({
  ...siteFields,
  timeouts: z
    .strictObject({
      headers: duration({ min: 100 }).prefault(limits.headers.defaults.http).meta({
        description: 'How long a client may take over the head of a request.',
        over: '408, the connection is closed',
        source: 'RFC 9110 §15.5.9',
      }),
      request: duration({ min: 100 }).prefault(limits.request.defaults.http).meta({
        description:
          'How long a client may take over the content of a request, or over each 64 KiB of it where it is stored or passed on.',
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
  maxContent: size({ min: 0 }).prefault('1GB').meta({
    description: 'The largest content of a request that is stored. A route with `proxy` has its own.',
    over: '413',
    source: 'RFC 9110 §15.5.14',
  }),
  write: z.boolean().default(false).meta({
    description: 'Whether an account may use PUT, DELETE and MKCOL below its own /~account/, by its name and password.',
    source: 'RFC 9110 §9.3.4',
  }),
  hsts: z
    .strictObject({
      maxAge: duration({ min: 0, max: 10 * yearMs })
        .prefault('365d')
        .meta({ description: 'How long browsers remember it; 0s: they forget it.' }),
      subdomains: z.boolean().default(false).meta({ description: 'Whether all hosts below are meant too.' }),
      preload: z.boolean().default(false).meta({ description: 'Whether the host may be put into lists that browsers come with.' }),
    })
    .transform(({ maxAge, ...rest }) => ({ ...rest, maxAgeMs: maxAge }))
    .nullable()
    .default(null)
    .meta({
      description: 'Tells browsers to come encrypted only from now on; said on encrypted connections. null: not said.',
      source: 'RFC 6797',
    }),
  toHttps: z.string().min(1).nullable().default(null).meta({
    description: 'Name of the encrypted service that requests in clear are sent to; null: they are answered.',
    source: 'RFC 9110 §15.4.9',
  }),
  http2: z.enum(['auto', 'prior-knowledge', 'off']).default('auto').meta({
    description:
      'HTTP/2 for clients that agree on it within TLS (auto), in clear too for those that begin with it (prior-knowledge), or not at all (off).',
    source: 'RFC 9113 §3',
  }),
  maxStreams: z.int().min(1).max(10_000).default(limits.maxStreams.defaults.http).meta({
    description:
      'Requests that one connection of HTTP/2 has under way at once; a few, once all of a service together have as many as it may have connections.',
    over: 'REFUSED_STREAM, or the end of the connection',
    source: 'RFC 9113 §5.1.2, §8.7',
  }),
  maxResets: z.int().min(1).default(limits.maxResets.defaults.http).meta({
    description: 'Requests of a connection of HTTP/2 that are taken back at once; a tenth of it more each second.',
    over: 'ENHANCE_YOUR_CALM, the connection is closed',
    source: 'RFC 9113 §10.5',
  }),
  maxControlFrames: z.int().min(10).default(limits.maxControlFrames.defaults.http).meta({
    description: 'PING and SETTINGS frames of a connection of HTTP/2 at once; a tenth of it more each second.',
    over: 'ENHANCE_YOUR_CALM, the connection is closed',
    source: 'RFC 9113 §10.5',
  }),
  trust: z.array(network()).default([]).meta({
    description:
      'Addresses and networks of proxies that are believed what they say in Forwarded, X-Forwarded-* and X-Request-Id: the access log, the journal (client) and the counting of bad logins go by the client that they tell of. X-Forwarded-* count, and Forwarded where none of them is there. Their connections are not counted by address.',
    source: 'RFC 7239',
  }),
  sites: sites().default({}).meta({
    description: 'Further sites, by the name of the host that the client asks for.',
    source: 'RFC 9110 §7.2',
  }),
})

const options = fields.transform(
  ({
    timeouts,
    maxTarget,
    maxHeaders,
    maxContent,
    write,
    hsts,
    toHttps,
    http2,
    maxStreams,
    maxResets,
    maxControlFrames,
    trust,
    sites,
    ...site
  }) => ({
    timeouts,
    maxTargetOctets: maxTarget,
    maxHeadersOctets: maxHeaders,
    maxContentOctets: maxContent,
    write,
    hsts,
    /** The service that requests in clear are sent to; its port is known once all services are. */
    toHttps: toHttps === null ? null : { service: toHttps, port: 0 },
    http2,
    maxStreams,
    maxResets,
    maxControlFrames,
    trust,
    /** The default site, which has every host that is no other's. */
    site: defaultSite(site),
    sites: Object.entries(sites).map(([name, raw]) => furtherSite(name, raw, site)),
  }),
)

export type HttpOptions = z.output<typeof options>

/** The folders that a site names, or has from the default one, with the settings that name them. */
const foldersOf = ({ root, routes, hosts: [name] }: SiteOptions) => {
  const of = name === undefined ? [] : ['sites', name]
  const files = routes.map((route, at) => ({ setting: [...of, 'routes', String(at), 'files'], folder: route.files }))
  return [{ setting: [...of, 'root'], folder: root }, ...files].flatMap(({ setting, folder }) =>
    typeof folder === 'string' ? [{ setting, folder }] : [],
  )
}

export const protocol: Protocol<HttpOptions> = {
  protocol: 'http',
  startTls: false,
  ports: (_options, tls) => (tls === 'implicit' ? { high: 8443, wellKnown: 443 } : { high: 8080, wellKnown: 80 }),
  standards: [
    'RFC 9110',
    'RFC 9111',
    'RFC 9112',
    'RFC 9113',
    'RFC 3986',
    'RFC 4918',
    'RFC 6266',
    'RFC 6585',
    'RFC 6797',
    'RFC 7239',
    'RFC 7617',
    'RFC 8187',
    'RFC 8615',
    'RFC 9457',
  ],
  options,
  hosts: ({ sites }) => sites.flatMap(({ hosts, keyFiles }) => hosts.map((name) => ({ name, keyFiles }))),
  among: (options, services) => {
    if (options.toHttps === null) return { options }
    const { service: name } = options.toHttps
    const problem = (text: string) => ({ setting: 'toHttps', problem: text })
    const encrypted = services.filter(({ protocol, tls, enabled }) => protocol === 'http' && tls === 'implicit' && enabled)
    const service = encrypted.find((each) => each.name === name)
    if (service === undefined) {
      const names = encrypted.map((each) => each.name)
      const like = nearest(name, names)
      const meant =
        like === null ? `; there ${names.length === 0 ? 'is none' : `is ${names.join(', ')}`}` : `; did you mean ${like}?`
      return problem(`must be the name of an http service with \`tls: implicit\` that is enabled${meant}`)
    }
    if (service.port === 0) return problem(`cannot be said to clients: the system chooses the port of services.${name}`)
    return { options: { ...options, toHttps: { service: name, port: service.port } } }
  },
  folders: ({ site, sites }) => [site, ...sites].flatMap(foldersOf),
  needs: needsOf,
  grants: ({ write, site, sites }, settings) => ({
    // Through its own descriptors a child looks where what it opened really lies.
    read: [
      join(settings.data, 'www'),
      join(settings.data, 'files'),
      publicFolder(settings.data),
      ...[site, ...sites].flatMap(foldersOf).map(({ folder }) => folder),
      ...(process.platform === 'linux' ? [descriptorFolder] : []),
    ],
    write: write ? [join(settings.data, 'files')] : [],
    // Through these it reaches what it holds, to write it too.
    files: write && process.platform === 'linux' ? [descriptorFolder] : [],
    network: [site, ...sites].some(({ routes }) => routes.some(({ proxy }) => proxy !== undefined)) ? 'connect' : 'accept',
    workers: false,
  }),
  // Answered by the server itself, whatever the site holds. The last line is the one that ends the head.
  probe: [{ say: ['OPTIONS * HTTP/1.1', 'Host: localhost', 'Connection: close', ''], hear: '^HTTP/1\\.1 2', last: '^$' }],
  example: 'curl http://{address}/',
  exampleFor: (_options, tls) => (tls === 'implicit' ? 'curl {trust}https://{hostname}:{port}/' : protocol.example),
}
