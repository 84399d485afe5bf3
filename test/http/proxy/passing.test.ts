import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { Client } from '../../kit/client.ts'
import { eventually } from '../../kit/eventually.ts'
import { get, said } from '../raw.ts'
import { nodeUpstream, rawUpstream, serveProxy } from './upstream.ts'

const text = (octets: Buffer) => octets.toString('latin1')

describe('a proxy passes on', () => {
  it('method, path and query as they came, and the answer with its status, reason and fields', async () => {
    await using upstream = await rawUpstream((_head, socket) =>
      socket.write('HTTP/1.1 299 As It Is\r\nX-Own: yes\r\nServer: app\r\nContent-Length: 5\r\n\r\nhello'),
    )
    const heads: string[] = []
    await using asked = await rawUpstream((head, socket) => {
      heads.push(head)
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
    await using site = await serveProxy(upstream.url)
    const answer = await get(site.port, '/a')
    expect([answer.status, answer.reason, answer.body.toString()]).to.deep.equal([299, 'As It Is', 'hello'])
    expect(answer.fields).to.deep.include({ 'x-own': 'yes', server: 'app', via: '1.1 havre' })
    expect(answer.fields['date']).to.be.a('string')
    await using other = await serveProxy(asked.url)
    await get(other.port, '/a%20b/c;d?x=%2F&y', {}, 'PROPFIND')
    expect(heads[0]).to.match(/^PROPFIND \/a%20b\/c;d\?x=%2F&y HTTP\/1\.1\r\n/)
  })

  it('content both ways whole, of known length and in chunks, at both sides', async () => {
    await using upstream = await nodeUpstream((request, response) => {
      const hash = createHash('sha256')
      let octets = 0
      request.on('data', (part: Buffer) => {
        octets += part.length
        hash.update(part)
      })
      request.on('end', () => {
        const body = JSON.stringify({
          octets,
          hash: hash.digest('hex'),
          length: request.headers['content-length'] ?? null,
          coding: request.headers['transfer-encoding'] ?? null,
        })
        if (request.url === '/chunked') {
          response.write(body.slice(0, 5))
          setImmediate(() => response.end(body.slice(5)))
        } else response.writeHead(200, { 'Content-Length': body.length }).end(body)
      })
    })
    await using site = await serveProxy(upstream.url)
    const content = randomBytes(3_000_000)
    const hash = createHash('sha256').update(content).digest('hex')
    for (const path of ['/chunked', '/known']) {
      const known = await fetch(`http://127.0.0.1:${site.port}${path}`, { method: 'POST', body: content })
      expect(await known.json()).to.deep.equal({ octets: content.length, hash, length: '3000000', coding: null })
      const body = new Blob([content]).stream()
      const chunked = await fetch(`http://127.0.0.1:${site.port}${path}`, { method: 'POST', body, duplex: 'half' })
      expect(await chunked.json()).to.deep.equal({ octets: content.length, hash, length: null, coding: 'chunked' })
    }
  })

  it('what comes piece by piece at once, and the head before there is a piece', async () => {
    let say: (piece: string | null) => void = () => undefined
    await using upstream = await nodeUpstream((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.flushHeaders()
      say = (piece) => void (piece === null ? response.end() : response.write(piece))
    })
    await using site = await serveProxy(upstream.url)
    const answer = await fetch(`http://127.0.0.1:${site.port}/events`)
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    for (const piece of ['data: 1\n\n', 'data: 2\n\n']) {
      say(piece)
      expect((await reader?.read())?.value).to.equal(piece)
    }
    say(null)
    expect((await reader?.read())?.done).to.equal(true)
  })

  it('a large answer no faster than the client takes it', async () => {
    let written = 0
    const total = 200_000_000
    await using upstream = await nodeUpstream((_request, response) => {
      response.writeHead(200, { 'Content-Length': total })
      const part = Buffer.alloc(100_000)
      const go = () => {
        while (written < total) {
          written += part.length
          if (!response.write(part)) return void response.once('drain', go)
        }
        response.end()
      }
      go()
    })
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.line()
    client.pause()
    let before = -1
    // Nothing moves any more: all buffers on the way are full.
    for (let still = false; !still; before = written) {
      await new Promise((resolve) => setTimeout(resolve, 300))
      still = written === before
    }
    expect(written).to.be.below(60_000_000)
    client.reset()
    await eventually(() => expect(upstream.connections.every((socket) => socket.destroyed)).to.equal(true))
  })

  it('interim answers, but not to HTTP/1.0', async () => {
    await using upstream = await rawUpstream((_head, socket) =>
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    )
    await using site = await serveProxy(upstream.url)
    const newer = text(await said(site.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))
    expect(newer).to.match(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n(?:[^\r]+\r\n)*\r\nHTTP\/1\.1 200 OK\r\n/,
    )
    const older = text(await said(site.port, 'GET / HTTP/1.0\r\n\r\n'))
    expect(older).to.match(/^HTTP\/1\.1 200 OK\r\n/)
  })

  it('to HTTP/1.0 without chunks, ended by the end of the connection', async () => {
    await using upstream = await nodeUpstream((_request, response) => {
      response.write('one ')
      setTimeout(() => response.end('two'), 20)
    })
    await using site = await serveProxy(upstream.url)
    const answer = text(await said(site.port, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'))
    expect(answer).to.match(/\r\n\r\none two$/)
    expect(answer.toLowerCase()).to.contain('connection: close').and.not.contain('transfer-encoding')
  })

  it('HEAD, 204 and 304 without a body, with the fields that tell of it', async () => {
    await using upstream = await nodeUpstream((request, response) => {
      const status = Number(request.url?.slice(1))
      response.writeHead(status, status === 204 ? { ETag: '"a"' } : { ETag: '"a"', 'Content-Length': 1_234 }).end()
    })
    await using site = await serveProxy(upstream.url)
    const head = await get(site.port, '/200', {}, 'HEAD')
    expect([head.status, head.fields['content-length'], head.body.length]).to.deep.equal([200, '1234', 0])
    const empty = await get(site.port, '/204')
    expect([empty.status, empty.fields['content-length'], empty.fields['transfer-encoding']]).to.deep.equal([
      204,
      undefined,
      undefined,
    ])
    const same = await get(site.port, '/304')
    expect([same.status, same.fields['etag'], same.body.length]).to.deep.equal([304, '"a"', 0])
  })

  it('content after 100 only, which is said once the upstream server is there (RFC 9110 §10.1.1)', async () => {
    await using upstream = await nodeUpstream((request, response) => {
      request.resume().on('end', () => response.end(String(request.headers.expect)))
    })
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n')
    expect(await client.line()).to.equal('HTTP/1.1 100 Continue')
    expect(await client.line()).to.equal('')
    await client.send('hello')
    const rest = text(await client.rest())
    expect(rest).to.match(/^HTTP\/1\.1 200 OK\r\n/)
    expect(rest).to.match(/undefined$/)
    await upstream.close()
    const refused = text(
      await said(site.port, 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n'),
    )
    expect(refused).to.match(/^HTTP\/1\.1 502 Bad Gateway\r\n/)
  })

  it('requests over connections that are kept, one after the other', async () => {
    await using upstream = await nodeUpstream((_request, response) => response.end('ok'))
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    for (let at = 0; at < 20; at += 1) {
      await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      while ((await client.line()) !== '');
      expect(text(await client.octets(2))).to.equal('ok')
    }
    expect(upstream.connections.length).to.equal(1)
  })

  it('requests to the path that the URL stands for, and the addresses in answers back', async () => {
    let asked: string | undefined
    let at = ''
    await using upstream = await nodeUpstream((request, response) => {
      asked = request.url
      response.writeHead(302, { Location: `${at}/next?x` }).end()
    })
    at = upstream.url
    await using below = await serveProxy(`${upstream.url}/api/`, { path: '/app/' })
    expect((await get(below.port, '/app/x?y')).fields['location']).to.equal(`${at}/next?x`)
    expect(asked).to.equal('/api/x?y')
    await get(below.port, '/%61pp/x')
    expect(asked).to.equal('/api/x')
    at = `${upstream.url}/api`
    expect((await get(below.port, '/app/')).fields['location']).to.equal('/app/next?x')
    await using as = await serveProxy(upstream.url, { path: '/app/' })
    expect((await get(as.port, '/app/x')).fields['location']).to.equal('/api/next?x')
    expect(asked).to.equal('/app/x')
  })
})
