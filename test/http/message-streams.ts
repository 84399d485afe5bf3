/** Streams of requests, nearly right, and whether the server reads them as the grammar does. */
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { ContentBroken } from '../../servers/http/content.ts'
import type { HttpRequest } from '../../servers/http/handler.ts'
import { failure, type Reply, withOctets } from '../../servers/http/replies.ts'
import { HttpServer } from '../../servers/http/service.ts'
import { Client } from '../kit/client.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import { loadProtocol, type Running } from '../kit/serving.ts'
import { judge, told } from './message-oracle.ts'
import { readAnswers } from './raw.ts'
import { serveSite } from './site.ts'

const atOnce = 8

interface Heard {
  readonly answers: readonly { readonly status: number; readonly body: string }[]
  /** Whether the connection broke: answers may have been lost on their way. */
  readonly broke: boolean
}

/** What is played. */
interface Play {
  /** The part of the requests that the server has answered before, in packets of their own: it answers them without reading them. */
  readonly ofKnown: number
}

const saying = (text: string): Reply => withOctets(200, ['Content-Type', 'text/plain'], Buffer.from(text))

/** Content that may be read past: of known length. */
const isUnread = ({ method, declaredOctets }: HttpRequest['exchange']): boolean => method === 'PUT' && declaredOctets !== null

/** Says what was read of a request, its content to the end. Without content it would say the same to the same head again. */
const echo = async ({ exchange, asker }: HttpRequest): Promise<Reply> => {
  try {
    const content = exchange.content === null ? null : await buffer(exchange.content)
    const reply = saying(told(exchange.method, exchange.target, content ?? Buffer.alloc(0)))
    const said = reply.body.kind === 'octets' ? reply.body.octets : null
    return content === null ? { ...reply, again: () => said } : reply
  } catch (error) {
    if (error instanceof ContentBroken) return failure(error.status, asker)
    throw error
  }
}

/** Line ends, mostly right. */
const end = (random: Seeded): string =>
  random.chance(0.985) ? '\r\n' : random.pick(['\n', '\r', '\r\r\n', '\n\r', '\r\n ', '\r\n\t', ''])

const coding = [
  'chunked',
  'Chunked',
  'chunked ',
  ' \tchunked',
  'gzip, chunked',
  'chunked, chunked',
  'identity',
  'xchunked',
  '"chunked"',
  'chunked;a',
  '\x0bchunked',
  'chunked\0',
  ',chunked',
  '',
]
const name = (random: Seeded, right: string): string =>
  random.chance(0.93)
    ? right
    : random.pick([
        `${right} `,
        `${right}\t`,
        right.replace('-', '_'),
        right.toUpperCase(),
        ` ${right}`,
        `X-${right}`,
        `${right}\0`,
        `${right}\n`,
        `\r${right}`,
      ])

const chunksOf = (random: Seeded, content: string): string => {
  let text = ''
  for (let at = 0; at < content.length; ) {
    const size = Math.min(random.between(1, 20), content.length - at)
    const digits = `${random.pick(['', '', '', '0', '000'])}${random.chance(0.5) ? size.toString(16) : size.toString(16).toUpperCase()}`
    const extension = random.chance(0.85)
      ? ''
      : random.pick([';a', ';a=b', ';a=b;c', ';', ' ;a', ';a="b"', ';a=\n', ' ', '\t', ';\r', 'x', ';a="\n"'])
    const wrong = random.chance(0.02) ? random.pick(['0x', '-', '+', 'ffffffffffffffff', ' ']) : ''
    text += `${wrong}${digits}${extension}${end(random)}${content.slice(at, at + size)}${end(random)}`
    at += size
  }
  const trailer = random.chance(0.85)
    ? ''
    : `${random.pick(['X: y', 'Content-Length: 5', 'Transfer-Encoding: chunked', 'Host: b', 'X : y', ' X: y', 'X'])}${end(random)}`
  return `${text}${random.pick(['0', '0', '00', '0;a'])}${end(random)}${trailer}${end(random)}`
}

