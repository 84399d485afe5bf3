import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import type { Running } from '../kit/serving.ts'
import { computing, filled, pieces } from './bombs.ts'
import { nodeUpstream, rawUpstream, type Upstream, upstreamOf } from './proxy/upstream.ts'
import { get, readAnswers, said } from './raw.ts'
import { serveSite } from './site.ts'

/** What is asked, with the fields that the part of the server behind it looks into. */
const targets: Readonly<Record<string, { readonly start: string; readonly fields: readonly string[] }>> = {
  'a proxied route': {
    start: 'GET /app/a.txt',
    fields: [
      ...[
        'Connection',
        'Cookie',
        'Expect',
        'Forwarded',
        'Host',
        'Keep-Alive',
        'Max-Forwards',
        'Origin',
        'Proxy-Connection',
        'Range',
      ],
      ...[
        'TE',
        'Trailer',
        'Transfer-Encoding',
        'Upgrade',
        'Via',
        'X-Forwarded-For',
        'X-Forwarded-Host',
        'X-Forwarded-Proto',
        'X_Forwarded_For',
      ],
      ...['X-Request-Id', 'X-Real-IP', 'Authorization', 'HTTP2-Settings', 'Sec-WebSocket-Key', 'Accept'],
    ],
  },
  'OPTIONS of a proxied route': { start: 'OPTIONS /app/a.txt', fields: ['Max-Forwards', 'Access-Control-Request-Headers', 'Via'] },
  'a question before a request of another origin': {
    start: 'OPTIONS /cors/a.txt',
    fields: ['Origin', 'Access-Control-Request-Method', 'Access-Control-Request-Headers'],
  },
  'a file for other origins, with rules': {
    start: 'GET /cors/a.txt',
    fields: ['Origin', 'Accept', 'Accept-Encoding', 'If-None-Match', 'Range'],
  },
  'a protected path': { start: 'GET /auth/a.txt', fields: ['Authorization', 'Origin', 'Accept'] },
  'a redirection': { start: 'GET /old/a', fields: ['Accept', 'Host', 'X-Forwarded-Proto', 'Forwarded'] },
}

/** Where `Origin` or the like stands beside the field, so that it is looked into. */
const beside = (field: string): string =>
  ['Origin: https://a.test', 'Access-Control-Request-Method: PUT']
    .filter((line) => !line.startsWith(`${field}:`))
    .map((line) => `${line}\r\n`)
    .join('')

const status = [200, 204, 206, 301, 302, 304, 307, 308, 400, 401, 404, 412, 413, 416, 417, 421, 431, 501, 502]

