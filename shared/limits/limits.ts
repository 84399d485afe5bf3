/**
 * All limits with a name, in one table: what is counted, what holds unless it is set, for which services, and what a client is told.
 * The schemas of the settings take defaults and texts from it, `docs/limits.md` is generated from it, and each name is the one under
 * which going over is counted (`havre status --json`: `refused`) and journalled.
 *
 * The defaults are beyond what real clients do: mail programs that keep a session open, mirrors with ten transfers at once, pollers
 * that never say goodbye, browsers with six connections a host.
 */

/** The services that limits tell apart: by protocol, and mail exchangers from services that people log in to. */
export type LimitedService = 'http' | 'ftp' | 'smtp' | 'submission' | 'pop3'

/** One limit. */
export interface Limit {
  /** Where it is set: `limits.…` for all services or in one of them, `logins.…` and `mail.…` for all, others in a service. */
  readonly setting: string
  readonly unit:
    | 'connections'
    | 'requests'
    | 'frames'
    | 'connections a second'
    | 'time'
    | 'octets'
    | 'commands'
    | 'logins'
    | 'recipients'
    | 'hops'
  /** What is counted, as a sentence. */
  readonly description: string
  /** As it is written in a configuration, by service; null: no limit. A service that is not in it does not know the limit. */
  readonly defaults: Readonly<Partial<Record<LimitedService, number | string | null>>>
  /** What happens at it, by service: mostly the reply. */
  readonly told: Readonly<Partial<Record<LimitedService, string>>>
  readonly source?: string
}

const everywhere = <const T>(value: T) => ({ http: value, ftp: value, smtp: value, submission: value, pop3: value })
const mail = <const T>(value: T) => ({ smtp: value, submission: value })