/** What looks like a request to a server that ends the one around it elsewhere. */
const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'

const request = (random: Seeded): string => {
  const content = random.pick([
    '',
    '',
    'abc',
    hidden,
    '0\r\n\r\n',
    `0\r\n\r\n${hidden}`,
    random.octets(random.between(1, 40)).toString('latin1'),
  ])
  const chunked = random.chance(0.4)
  const length = () =>
    random.pick([
      `${content.length}`,
      `${content.length}`,
      `${content.length}`,
      `0${content.length}`,
      `${content.length + 1}`,
      `${Math.max(0, content.length - 1)}`,
      `+${content.length}`,
      `${content.length},${content.length}`,
      `0x${content.length}`,
      '18446744073709551616',
      '',
    ])
  const fields = [
    ...(random.chance(0.97) ? [`${name(random, 'Host')}: ${random.pick(['a', 'a', 'a:80', 'b'])}`] : []),
    ...(chunked ? [`${name(random, 'Transfer-Encoding')}: ${random.chance(0.85) ? 'chunked' : random.pick(coding)}`] : []),
    ...((content !== '' && !chunked) || random.chance(0.05)
      ? [`${name(random, 'Content-Length')}: ${random.chance(0.8) ? content.length : length()}`]
      : []),
    ...(random.chance(0.1)
      ? [`Connection: ${random.pick(['keep-alive', 'close', 'x', 'x, close', 'closed', 'keep-alive, x'])}`]
      : []),
    ...(random.chance(0.1)
      ? [random.pick(['X: y', 'X:', `X: ${random.octets(2).toString('latin1')}`, 'X', ': y', 'X y: z', 'X:\ty\t'])]
      : []),
  ]
  const version = random.chance(0.9)
    ? 'HTTP/1.1'
    : random.pick(['HTTP/1.0', 'HTTP/1.1 ', 'HTTP/1', 'http/1.1', 'HTTP/1.1x', 'HTTP/2.0'])
  const line = `${random.pick(['GET', 'POST', 'PUT', 'OPTIONS'])} /${random.text(3, 'abc')}${random.pick(['', '', '?x=1'])} ${version}`
  const head = [line, ...random.shuffle(fields), ''].map((text) => `${text}${end(random)}`).join('')
  return `${random.chance(0.03) ? '\r\n' : ''}${head}${chunked ? chunksOf(random, content) : content}`
}

