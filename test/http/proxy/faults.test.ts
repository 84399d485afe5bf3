import type { Socket } from 'node:net'
import { expect } from 'chai'
import { Client } from '../../kit/client.ts'
import { eventually } from '../../kit/eventually.ts'
import { get, said } from '../raw.ts'
import { deadUrl, nodeUpstream, rawUpstream, serveProxy } from './upstream.ts'

const text = (octets: Buffer) => octets.toString('latin1')
const post = (content: string, more = '') =>
  `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${content.length}\r\n${more}\r\n${content}`

/** What no answer may be. */
const badAnswers: Readonly<Record<string, string>> = {
  'no HTTP at all': 'SSH-2.0-OpenSSH\r\n\r\n',
  'a length beside a transfer coding': 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two lengths that differ': 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
  'a length that is none': 'HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc',
  'a transfer coding that nobody knows': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'a folded field': 'HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n',
  'a blank before the colon': 'HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 0\r\n\r\n',
  'a bare CR in a field': 'HTTP/1.1 200 OK\r\nX-A: b\rSet-Cookie: c\r\nContent-Length: 0\r\n\r\n',
  'a NUL in a field': 'HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n',
  'a status of three other digits': 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n',
  'a switch that nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
  'a head without an end': `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(200_000)}\r\n\r\n`,
}

describe('a proxy tells failures apart:', () => {
  it('502 where nobody listens', async () => {
    await using site = await serveProxy(deadUrl)
    const answer = await get(site.port, '/', { Accept: 'application/json' })
    expect([answer.status, answer.reason]).to.deep.equal([502, 'Bad Gateway'])
    const [record] = site.journal.of('upstream.failed')
    expect(record?.fields).to.include({ code: 'unreachable', method: 'GET', path: '/' })
  })

  it('502 where the connection is closed before there is an answer, or in its head', async () => {
    for (const words of ['', 'HTTP/1.1 200 OK\r\nContent-Le']) {
      await using upstream = await rawUpstream((_head, socket) => socket.end(words))
      await using site = await serveProxy(upstream.url)
      expect(text(await said(site.port, post('hello')))).to.match(/^HTTP\/1\.1 502 /)
    }
  })

  it('504 where there is no answer in time', async () => {
    await using upstream = await rawUpstream(() => undefined)
    await using site = await serveProxy(upstream.url, { timeouts: { responseMs: 300 } })
    expect((await get(site.port, '/')).status).to.equal(504)
    expect(site.journal.of('upstream.failed').map(({ fields }) => fields['code'])).to.deep.equal(['timeout'])
  })

  it('503 with Retry-After where the checks say that no upstream server is well', async () => {
    let well = false
    await using upstream = await nodeUpstream((_request, response) => response.writeHead(well ? 200 : 500).end('ok'))
    await using site = await serveProxy(upstream.url, { health: { path: '/health', everyMs: 50 } })
    await eventually(() => expect(site.journal.of('upstream.changed').length).to.equal(1))
    const answer = await get(site.port, '/')
    expect([answer.status, answer.fields['retry-after']]).to.deep.equal([503, '5'])
    well = true
    await eventually(async () => expect((await get(site.port, '/')).status).to.equal(200))
    expect(site.journal.of('upstream.changed').map(({ fields }) => fields['well'])).to.deep.equal([false, true])
  })

  for (const [what, answer] of Object.entries(badAnswers)) {
    it(`502 to ${what}, and nothing of it reaches the client`, async () => {
      await using upstream = await rawUpstream((_head, socket) => socket.write(answer))
      await using site = await serveProxy(upstream.url, { timeouts: { responseMs: 5_000 } })
      const told = text(await said(site.port, post('hello')))
      expect(told).to.match(/^HTTP\/1\.1 502 Bad Gateway\r\n/)
      expect(told).not.to.contain('X-A').and.not.contain('Set-Cookie')
      expect(told.match(/HTTP\/1\.1 /g)?.length).to.equal(1)
    })
  }

  it('an answer that ends too early is cut off, never made whole', async () => {
    for (const answer of ['Content-Length: 100\r\n\r\nabc', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n']) {
      let socket: Socket | null = null
      await using upstream = await rawUpstream((_head, each) => {
        socket = each
        each.write(`HTTP/1.1 200 OK\r\n${answer}`)
      })
      await using site = await serveProxy(upstream.url)
      using client = await Client.connect(site.port)
      await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(await client.line()).to.equal('HTTP/1.1 200 OK')
      await eventually(() => expect(socket).not.to.equal(null))
      ;(socket as Socket | null)?.end()
      const rest = await client.rest().then(text, () => '')
      expect(rest).not.to.match(/\r\n0\r\n\r\n$/)
      await eventually(() => expect(site.journal.of('request.finished').at(-1)?.fields).to.include({ complete: false }))
    }
  })

  it('an answer that stalls in the middle is cut off', async () => {
    await using upstream = await rawUpstream((_head, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'))
    await using site = await serveProxy(upstream.url, { timeouts: { idleMs: 1_000 } })
    using client = await Client.connect(site.port)
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.rest().catch(() => null)
    await eventually(() => expect(site.journal.of('request.cut').length).to.equal(1))
  })

  it('octets behind an answer are never taken for the next one', async () => {
    await using upstream = await rawUpstream((_head, socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
    )
    await using site = await serveProxy(upstream.url)
    for (let at = 0; at < 5; at += 1) {
      const answer = await get(site.port, `/${at}`)
      expect([answer.status, answer.body.toString()]).to.deep.equal([200, 'ok'])
    }
  })

  it('413 to content that is too large, told or found out', async () => {
    let whole = 0
    await using upstream = await nodeUpstream((request, response) => {
      request.resume().on('end', () => {
        whole += 1
        response.end('ok')
      })
    })
    await using site = await serveProxy(upstream.url, { maxContentOctets: 10 })
    expect(text(await said(site.port, post('12345678901')))).to.match(/^HTTP\/1\.1 413 /)
    const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(text(await said(site.port, `${chunked}6\r\n123456\r\n6\r\n123456\r\n0\r\n\r\n`))).to.match(/^HTTP\/1\.1 413 /)
    expect(whole).to.equal(0)
    expect(text(await said(site.port, post('1234567890')))).to.match(/^HTTP\/1\.1 200 /)
  })

  it('a request whose client breaks off in its content ends at the upstream server too', async () => {
    const ends: string[] = []
    await using upstream = await nodeUpstream((request) => {
      request.resume()
      request.on('close', () => ends.push(request.complete ? 'whole' : 'broken'))
    })
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello')
    await eventually(() => expect(upstream.connections.length).to.equal(1))
    client.reset()
    await eventually(() => expect(ends).to.deep.equal(['broken']))
  })

  it('an answer that comes before the content is all there is passed on, and the connection ends with it', async () => {
    await using upstream = await rawUpstream((_head, socket) =>
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno'),
    )
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello')
    const answer = text(await client.rest())
    expect(answer).to.match(/^HTTP\/1\.1 403 Forbidden\r\n/)
    expect(answer).to.match(/Connection: close\r\n/)
    expect(answer).to.match(/\r\n\r\nno$/)
  })
})
