import type { Socket } from 'node:net'
import { expect } from 'chai'
import { Client } from '../../kit/client.ts'
import { said } from '../raw.ts'
import { rawUpstream, serveProxy } from './upstream.ts'

const goOn = 'HTTP/1.1 100 Continue\r\n\r\n'
const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'
const ok = (content: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n${content}`

/** Octet by octet, each in a packet of its own. */
const trickle = async (socket: Socket, text: string): Promise<void> => {
  socket.setNoDelay(true)
  for (const octet of text) {
    socket.write(octet)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The statuses of all that was answered, and the last content. */
const told = (octets: Buffer): { statuses: string[]; content: string } => {
  const text = octets.toString('latin1')
  return {
    statuses: [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status = '']) => status),
    content: text.split('\r\n\r\n').at(-1) ?? '',
  }
}

describe('interim answers that nobody asked an upstream server for (RFC 9110 §15.2)', () => {
  it('are passed on, 100 among them, in whatever packets they come', async () => {
    for (const interim of [goOn, goOn + goOn, hints + goOn, goOn + hints + goOn, 'HTTP/1.1 100\r\nX-A: b\r\n\r\n'])
      for (const say of [trickle, (socket: Socket, text: string) => socket.write(text)]) {
        await using upstream = await rawUpstream((_head, socket) => void say(socket, interim + ok('ok')))
        await using site = await serveProxy(upstream.url)
        const expected = [...interim.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
        const { statuses, content } = told(await said(site.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))
        expect([statuses, content], JSON.stringify(interim)).to.deep.equal([[...expected, '200'], 'ok'])
        const old = (await said(site.port, 'GET / HTTP/1.0\r\n\r\n')).toString()
        expect(old).to.match(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/)
        expect(upstream.connections.length).to.equal(1)
      }
  })

  it('are taken for nothing else: neither the content of an answer, nor what another protocol says, begins with one', async () => {
    await using upstream = await rawUpstream((head, socket) => {
      if (head.includes('/other'))
        return void socket.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n${goOn}`)
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${goOn.length * 2}\r\n\r\n`)
      setTimeout(() => socket.write(goOn), 20)
      setTimeout(() => socket.write(goOn), 40)
    })
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    for (let times = 0; times < 2; times += 1) {
      await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(await client.line()).to.equal('HTTP/1.1 200 OK')
      while ((await client.line()) !== '');
      expect((await client.octets(goOn.length * 2)).toString()).to.equal(goOn + goOn)
    }
    await client.send('GET /other HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    expect((await client.rest()).toString()).to.match(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nHTTP\/1\.1 100 Continue\r\n\r\n$/)
  })

  it('come once, where the client waits for one and the upstream server says one too', async () => {
    await using upstream = await rawUpstream((head, socket) => {
      if (head.startsWith('POST')) socket.write(goOn)
      setTimeout(() => socket.write(ok('ok')), 50)
    })
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n')
    expect(await client.line()).to.equal('HTTP/1.1 100 Continue')
    await client.send('hello')
    const { statuses } = told(await client.rest())
    expect(statuses.at(-1)).to.equal('200')
  })

  it('that never come to their end, or are all that comes, are 502 and 504', async () => {
    await using broken = await rawUpstream((_head, socket) => socket.end('HTTP/1.1 100 Contin'))
    await using first = await serveProxy(broken.url)
    const request = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
    expect(told(await said(first.port, request)).statuses).to.deep.equal(['502'])
    await using endless = await rawUpstream((_head, socket) => socket.write(`HTTP/1.1 100 ${'x'.repeat(200_000)}`))
    await using second = await serveProxy(endless.url)
    expect(told(await said(second.port, request)).statuses).to.deep.equal(['502'])
    await using silent = await rawUpstream((_head, socket) => socket.write(goOn))
    await using third = await serveProxy(silent.url, { timeouts: { responseMs: 4_000 } })
    expect(told(await said(third.port, request)).statuses).to.deep.equal(['100', '504'])
  })
})