export const limits = {
  connections: {
    setting: 'limits.connections',
    unit: 'connections',
    description: 'Conversations of a service that are open at once.',
    defaults: everywhere(1000),
    told: { http: '503, Retry-After', ftp: '421', ...mail('421 4.3.2'), pop3: '-ERR [SYS/TEMP]' },
  },
  connectionsPerAddress: {
    setting: 'limits.connectionsPerAddress',
    unit: 'connections',
    description: 'Conversations of a service that one address (of IPv6 one /64) has open at once.',
    defaults: everywhere(100),
    told: { http: '429, Retry-After', ftp: '421', ...mail('421 4.7.0'), pop3: '-ERR [SYS/TEMP]' },
  },
  connectionsPerSecond: {
    setting: 'limits.connectionsPerSecond',
    unit: 'connections a second',
    description: 'New conversations a second from one address, on the average; as many at once. null: no limit.',
    defaults: everywhere(null),
    told: { http: '429, Retry-After', ftp: '421', ...mail('421 4.7.0'), pop3: '-ERR [SYS/TEMP]' },
  },
  idle: {
    setting: 'limits.idle',
    unit: 'time',
    description: 'How long a client may be silent; auto: by protocol.',
    defaults: { http: '5m', ftp: '5m', ...mail('5m'), pop3: '10m' },
    told: { http: 'closed', ftp: '421', ...mail('421 4.4.2'), pop3: 'closed' },
    source: 'RFC 1123 §4.1.3.2, RFC 5321 §4.5.3.2.7, RFC 1939 §3 (at least 10 minutes, no word)',
  },
  login: {
    setting: 'limits.login',
    unit: 'time',
    description: 'How long a client may take to log in; auto: by protocol, null: no limit. Nobody logs in to HTTP and to mode mta.',
    defaults: { ftp: '5m', submission: '5m', pop3: '10m' },
    told: { ftp: '421', submission: '421 4.7.0', pop3: '-ERR [SYS/TEMP]' },
  },
  total: {
    setting: 'limits.total',
    unit: 'time',
    description: 'How long a conversation may last, whatever happens in it; null: no limit.',
    defaults: everywhere('7d'),
    told: { http: 'closed', ftp: '421', ...mail('421 4.7.0'), pop3: '-ERR [SYS/TEMP]' },
  },
  handshake: {
    setting: 'limits.handshake',
    unit: 'time',
    description: 'How long a client may take over a TLS handshake, and a proxy over its header.',
    defaults: everywhere('10s'),
    told: everywhere('closed'),
  },
  memory: {
    setting: 'limits.memory',
    unit: 'octets',
    description: 'What may wait in memory for one client: octets that it does not take, and those it sent that nobody has read.',
    defaults: everywhere('16MiB'),
    told: everywhere('cut off'),
  },
  blockAfter: {
    setting: 'logins.blockAfter',
    unit: 'logins',
    description: 'Bad logins after which an address is refused on all services.',
    defaults: { ftp: 20, submission: 20, smtp: 20, pop3: 20 },
    told: { ftp: '421', ...mail('454 4.7.0'), pop3: '-ERR [SYS/TEMP]' },
  },
  badLogins: {
    setting: 'badLogins',
    unit: 'logins',
    description: 'Bad logins in one session; those of one address are counted over all services as well.',
    defaults: { ftp: 5 },
    told: { ftp: '421' },
  },
  badCommands: {
    setting: 'badCommands',
    unit: 'commands',
    description: 'Commands of one session that are unknown, malformed or out of place; refused recipients are none.',
    defaults: { ftp: 20, ...mail(20), pop3: 20 },
    told: { ftp: '421', ...mail('421 4.7.0'), pop3: '-ERR, closed; nothing is deleted' },
    source: 'RFC 5321 §7.8',
  },
  commandsBeforeLogin: {
    setting: 'commandsBeforeLogin',
    unit: 'commands',
    description: 'Commands that a client may send without having logged in.',
    defaults: { ftp: 100, pop3: 100 },
    told: { ftp: '421', pop3: '-ERR, closed' },
  },
  commandsWithoutMail: {
    setting: 'commandsWithoutMail',
    unit: 'commands',
    description: 'Commands in a row that bring no mail about: all but MAIL, RCPT, DATA and BDAT since the last message.',
    defaults: mail(100),
    told: mail('421 4.7.0'),
    source: 'RFC 5321 §7.8',
  },
  commandLine: {
    setting: 'commandLine',
    unit: 'octets',
    description: 'One command line, its line break included; logins of SMTP need up to 12 KiB, paths of FTP 4 KiB.',
    defaults: { ftp: '4KiB', ...mail('12KiB'), pop3: '2KiB' },
    told: { ftp: '500', ...mail('500 5.5.2'), pop3: '-ERR' },
    source: 'RFC 5321 §4.5.3.1.4, RFC 4954 §4, RFC 2449 §4, RFC 5034 §4',
  },
  pipelined: {
    setting: 'pipelined',
    unit: 'commands',
    description: 'Commands of one client that may wait for their turn.',
    defaults: { ftp: 64 },
    told: { ftp: 'no more are read until there is room' },
  },
  recipients: {
    setting: 'recipients',
    unit: 'recipients',
    description: 'Recipients of one message.',
    defaults: mail(1_000),
    told: mail('452 4.5.3'),
    source: 'RFC 5321 §4.5.3.1.8',
  },
  hops: {
    setting: 'hops',
    unit: 'hops',
    description:
      'Received lines of a message: how often it was passed on before. More of them are a message that runs in a circle.',
    defaults: mail(100),
    told: mail('554 5.4.6'),
    source: 'RFC 5321 §6.3',
  },
  headers: {
    setting: 'timeouts.headers',
    unit: 'time',
    description: 'How long a client may take over the head of a request.',
    defaults: { http: '20s' },
    told: { http: '408' },
    source: 'RFC 9110 §15.5.9',
  },
  request: {
    setting: 'timeouts.request',
    unit: 'time',
    description:
      'How long a client may take over the content of a request, or over each 64 KiB of it where it is stored or passed on.',
    defaults: { http: '5m' },
    told: { http: '408' },
    source: 'RFC 9110 §15.5.9',
  },
  keepAlive: {
    setting: 'timeouts.keepAlive',
    unit: 'time',
    description: 'How long a connection is kept open for a further request.',
    defaults: { http: '65s' },
    told: { http: 'closed' },
    source: 'RFC 9112 §9.5',
  },
  maxTarget: {
    setting: 'maxTarget',
    unit: 'octets',
    description: 'The longest request target: path and query.',
    defaults: { http: '8000B' },
    told: { http: '414' },
    source: 'RFC 9112 §3',
  },
  maxHeaders: {
    setting: 'maxHeaders',
    unit: 'octets',
    description: 'The longest head of a request: request line and all header fields.',
    defaults: { http: '32KiB' },
    told: { http: '431' },
    source: 'RFC 6585 §5',
  },
  maxContent: {
    setting: 'maxContent',
    unit: 'octets',
    description: 'The largest content of a request that is stored. A route with `proxy` has its own, which counts here too.',
    defaults: { http: '1GB' },
    told: { http: '413' },
    source: 'RFC 9110 §15.5.14',
  },
  maxStreams: {
    setting: 'maxStreams',
    unit: 'requests',
    description:
      'Requests that one connection of HTTP/2 has under way at once; a few, once all of a service together have as many as it may have connections.',
    defaults: { http: 100 },
    told: { http: 'REFUSED_STREAM, then closed' },
    source: 'RFC 9113 §5.1.2',
  },
  maxResets: {
    setting: 'maxResets',
    unit: 'requests',
    description: 'Requests of a connection of HTTP/2 that are taken back at once; a tenth of it more each second.',
    defaults: { http: 200 },
    told: { http: 'ENHANCE_YOUR_CALM, closed' },
    source: 'RFC 9113 §10.5',
  },
  maxControlFrames: {
    setting: 'maxControlFrames',
    unit: 'frames',
    description:
      'PING and SETTINGS frames of a connection of HTTP/2 at once; a tenth of it more each second. Other octets that are no request count under it too.',
    defaults: { http: 200 },
    told: { http: 'ENHANCE_YOUR_CALM, closed' },
    source: 'RFC 9113 §10.5',
  },
} as const satisfies Record<string, Limit>

export type LimitName = keyof typeof limits

/** The limits that decide whether a connection may come in. */
export type AdmissionLimit = 'connections' | 'connectionsPerAddress' | 'connectionsPerSecond'

/** How often which limit was met; those that were not are not in it. */
export type LimitCounts = Readonly<Partial<Record<LimitName, number>>>

/** Counts of several processes as one. */
export const sumOfCounts = (all: readonly LimitCounts[]): LimitCounts => {
  const sum: Partial<Record<LimitName, number>> = {}
  for (const counts of all)
    for (const name of limitNames) if (counts[name] !== undefined) sum[name] = (sum[name] ?? 0) + counts[name]
  return sum
}

const limitNames = Object.keys(limits) as LimitName[]
