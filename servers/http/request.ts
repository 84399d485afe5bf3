/** The way of a request from its head to its answer: each step either refuses it or hands it on. */
import type { Connection } from '../../shared/service.ts'
import { type Asker, askerOf } from './asker.ts'
import { allow, methodRow } from './commands.ts'
import type { Exchange } from './exchange.ts'
import type { Handler, HttpRequest } from './handler.ts'
import { failure, options, type Reply, targetProblems } from './replies.ts'
import { readAuthority, readTarget } from './target.ts'

/** What the steps go by. */
export interface Rules {
  /** What answers requests that are well-formed. */
  readonly answers: Pick<Handler, 'answer'> & Partial<Handler>
  readonly maxTargetOctets: number
}

/** Fields that a head may have; the parser itself counts none. */
const maxFields = 200

/** How often a request has a field. */
const timesOf = (fields: readonly string[], name: string): number => {
  let times = 0
  for (let at = 0; at < fields.length; at += 2) {
    const field = fields[at]
    if (field?.length === name.length && field.toLowerCase() === name) times += 1
  }
  return times
}

/**
 * The answer to a request.
 * @param id the request's: see `HttpRequest`
 * @throws what nobody foresaw: the client gets a 500 for it
 */
export const answer = (exchange: Exchange, id: string, connection: Connection, rules: Rules): Reply | Promise<Reply> => {
  const asker = askerOf(exchange, id, connection.id)
  return refusalOfHead(exchange, asker, rules) ?? answerMethod(exchange, asker, { id, connection }, rules)
}

/** What is wrong with the message itself, whatever it asks for. */
const refusalOfHead = (exchange: Exchange, asker: Asker, { maxTargetOctets }: Rules): Reply | null => {
  const { version, fields, target } = exchange
  // RFC 9112 §2.3: what we cannot be sure to understand is not answered as if we did.
  if (version !== '1.1' && version !== '1.0' && version !== '2')
    return failure(505, asker, { detail: `The request says HTTP/${version}.` })
  if (exchange.oversized) return failure(431, asker, { limit: 'maxHeaders' })
  if (fields.length / 2 > maxFields)
    return failure(431, asker, { detail: `At most ${maxFields} header fields are taken.`, limit: 'maxHeaders' })
  if (target.length > maxTargetOctets)
    return failure(414, asker, { detail: `At most ${maxTargetOctets} octets are taken.`, limit: 'maxTarget' })
  return refusalOfFields(exchange, asker)
}

const refusalOfFields = (exchange: Exchange, asker: Asker): Reply | null =>
  refusalOfHost(exchange, asker) ??
  refusalOfFraming(exchange, asker) ??
  refusalOfCredentials(exchange, asker) ??
  refusalOfExpectation(exchange, asker)

/** RFC 9112 §3.2: 400 to HTTP/1.1 without Host, and to any request with two of them or one that is no host. */
const refusalOfHost = (exchange: Exchange, asker: Asker): Reply | null => {
  const detail = problemOfHost(exchange)
  return detail === null ? null : failure(400, asker, { detail, ends: true })
}

const problemOfHost = (exchange: Exchange): string | null => {
  const times = timesOf(exchange.fields, 'host')
  if (times === 0) return exchange.version === '1.0' ? null : 'The header field "Host" is missing.'
  if (times > 1) return 'The header field "Host" is there more than once.'
  const valid = readAuthority(exchange.field('host') ?? '') !== null
  return valid ? null : 'The header field "Host" holds no host: a name, or an address (IPv6 in brackets), and a port.'
}

/** Transfer codings: chunked is the only one we know, and HTTP/1.0 has none (RFC 9112 §6.1). The parser refuses the rest. */
const refusalOfFraming = (exchange: Exchange, asker: Asker): Reply | null => {
  const coding = exchange.field('transfer-encoding')
  if (coding === undefined) return null
  if (exchange.version === '1.0') return failure(400, asker, { detail: 'HTTP/1.0 has no transfer codings.' })
  const codings = coding.split(',').map((name) => name.trim().toLowerCase())
  if (codings.length === 1 && codings[0] === 'chunked') return null
  // RFC 9110 §5.6.1.2 reads over them, and other servers do not: the request could end elsewhere for them.
  if (codings.includes('')) return failure(400, asker, { detail: 'There is an empty element among the transfer codings.' })
  // Without a final "chunked" nobody can tell where the request ends.
  if (codings.at(-1) !== 'chunked') return failure(400, asker, { detail: 'The last transfer coding must be "chunked".' })
  return failure(501, asker, { detail: 'The only transfer coding that this server knows is "chunked".' })
}

/** Two of them are for two accounts: which one counts, we and an upstream server could see differently (RFC 9110 §5.3). */
const refusalOfCredentials = (exchange: Exchange, asker: Asker): Reply | null =>
  exchange.field('authorization') === undefined || timesOf(exchange.fields, 'authorization') === 1
    ? null
    : failure(400, asker, { detail: 'The header field "Authorization" is there more than once.' })

/** A list of nothing but `100-continue`, of any length. */
const expectations = /^[\t ,]*(?:100-continue(?:[\t ]*,[\t ,]*|$))*$/i

/** RFC 9110 §10.1.1: HTTP/1.0 expects nothing; anything but `100-continue` may be refused. Empty elements are none (§5.6.1.2). */
const refusalOfExpectation = (exchange: Exchange, asker: Asker): Reply | null => {
  const expected = exchange.field('expect')
  if (expected === undefined || exchange.version === '1.0' || expectations.test(expected)) return null
  return failure(417, asker, { detail: 'The only expectation that this server knows is "100-continue".' })
}

const answerMethod = (
  exchange: Exchange,
  asker: Asker,
  { id, connection }: Pick<HttpRequest, 'id' | 'connection'>,
  rules: Rules,
): Reply | Promise<Reply> => {
  const { method } = exchange
  const row = methodRow(method)
  if (row === null) return failure(501, asker, { detail: 'It does not know the method of the request.' })
  if (method === 'CONNECT') return failure(405, asker, { detail: 'It is no proxy.', fields: ['Allow', allow] })
  if (exchange.target === '*' && method === 'OPTIONS') return options(allow)
  const reading = readTarget(exchange.target)
  if (!reading.ok) return failure(400, asker, { detail: targetProblems[reading.problem] })
  const { target } = reading
  const authority = target.authority ?? readAuthority(exchange.field('host') ?? '')
  const head = method === 'HEAD'
  return rules.answers.answer({ exchange, head, target, authority, connection, account: null, id, asker })
}
