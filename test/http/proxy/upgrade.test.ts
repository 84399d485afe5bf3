import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { type CloseEvent, type MessageEvent, WebSocket } from 'undici'
import { Client } from '../../kit/client.ts'
import { eventually } from '../../kit/eventually.ts'
import { readAnswers, said } from '../raw.ts'
import { nodeUpstream, rawUpstream, serveProxy } from './upstream.ts'

const request = (more = '') =>
  `GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n${more}\r\n`

const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'

/** Accepts WebSockets and gives back each short message; `bye` closes. */
const echo = (head: string, socket: Socket): void => {
  const key = /^sec-websocket-key: (.*)$/im.exec(head)?.[1]?.trim() ?? ''
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  socket.removeAllListeners('data')
  socket.write(`${switched}Sec-WebSocket-Accept: ${accept}\r\n\r\n`)
  let waiting = Buffer.alloc(0)
  socket.on('data', (octets: Buffer) => {
    waiting = Buffer.concat([waiting, octets])
    while (waiting.length >= 6 && waiting.length >= 6 + ((waiting[1] ?? 0) & 127)) {
      const length = (waiting[1] ?? 0) & 127
      const said = Buffer.from(waiting.subarray(6, 6 + length).map((octet, at) => octet ^ (waiting[2 + (at % 4)] ?? 0)))
      const opcode = (waiting[0] ?? 0) & 15
      waiting = waiting.subarray(6 + length)
      if (opcode === 8) return void socket.end(Buffer.concat([Buffer.from([0x88, said.length]), said]))
      socket.write(Buffer.concat([Buffer.from([0x80 | opcode, said.length]), said]))
    }
  })
}

describe('other protocols by way of a proxy', () => {
  it('a WebSocket goes both ways, and ends as it should', async () => {
    await using upstream = await rawUpstream(echo)
    await using site = await serveProxy(upstream.url)
    const socket = new WebSocket(`ws://127.0.0.1:${site.port}/ws`)
    const heard: unknown[] = []
    const closed = Promise.withResolvers<CloseEvent>()
    socket.addEventListener('open', () => socket.send('hello'))
    socket.addEventListener('message', ({ data }: MessageEvent) => {
      heard.push(data)
      if (heard.length < 3) socket.send(`again ${heard.length}`)
      else socket.close(1000)
    })
    socket.addEventListener('close', (event) => closed.resolve(event))
    expect((await closed.promise).code).to.equal(1000)
    expect(heard).to.deep.equal(['hello', 'again 1', 'again 2'])
    await eventually(() => expect(site.open).to.equal(0))
    expect(site.journal.of('request.finished').map(({ fields }) => [fields['status'], fields['complete']])).to.deep.equal([
      [101, undefined],
    ])
  })

  it('what came in one packet with the request, or with the answer, is not lost', async () => {
    await using upstream = await rawUpstream((_head, socket) => {
      socket.removeAllListeners('data')
      socket.on('data', (octets: Buffer) => socket.end(`<${octets.toString()}>`))
      socket.write(`${switched}\r\nfirst`)
    })
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    await client.send(`${request()}early`)
    const all = (await client.rest()).toString()
    expect(all).to.match(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*\r\n\r\nfirst<early>$/)
    expect(all).to.match(/\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/)
  })

  it('pipelined behind another request, they wait for its answer', async () => {
    await using upstream = await rawUpstream((head, socket) => {
      if (head.includes('/first')) setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none'), 50)
      else socket.end(`${switched}\r\ntwo`)
    })
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    await client.send(`GET /first HTTP/1.1\r\nHost: a\r\n\r\n${request()}`)
    expect((await client.rest()).toString()).to.match(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\noneHTTP\/1\.1 101 [\s\S]*\r\n\r\ntwo$/)
  })

  it('that the upstream server does not follow have its answer, and the connection goes on', async () => {
    await using upstream = await nodeUpstream((_request, response) => response.writeHead(426, { 'Content-Length': 4 }).end('none'))
    await using site = await serveProxy(upstream.url)
    const answers = readAnswers(await said(site.port, request() + request()))
    expect(answers.map(({ status, body }) => [status, body.toString()])).to.deep.equal([
      [426, 'none'],
      [426, 'none'],
    ])
  })

  it('never are another HTTP, which would come past all that is asked of requests here', async () => {
    const heads: string[] = []
    await using upstream = await rawUpstream((head, socket) => {
      heads.push(head)
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
    await using site = await serveProxy(upstream.url)
    for (const protocol of ['h2c', 'H2C, HTTP/2.0', 'TLS/1.2']) {
      const fields = 'Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'
      const answer = (await said(site.port, `GET / HTTP/1.1\r\nHost: a\r\n${fields}Upgrade: ${protocol}\r\n\r\n`)).toString()
      expect(answer).to.match(/^HTTP\/1\.1 200 /)
    }
    expect(heads.length).to.equal(3)
    expect(heads.join('').toLowerCase()).not.to.contain('upgrade').and.not.contain('http2-settings')
  })

  it('that are others than those asked for are 502', async () => {
    await using upstream = await rawUpstream((_head, socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'),
    )
    await using site = await serveProxy(upstream.url)
    expect((await said(site.port, request())).toString()).to.match(/^HTTP\/1\.1 502 /)
  })

  it('end when both sides are silent for too long, and when the service stops', async () => {
    await using upstream = await rawUpstream(echo)
    await using silent = await serveProxy(upstream.url, { timeouts: { idleMs: 200 } })
    using client = await Client.connect(silent.port)
    await client.send(request())
    await client.rest()
    const site = await serveProxy(upstream.url)
    using other = await Client.connect(site.port)
    await other.send(request())
    expect(await other.line()).to.match(/^HTTP\/1\.1 101 /)
    await site.close()
    await other.rest()
  })

  it('whose client breaks off before they begin end at the upstream server, and nothing waits for them', async () => {
    await using upstream = await rawUpstream(() => undefined)
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    await client.send(request())
    await eventually(() => expect(upstream.connections.length).to.equal(1))
    client.reset()
    await eventually(() => expect(upstream.connections[0]?.destroyed).to.equal(true))
    await eventually(() => expect(site.open).to.equal(0))
  })

  it('whose client breaks off end at the upstream server', async () => {
    await using upstream = await rawUpstream(echo)
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    await client.send(request())
    await client.line()
    client.reset()
    await eventually(() => expect(upstream.connections[0]?.destroyed).to.equal(true))
    await eventually(() => expect(site.open).to.equal(0))
  })
})
