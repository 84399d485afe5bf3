/** The way of a request from its head to its answer: each step either refuses it or hands it on. */
import { allow, methodRow } from './commands.ts'
import type { Exchange } from './exchange.ts'
import type { FileAnswers } from './files.ts'
import { type Asker, failure, options, type Reply, targetProblems } from './replies.ts'
import { readAuthority, readTarget } from './target.ts'

/** What the steps go by. */
export interface Rules {
  readonly files: FileAnswers
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

const askerOf = (exchange: Exchange, connection: string): Asker => ({
  asked: { method: exchange.method, target: exchange.target },
  accept: exchange.field('accept'),
  connection,
})

/**
 * The answer to a request.
 * @param connection the connection's id, for explanations
 * @throws what nobody foresaw: the client gets a 500 for it
 */
export const answer = async (exchange: Exchange, connection: string, rules: Rules): Promise<Reply> => {
  const asker = askerOf(exchange, connection)
  return refusalOfHead(exchange, asker, rules) ?? (await answerMethod(exchange, asker, rules))
}

/** What is wrong with the message itself, whatever it asks for. */
const refusalOfHead = (exchange: Exchange, asker: Asker, { maxTargetOctets }: Rules): Reply | null => {
  const { version, fields, target } = exchange
  // RFC 9112 §2.3: what we cannot be sure to understand is not answered as if we did.
  if (version !== '1.1' && version !== '1.0') return failure(505, asker, { detail: `The request says HTTP/${version}.` })
  if (fields.length / 2 > maxFields) return failure(431, asker, { detail: `At most ${maxFields} header fields are taken.` })
  if (target.length > maxTargetOctets) return failure(414, asker, { detail: `At most ${maxTargetOctets} octets are taken.` })
  return refusalOfHost(exchange, asker) ?? refusalOfFraming(exchange, asker) ?? refusalOfExpectation(exchange, asker)
}

/** RFC 9112 §3.2: 400 to HTTP/1.1 without Host, and to any request with two of them or one that is no host. */
const refusalOfHost = (exchange: Exchange, asker: Asker): Reply | null => {
  const times = timesOf(exchange.fields, 'host')
  if (times === 0) {
    return exchange.version === '1.0' ? null : failure(400, asker, { detail: 'The header field "Host" is missing.' })
  }
  if (times > 1) return failure(400, asker, { detail: 'The header field "Host" is there more than once.' })
  const valid = readAuthority(exchange.field('host') ?? '') !== null
  return valid ? null : failure(400, asker, { detail: 'The header field "Host" holds no valid host.' })
}

/** Transfer codings: chunked is the only one we know, and HTTP/1.0 has none (RFC 9112 §6.1). The parser refuses the rest. */
const refusalOfFraming = (exchange: Exchange, asker: Asker): Reply | null => {
  const coding = exchange.field('transfer-encoding')
  if (coding === undefined) return null
  if (exchange.version === '1.0') return failure(400, asker, { detail: 'HTTP/1.0 has no transfer codings.' })
  const codings = coding.split(',').map((name) => name.trim().toLowerCase())
  if (codings.length === 1 && codings[0] === 'chunked') return null
  // Without a final "chunked" nobody can tell where the request ends.
  if (codings.at(-1) !== 'chunked') return failure(400, asker, { detail: 'The last transfer coding must be "chunked".' })
  return failure(501, asker, { detail: 'The only transfer coding that this server knows is "chunked".' })
}

/** RFC 9110 §10.1.1: HTTP/1.0 expects nothing; anything but `100-continue` may be refused. */
const refusalOfExpectation = (exchange: Exchange, asker: Asker): Reply | null => {
  const expected = exchange.field('expect')
  if (expected === undefined || exchange.version === '1.0' || expected.trim().toLowerCase() === '100-continue') return null
  return failure(417, asker, { detail: 'The only expectation that this server knows is "100-continue".' })
}

const answerMethod = async (exchange: Exchange, asker: Asker, { files }: Rules): Promise<Reply> => {
  const { method } = exchange
  const row = methodRow(method)
  if (row === null) return failure(501, asker, { detail: 'It does not know the method of the request.' })
  if (!row.answered) return failure(405, asker, { detail: `What it takes: ${allow}.`, fields: ['Allow', allow] })
  if (exchange.target === '*' && method === 'OPTIONS') return options()
  const reading = readTarget(exchange.target)
  if (!reading.ok) return failure(400, asker, { detail: targetProblems[reading.problem] })
  if (method === 'OPTIONS') return options()
  return files.answer({
    head: method === 'HEAD',
    target: reading.target,
    conditions: {
      ifMatch: exchange.field('if-match'),
      ifNoneMatch: exchange.field('if-none-match'),
      ifModifiedSince: exchange.field('if-modified-since'),
      ifUnmodifiedSince: exchange.field('if-unmodified-since'),
    },
    range: exchange.field('range'),
    ifRange: exchange.field('if-range'),
    asker,
  })
}