describe('heads that are bombs, at routes', function () {
  this.timeout(120_000)
  let upstream: Upstream
  let site: Running
  /** What a field takes that nobody looks into, of each target. */
  const plainMs = new Map<string, number>()
  before(async () => {
    upstream = await upstreamOf(createServer({ maxHeaderSize: 200_000 }, (_request, response) => void response.end('ok')))
    const options = {
      trust: ['127.0.0.1'],
      routes: [
        { path: '/app/', proxy: upstream.url },
        { path: '/cors/', cors: { origins: ['https://a.test', 'https://b.test'], headers: ['X-Own'], credentials: true } },
        { path: '/auth/', auth: 'any' },
        { path: '/old/', redirect: '/new/', status: 301 },
      ],
      rules: [{ path: '/cors/', files: '*.txt', cache: 'no-store', headers: { 'X-Own': 'a' } }],
    }
    site = await serveSite({ 'www/cors/a.txt': 'a', 'www/auth/a.txt': 'a' }, { options, limits: { connectionsPerAddress: 1_000 } })
    for (const [name, { start }] of Object.entries(targets)) {
      await askAll(start, 'X-Nothing')
      plainMs.set(name, await computing(() => askAll(start, 'X-Nothing')))
    }
  })
  after(async () => {
    await site?.close()
    await upstream?.close()
  })

  const askAll = async (start: string, field: string): Promise<void> => {
    const host = field === 'Host' ? '' : 'Host: localhost\r\n'
    const asking = pieces.map(async (piece) => {
      const raw = `${start} HTTP/1.1\r\n${host}${beside(field)}${field}: ${filled(piece, 30_000)}!\r\nConnection: close\r\n\r\n`
      const answers = readAnswers(await said(site.port, raw))
      expect(answers, `${field}: ${piece}…!`).to.have.length(1)
      expect(answers[0]?.status, `${field}: ${piece}…!`).to.be.oneOf(status)
    })
    await Promise.all(asking)
  }

  for (const [name, { start, fields }] of Object.entries(targets)) {
    it(`at ${name}: however long and odd, they are answered or refused, and quickly`, async () => {
      for (const field of fields) {
        // A reader that goes back and forth over 30,000 characters takes seconds over a single one of these.
        const ms = await computing(() => askAll(start, field))
        expect(ms, field).to.be.lessThan(500 + 4 * (plainMs.get(name) ?? 0))
      }
      expect(site.journal.of('request.failed')).to.deep.equal([])
    })
  }

  it('of paths in every spelling: the route is found, or nothing, and quickly', async () => {
    const odd = pieces.filter((each) => !/[\s\xe4"]/.test(each))
    const ask = async () => {
      for (const path of ['/app/', '/auth/', '/%61pp/', '/app/%2e%2e/', '/cors/x;', '/old/']) {
        const asking = odd.map(async (piece) => {
          const [answer] = readAnswers(
            await said(site.port, `GET ${path}${filled(piece, 7_800)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
          )
          expect(answer?.status, `${path}${piece}…`).to.be.oneOf(status)
        })
        await Promise.all(asking)
      }
    }
    // Six times as many as of one field, each a fourth as long.
    expect(await computing(ask)).to.be.lessThan(1_000 + 12 * (plainMs.get('a proxied route') ?? 0))
    expect(site.journal.of('request.failed')).to.deep.equal([])
  })
})

describe('answers of upstream servers that are bombs', function () {
  this.timeout(120_000)
  const fields = ['Connection', 'Content-Encoding', 'Content-Type', 'Date', 'ETag', 'Keep-Alive', 'Link', 'Location', 'Set-Cookie']
  const others = ['TE', 'Trailer', 'Upgrade', 'Vary', 'Via', 'X-Nothing', 'X-Request-Id', 'Access-Control-Allow-Origin']

  it('in one field: however long and odd, they are passed on or 502, and quickly', async () => {
    let field = 'X-Nothing'
    let content = ''
    await using upstream = await rawUpstream((head, socket) => {
      const piece = pieces[Number(/^GET \/(\d+)/.exec(head)?.[1] ?? 0)] ?? ''
      content = `${field}: ${filled(piece, 30_000)}!`
      socket.end(`HTTP/1.1 200 OK\r\n${content}\r\nContent-Length: 2\r\n\r\nok`, 'latin1')
    })
    const options = { routes: [{ path: '/', proxy: upstream.url, cors: { origins: 'any' } }] }
    await using site = await serveSite({}, { options })
    const askAll = async () => {
      for (const at of pieces.keys()) {
        const request = `GET /${at} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.test\r\nConnection: close\r\n\r\n`
        const [line] = (await said(site.port, request)).toString('latin1').split('\r\n')
        expect(line, content.slice(0, 60)).to.be.oneOf(['HTTP/1.1 200 OK', 'HTTP/1.1 502 Bad Gateway'])
      }
    }
    await askAll()
    const plainMs = await computing(askAll)
    for (field of [...fields, ...others]) expect(await computing(askAll), field).to.be.lessThan(500 + 4 * plainMs)
    expect(site.journal.of('request.failed')).to.deep.equal([])
  })

  it('in many fields, or a field without end, are 502', async () => {
    for (const line of ['a: b\r\n'.repeat(60_000), `A: ${'x'.repeat(200_000)}\r\n`, `${'x'.repeat(200_000)}: a\r\n`]) {
      await using upstream = await rawUpstream((_head, socket) =>
        socket.end(`HTTP/1.1 200 OK\r\n${line}Content-Length: 2\r\n\r\nok`),
      )
      await using site = await serveSite({}, { options: { routes: [{ path: '/', proxy: upstream.url }] } })
      expect((await get(site.port, '/')).status).to.equal(502)
    }
  })

  it('that are small only as they are packed stay packed, both ways', async () => {
    const packed = gzipSync(Buffer.alloc(100_000_000))
    let received = 0
    await using upstream = await nodeUpstream((request, response) => {
      request.on('data', (octets: Buffer) => {
        received += octets.length
      })
      request.on('end', () => response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': packed.length }).end(packed))
    })
    await using site = await serveSite({}, { options: { routes: [{ path: '/', proxy: upstream.url }] } })
    const headers = `Host: localhost\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\nConnection: close\r\n`
    const all = await said(site.port, Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\n${headers}\r\n`), packed]))
    const [answer] = readAnswers(all, ['POST'])
    expect([answer?.status, answer?.fields['content-encoding'], answer?.body.equals(packed)]).to.deep.equal([200, 'gzip', true])
    expect(received).to.equal(packed.length)
  })
})
