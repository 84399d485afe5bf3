/** The fields of a request as an upstream server gets them. */
import type { HttpRequest } from '../handler.ts'
import { fieldsOfWay, listedValue, toldWay } from '../routing/told-way.ts'
import type { Authority } from '../target.ts'
import { endToEnd } from './hop-by-hop.ts'

/** Our name in `Via` (RFC 9110 §7.6.3). */
export const pseudonym = 'havre'

/** What a route says of them. */
export interface ForwardingRules {
  /** Whether the client is believed what it says of the request's way: a listed proxy. */
  readonly trusted: boolean
  /** Host and port of the upstream server where it is to see its own name, null where it sees the client's. */
  readonly ownHost: string | null
}

/** What we say anew of every request. `Proxy` becomes `HTTP_PROXY` in an application behind CGI, which programs take for a setting. */
const ours: ReadonlySet<string> = new Set([
  'content-length',
  'expect',
  'forwarded',
  'host',
  'proxy',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-request-id',
])

/** What an application behind CGI or WSGI, where `_` and `-` are the same, would take for a field that was looked at here. */
const lookedAt: ReadonlySet<string> = new Set(['authorization', 'connection', 'transfer-encoding', ...ours])

/** Applications behind some proxies go by the last two in place of the target, which was what counted here. */
const others: readonly string[] = ['x-real-ip', 'x-original-url', 'x-rewrite-url']

const tellsTheWay = (name: string): boolean => name.startsWith('x-forwarded-') || others.includes(name)

/** Whether a field of the client's is not passed on. @param trusted whether it is believed what it says of the request's way */
const isOurs = (name: string, trusted: boolean): boolean => {
  if (ours.has(name)) return true
  if (!name.includes('_')) return !trusted && tellsTheWay(name)
  const plain = name.replaceAll('_', '-')
  return lookedAt.has(plain) || tellsTheWay(plain)
}

/** `host`, `host:port`, as it stands in `Host`. */
const hostText = ({ host, port }: Authority): string => (port === null ? host : `${host}:${port}`)

/** How many have passed a request on before us. */
export const hopsOf = (fields: readonly string[]): number => {
  const via = listedValue(fields, 'via')
  return via === null ? 0 : via.split(',').length
}

/** HTTP/2 may cut `Cookie` into several, HTTP/1.1 has one (RFC 9113 §8.2.3). */
const joinCookies = (fields: string[]): void => {
  let first = -1
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() !== 'cookie') continue
    if (first === -1) first = at
    else {
      fields[first + 1] = `${fields[first + 1]}; ${fields[at + 1]}`
      fields.splice(at, 2)
      at -= 2
    }
  }
}

/** One step less to go (RFC 9110 §7.6.2); the last one never comes here. */
const countDown = (fields: string[]): void => {
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() !== 'max-forwards' || !/^\d{1,9}$/.test(fields[at + 1] ?? '')) continue
    fields[at + 1] = String(Number(fields[at + 1]) - 1)
  }
}

/**
 * The fields, names and values in turn: what belongs to the client's connection is gone, what tells its way is ours, after that of a proxy
 * that is believed.
 */
export const requestFields = (request: HttpRequest, rules: ForwardingRules): string[] => {
  const { exchange, authority, connection, account, id } = request
  const { fields } = exchange
  // What proved the account to us is a password that opens mail and files as well.
  const secret = (name: string) => account !== null && name === 'authorization'
  const { address } = connection.remote
  const { trusted } = rules
  // The account that was proven here is not the client's to say.
  const claimed = (name: string) => account !== null && name === 'x-forwarded-user'
  const passed = endToEnd(fields, (name) => isOurs(name, trusted) || secret(name) || claimed(name))
  joinCookies(passed)
  if (exchange.method === 'OPTIONS') countDown(passed)
  const host = authority === null ? null : hostText(authority)
  const sentHost = rules.ownHost ?? host
  if (sentHost !== null) passed.push('Host', sentHost)
  const before = rules.trusted ? toldWay(fields) : null
  passed.push(...fieldsOfWay(before, { address, proto: connection.secure ? 'https' : 'http', host }))
  if (account !== null) passed.push('X-Forwarded-User', account)
  const via = listedValue(fields, 'via')
  const ownVia = `${exchange.version} ${pseudonym}`
  passed.push('Via', via === null || via === '' ? ownVia : `${via}, ${ownVia}`, 'X-Request-Id', id)
  return passed
}