/** One that comes again and again, so that its answer is known. */
const knownRequest = (random: Seeded): string =>
  random.pick([hidden, hidden, hidden.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'), hidden.replace('hidden', 'other')])

const octetsOf = (random: Seeded, { ofKnown }: Play): Buffer => {
  const one = () => (random.chance(ofKnown) ? knownRequest(random) : request(random))
  const whole = Buffer.from(Array.from({ length: random.between(1, 5) }, one).join(''), 'latin1')
  return random.chance(0.25) ? random.mutate(whole) : whole
}

/** Where a packet may end so that one begins where a head, or what looks like one, does. */
const borderBehind = (octets: Buffer, at: number): number => {
  const end = octets.indexOf('\r\n\r\n', at)
  const next = octets.indexOf('GET /hidden', at + 1)
  return Math.min(end === -1 ? octets.length : end + 4, next === -1 ? octets.length : next)
}

/** Sends it, in packets of any size, and reads all answers. */
const answersTo = async (port: number, random: Seeded, octets: Buffer, { ofKnown }: Play): Promise<Heard> => {
  using client = await Client.connect(port, { deadlineMs: 60_000 })
  for (let at = 0; at < octets.length; ) {
    const atBorder = ofKnown > 0 && random.chance(0.8)
    const count = atBorder ? borderBehind(octets, at) - at : random.pick([1, 2, 10, 100, 10_000])
    await client.send(octets.subarray(at, at + count))
    if (atBorder || random.chance(0.5)) await sleep(atBorder ? random.pick([1, 5]) : 0)
    at += count
  }
  client.end()
  const answers = readAnswers(await client.rest()).map(({ status, body }) => ({ status, body: body.toString() }))
  return { answers, broke: client.errorCode !== null }
}

/** How the answers differ from what has to come; null where they do not. */
const wrongIn = (octets: Buffer, { answers, broke }: Heard, { ofKnown }: Play): string | null => {
  const judgements = judge(octets)
  const last = judgements.at(-1)
  // Who sends more behind the `close` of a known request meets a reset, and may not read what came before it (RFC 9112 §9.6).
  const mayBreak = ofKnown > 0 && last?.kind === 'request' && last.closes && last.end < octets.length
  for (const [at, judgement] of judgements.entries()) {
    const answer = answers[at]
    const has = answer === undefined ? 'nothing' : `${answer.status} ${answer.body.slice(0, 200)}`
    if (judgement.kind === 'unsure') return null
    if (answer === undefined && broke && mayBreak) return null
    const unread = ofKnown > 0 && answer?.body.startsWith('PUT ') === true && answer.body.endsWith(' ')
    if (judgement.kind === 'request') {
      const same = unread ? judgement.told.startsWith(answer.body) : answer?.body === judgement.told
      if (answer?.status !== 200 || !same) return `${at}: ${has}, not 200 ${judgement.told}`
    } else if (unread) return null
    else if (answer !== undefined && answer.status < 400) return `${at}: ${has}, though it is ${judgement.kind}`
    else if (answer === undefined && judgement.kind === 'refused') return `${at}: ${has}, though it is refused`
  }
  return answers.length > judgements.length ? `${answers.length} answers to ${judgements.length} requests` : null
}

/**
 * Plays so many streams, each on a connection of its own.
 * @returns how many requests were answered, and how many of them were read
 * @throws where an answer is not what `judge` demands; the error names the seed and the octets
 */
export const playStreams = async (
  rounds: number,
  how: Play = { ofKnown: 0 },
): Promise<{ readonly answered: number; readonly read: number }> => {
  const { options } = await loadProtocol('http')
  let read = 0
  const answer = async (request: HttpRequest): Promise<Reply> => {
    read += 1
    if (how.ofKnown === 0) return echo(request)
    const { exchange } = request
    // What comes next finds an answer under way.
    if (exchange.target.includes('?')) await sleep(20)
    // What comes next is the content of a request that has its answer.
    return isUnread(exchange) ? saying(told(exchange.method, exchange.target, Buffer.alloc(0))) : echo(request)
  }
  await using site: Running = await serveSite(
    {},
    {
      create: (context) => new HttpServer({ ...context, options: options.parse({}) as never }, { allow: () => null, answer }),
    },
  )
  const random = seeded()
  const kinds = { request: 0, refused: 0, incomplete: 0, unsure: 0 }
  const play = async (seed: number): Promise<void> => {
    const own = seeded(seed)
    const octets = octetsOf(own, how)
    for (const { kind } of judge(octets)) kinds[kind] += 1
    const wrong = wrongIn(octets, await answersTo(site.port, own, octets, how), how)
    if (wrong !== null) throw new Error(`with the seed ${seed}: ${wrong}\n${JSON.stringify(octets.toString('latin1'))}`)
  }
  for (let round = 0; round < rounds; round += atOnce) {
    const seeds = Array.from({ length: Math.min(atOnce, rounds - round) }, () => random.between(0, 2 ** 31))
    await Promise.all(seeds.map(play))
  }
  // A reader that is sure of nothing would find nothing.
  expect(kinds.request, 'requests').to.be.greaterThan(rounds / 2)
  expect(kinds.refused, 'refused').to.be.greaterThan(rounds / 10)
  expect(site.journal.records.filter((record) => record.level === 'error')).to.deep.equal([])
  return { answered: site.journal.of('request.finished').filter(({ fields }) => fields['status'] === 200).length, read }
}
