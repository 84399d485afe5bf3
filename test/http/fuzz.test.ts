import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { commands } from '../../servers/http/commands.ts'
import { Client } from '../kit/client.ts'
import { fuzzRounds, type Seeded, seeded } from '../kit/seeded.ts'
import type { Running } from '../kit/serving.ts'
import { get, readAnswers } from './raw.ts'
import { serveSite } from './site.ts'

const atOnce = 8

/** Statuses that a stranger may get; 500 is none of them. */
const expected = [200, 204, 206, 301, 304, 400, 403, 404, 405, 408, 412, 413, 414, 416, 417, 431, 501, 505]

const target = (random: Seeded): string =>
  random.pick([
    () =>
      random.pick(['/', '/a.txt', '/folder', '/folder/', '/folder/b.txt', '/large', '/out', '/~alice/', '/~alice', '*', '/.git']),
    () => `/${random.text(random.between(0, 20), 'abc/.%2eEfF~\\?#:@&="<>')}`,
    () => `http://${random.text(random.between(0, 8), 'ab.:@[]1')}/a.txt`,
    () => `/${'../'.repeat(random.between(1, 5))}a.txt`,
    () => `/folder/?sort=${random.pick(['name', 'size', 'x', '%'])}&order=${random.pick(['asc', 'desc', ''])}`,
    () => `/${'a'.repeat(random.pick([250, 260, 8_000, 40_000]))}`,
    () => random.octets(random.between(1, 10)).toString('latin1'),
  ])()

const dates = ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994', 'Sat, 21 Nov 2026 10:00:00 GMT', 'never']

const field = (random: Seeded): string =>
  random.pick([
    () => `Range: bytes=${random.text(random.between(0, 9), '0123456789-,')}`,
    () => `If-Range: ${random.pick(['"x"', ...dates])}`,
    () => `${random.pick(['If-Match', 'If-None-Match'])}: ${random.pick(['*', '"x"', 'W/"x"', '"a", "b"', '"', ','])}`,
    () => `${random.pick(['If-Modified-Since', 'If-Unmodified-Since'])}: ${random.pick(dates)}`,
    () => `Accept: ${random.pick(['text/html', '*/*', 'application/json;q=0.5, text/html;q=x', ',;=', 'text/*;q=0'])}`,
    () => `Content-Length: ${random.pick(['0', '3', '70000', '-1', '3, 3', '99999999999999999999', ''])}`,
    () => `Transfer-Encoding: ${random.pick(['chunked', 'gzip, chunked', 'identity', 'chunked, chunked', 'x'])}`,
    () => `Connection: ${random.pick(['close', 'keep-alive', 'Upgrade', 'x, close'])}`,
    () => `Expect: ${random.pick(['100-continue', 'x'])}`,
    () => `Upgrade: ${random.pick(['h2c', 'websocket'])}`,
    () => `Host: ${random.pick(['b', '', 'a b', '[::1]:80'])}`,
    () => `User-Agent: ${random.text(random.between(0, 20), 'a"\\\x1b\x9b\xff \t')}`,
    () => `Authorization: Basic c2VjcmV0OnNlY3JldA==`,
    () => `X${random.text(3)}: ${'x'.repeat(random.pick([1, 100, 40_000]))}`,
    () => random.octets(random.between(0, 12)).toString('latin1'),
  ])()

const content = (random: Seeded): string =>
  random.pick([
    '',
    '',
    '',
    'abc',
    '3\r\nabc\r\n0\r\n\r\n',
    '3;x\r\nabc\r\n0\r\nT: y\r\n\r\n',
    'ffffffff\r\n',
    'x'.repeat(70_000),
    '0\r\n\r\n',
  ])

const request = (random: Seeded, methods: readonly string[]): string => {
  const end = random.chance(0.95) ? '\r\n' : random.pick(['\n', '\r', '\r\r\n', ''])
  const version = random.chance(0.85) ? 'HTTP/1.1' : random.pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.10', ''])
  const fields = Array.from({ length: random.pick([0, 0, 1, 2, 3, 8]) }, () => `${field(random)}${end}`)
  const host = random.chance(0.9) ? `Host: a${end}` : ''
  return `${random.pick(methods)} ${target(random)} ${version}${end}${host}${fields.join('')}${end}${content(random)}`
}

/** What one client says, in packets. */
const session = (random: Seeded): { packets: Buffer[]; heads: boolean } => {
  const heads = random.chance(0.2)
  const methods = [...commands.map((row) => row.name), 'GET', 'GET', 'GET', 'GET', 'GET', 'OPTIONS', 'PURGE', 'get', 'X'].filter(
    (name) => name !== 'HEAD' || heads,
  )
  const text = Array.from({ length: random.between(1, 6) }, () => request(random, methods)).join('')
  const whole = Buffer.from(text, 'latin1')
  const octets = random.chance(0.5) ? random.mutate(whole) : whole
  const cuts = Array.from({ length: random.between(0, 5) }, () => random.between(0, octets.length)).sort((a, b) => a - b)
  const packets = [0, ...cuts].map((from, at) => octets.subarray(from, cuts[at] ?? octets.length))
  return { packets, heads: octets.includes('HEAD') }
}

const converse = async (port: number, random: Seeded): Promise<void> => {
  const { packets, heads } = session(random)
  using client = await Client.connect(port)
  for (const packet of packets) {
    await client.send(packet)
    if (random.chance(0.3)) await sleep(0)
  }
  if (random.chance(0.1)) return client.reset()
  if (random.chance(0.1)) return
  client.end()
  const said = await client.rest()
  // Where HEAD is among the methods, lengths and bodies part ways.
  if (heads) expect(said.toString('latin1')).to.match(/^(?:HTTP\/1\.1 \d{3} [^\r\n]+\r\n[\s\S]*)?$/)
  else for (const { status } of readAnswers(said)) expect(expected).to.include(status)
}

const openBelow = (folder: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
      throw error
    }
  }).length

const combined = /^\S+ - - \[[^\]]+\] "(?:[^"\\]|\\.)*" \d{3} \d+ "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"$/
const rounds = fuzzRounds(400, 300)

describe('anything at all', () => {
  let site: Running
  before(async () => {
    site = await serveSite({
      secret: 'secret',
      'www/a.txt': 'hello\n',
      'www/folder/b.txt': 'b',
      'www/large': Buffer.alloc(300_000),
      'www/out': { link: '../secret' },
      'www/.git/config': 'secret',
      'files/alice/public_html/index.html': 'alice',
    })
  })
  after(() => site.close())

  it(`is answered or closed cleanly, ${rounds} times`, async function () {
    this.timeout(10_000 + rounds * 100)
    const random = seeded()
    for (let round = 0; round < rounds; round += atOnce) {
      const seeds = Array.from({ length: Math.min(atOnce, rounds - round) }, () => random.between(0, 2 ** 31))
      await Promise.all(
        seeds.map((seed) =>
          converse(site.port, seeded(seed)).catch((error: unknown) => {
            throw new Error(`with the seed ${seed}`, { cause: error })
          }),
        ),
      )
    }
    while (site.open > 0) await sleep(10)
    expect(openBelow(site.settings.data)).to.equal(0)
    expect(site.journal.records.filter((record) => record.level === 'error')).to.deep.equal([])
    for (const line of site.journal.written.access) expect(line).to.match(combined)
    expect(site.journal.text()).not.to.contain('c2VjcmV0OnNlY3JldA')
    expect((await get(site.port, '/a.txt')).body.toString()).to.equal('hello\n')
  })
})
