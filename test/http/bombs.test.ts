import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import type { Running } from '../kit/serving.ts'
import { computing, filled, pieces } from './bombs.ts'
import { ask, get, readAnswers, said } from './raw.ts'
import { serveSite } from './site.ts'

/** Every field that this server, or a part of it that a setting brings in, looks into. */
const fields = `
  Accept Accept-Encoding Accept-Language Authorization Cache-Control Connection Content-Encoding Content-Type
  Content-Range Cookie Expect Forwarded Host If-Match If-Modified-Since If-None-Match If-Range Origin If-Unmodified-Since
  Range Referer TE Trailer Transfer-Encoding Upgrade User-Agent Via X-Forwarded-For X-Request-Id
  Access-Control-Request-Method Access-Control-Request-Headers Keep-Alive Content-Length Date
`
  .trim()
  .split(/\s+/)

describe('heads that are bombs', function () {
  this.timeout(120_000)
  let site: Running
  /** What a field takes that nobody looks into. */
  let plainMs: number
  before(async () => {
    site = await serveSite({ 'www/a.txt': 'hello\n' })
    await askAll('X-Nothing')
    plainMs = await computing(() => askAll('X-Nothing'))
  })
  after(() => site.close())

  /** Asks with this field, as each of the pieces makes it. */
  const askAll = async (field: string): Promise<void> => {
    const host = field === 'Host' ? '' : 'Host: localhost\r\n'
    const asking = pieces.map(async (piece) => {
      const raw = `GET /a.txt HTTP/1.1\r\n${host}${field}: ${filled(piece)}!\r\nConnection: close\r\n\r\n`
      const statuses = readAnswers(await said(site.port, raw)).map(({ status }) => status)
      expect(statuses, `${field}: ${piece}…!`).to.have.length(1)
      expect(statuses[0], `${field}: ${piece}…!`).to.be.oneOf([200, 206, 304, 400, 401, 412, 416, 417, 501])
    })
    await Promise.all(asking)
  }

  for (const field of fields) {
    it(`of ${field}: however long and odd, it is answered or refused, and quickly`, async () => {
      // A reader that goes back and forth over 31,000 characters takes seconds over a single one of these.
      expect(await computing(() => askAll(field))).to.be.lessThan(500 + 4 * plainMs)
      expect(site.journal.of('request.failed')).to.deep.equal([])
    })
  }

  it('of a target: however odd, it is answered or refused, and quickly', async () => {
    const ends = [
      ['/', ''],
      ['/?', ''],
      ['/~', ''],
      ['/~alice/', '!'],
      ['http://', '/'],
      ['http://localhost/', '?'],
      ['/a.txt/', ''],
    ] as const
    for (const piece of pieces.filter((each) => !/[\s\xe4"]/.test(each))) {
      const asking = ends.map(async ([before, after]) => {
        const [answer] = await ask(site.port, `GET ${before}${filled(piece, 7_900)}${after} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
        expect(answer?.status, `${before}${piece}…${after}`).to.be.oneOf([200, 301, 308, 400, 404, 421])
      })
      await Promise.all(asking)
    }
    expect(site.journal.of('request.failed')).to.deep.equal([])
  })

  it('of thousands of small fields are refused with 431, and so are two hundred and one', async () => {
    for (const many of [201, 1_999, 2_000, 2_001, 6_000]) {
      const [answer] = readAnswers(await said(site.port, `GET /a.txt HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(many)}\r\n`))
      expect(answer?.status, String(many)).to.equal(431)
    }
    const [answer] = readAnswers(await said(site.port, `GET /a.txt HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(199)}\r\n`))
    expect(answer?.status).to.equal(200)
  })

  it('that never end are refused at the limit, whatever is long in them', async () => {
    const begins = {
      'GET /a.txt HTTP/1.1\r\nHost: localhost\r\nX-A: ': 'x',
      'GET /a.txt HTTP/1.1\r\nHost: localhost\r\nX': 'x',
      'GET /a.txt HTTP/1.1\r\nHost: localhost\r\n': 'a: b\r\n',
      'GET /': 'x',
      'GET /a.txt HTTP/1.1\r\nHost: localhost\r\nCookie: ': 'a=b; ',
    }
    for (const [begin, piece] of Object.entries(begins)) {
      using client = await Client.connect(site.port)
      await client.send(begin)
      // Ten times the limit, in packets: the server stops to listen long before.
      for (let sent = 0; sent < 320 * 1024 && !client.ended; sent += 4_000) await client.send(filled(piece, 4_000))
      const [answer] = readAnswers(await client.rest())
      expect(answer?.status, begin).to.be.oneOf([414, 431])
      expect(answer?.fields['connection']).to.equal('close')
    }
  })

  it('hold for each connection no more than a head may have', async () => {
    const many = 200
    const before = process.memoryUsage().rss
    const clients = await Promise.all(Array.from({ length: many }, () => Client.connect(site.port)))
    for (const client of clients) await client.send(`GET /a.txt HTTP/1.1\r\nHost: localhost\r\nX-A: ${filled('x', 30_000)}`)
    expect((await get(site.port, '/a.txt')).status).to.equal(200)
    // Client and server are this one process: 30 KB said and 30 KB heard for each, and what both are made of.
    expect(process.memoryUsage().rss - before).to.be.lessThan(many * 400_000)
    for (const client of clients) client[Symbol.dispose]()
  })

  it('of chunks: extensions and trailers are bounded, and size lines too', async () => {
    const head = 'POST /a.txt HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'
    const floods = {
      extensions: ['', '1;', filled('a=b;', 4_000)],
      'many extensions': ['', '', `1;${'a=b;'.repeat(100)}\r\nx\r\n`],
      'size digits': ['', '', '0'.repeat(4_000)],
      trailers: ['0\r\n', 'X-A: ', filled('x', 4_000)],
      'many trailers': ['0\r\n', '', 'a: b\r\n'.repeat(500)],
    } as const
    for (const [name, [first, second, piece]] of Object.entries(floods)) {
      using client = await Client.connect(site.port)
      await client.send(`${head}${first}${second}`)
      for (let sent = 0; sent < 2 ** 20 && !client.ended; sent += piece.length) await client.send(piece)
      // Answered, and the connection ended, whatever more would come.
      expect(
        readAnswers(await client.rest()).map(({ status }) => status),
        name,
      ).to.deep.equal([405])
    }
    expect((await get(site.port, '/a.txt')).status).to.equal(200)
  })
})
