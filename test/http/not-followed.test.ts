import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { seeded } from '../kit/seeded.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { readAnswers } from './raw.ts'
import { serveSite } from './site.ts'

const upgrade = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'
const request = (target: string, fields = upgrade) => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`
const large = seeded(5).octets(3_000_000)
const tree = { 'www/a.txt': 'hello\n', 'www/large.bin': large }

/** Reads one whole answer. */
const answerOf = async (client: Client): Promise<{ status: string; connection: string; body: Buffer }> => {
  const status = await client.line()
  const lines: string[] = []
  for (let line = await client.line(); line !== ''; line = await client.line()) lines.push(line)
  const fieldOf = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? ''
  return { status, connection: fieldOf('Connection'), body: await client.octets(Number(fieldOf('Content-Length'))) }
}

describe('HTTP: a request with Upgrade that nobody follows (RFC 9110 §7.8)', () => {
  it('leaves its connection for any number of further ones, with and without it, in clear and over TLS', async () => {
    for (const tls of ['off', 'implicit'] as const) {
      await using site = await serveSite(tree, { tls })
      using client = await (tls === 'off' ? Client.connect(site.port) : Client.connectTls(site.port))
      for (let at = 0; at < 12; at += 1) {
        await client.send(request('/a.txt', at % 3 === 2 ? '' : upgrade))
        const { status, connection, body } = await answerOf(client)
        expect([status, connection, body.toString()]).to.deep.equal(['HTTP/1.1 200 OK', 'keep-alive', 'hello\n'])
      }
      await client.send(request('/large.bin'))
      expect((await answerOf(client)).body.equals(large)).to.equal(true)
      await client.send('POST /a.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello')
      expect((await answerOf(client)).status).to.equal('HTTP/1.1 405 Method Not Allowed')
      client.end()
      expect((await client.rest()).length).to.equal(0)
      await eventually(() => expect(site.open).to.equal(0))
    }
  })

  it('ends it as others do: for silence, for a head that does not come, with its client, and with the service', () =>
    undisturbed(60, async () => {
      const timeouts = { headers: '300ms', request: '600ms', keepAlive: '200ms' }
      await using site = await serveSite(tree, { options: { timeouts } })
      using silent = await Client.connect(site.port)
      await silent.send(request('/a.txt'))
      expect(readAnswers(await silent.rest()).map(({ status }) => status)).to.deep.equal([200])
      using slow = await Client.connect(site.port)
      await slow.send(`${request('/a.txt')}GET / HT`)
      expect(readAnswers(await slow.rest()).map(({ status }) => status)).to.deep.equal([200, 408])
      using reset = await Client.connect(site.port)
      await reset.send(request('/a.txt'))
      await answerOf(reset)
      reset.reset()
      using amiss = await Client.connect(site.port)
      await amiss.send(request('/a.txt'))
      await answerOf(amiss)
      await amiss.send('nonsense\r\n\r\n')
      expect(readAnswers(await amiss.rest()).map(({ status }) => status)).to.deep.equal([501])
      await eventually(() => expect(site.open).to.equal(0))
      await site.close()
      await using stopped = await serveSite(tree)
      using waiting = await Client.connect(stopped.port)
      await waiting.send(request('/a.txt'))
      await answerOf(waiting)
      await stopped.close('stop')
      expect((await waiting.rest()).length).to.equal(0)
    }))

  it('loses nothing of what comes in one packet with it, before and behind, however many wait', async () => {
    await using site = await serveSite(tree)
    using client = await Client.connect(site.port)
    const plain = request('/a.txt', '')
    await client.send(plain.repeat(16) + request('/a.txt') + plain.repeat(2))
    for (let at = 0; at < 19; at += 1) expect((await answerOf(client)).body.toString()).to.equal('hello\n')
    // Its content is no request, wherever the packet ends.
    const content = plain.repeat(4_000)
    const post = `POST /a.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${content.length}\r\n\r\n${content}`
    const cut = 30_000
    await client.send(plain.repeat(16) + request('/a.txt') + post.slice(0, cut))
    for (let at = 0; at < 17; at += 1) expect((await answerOf(client)).body.toString()).to.equal('hello\n')
    await client.send(post.slice(cut))
    expect(readAnswers(await client.rest()).map(({ status }) => status)).to.deep.equal([405])
  })

  it('leaves no deadline of an answer before it to those behind it', async () => {
    // More than the system takes for a client that reads nothing.
    const huge = Buffer.alloc(40_000_000, 'havre')
    await using site = await serveSite({ ...tree, 'www/huge.bin': huge }, { options: { timeouts: { keepAlive: '200ms' } } })
    using client = await Client.connect(site.port)
    await client.send(request('/a.txt', '') + request('/a.txt'))
    for (let at = 0; at < 2; at += 1) expect((await answerOf(client)).body.toString()).to.equal('hello\n')
    client.pause()
    await client.send(request('/huge.bin', ''))
    // Longer than a kept connection may be silent, and than its grace.
    await sleep(2_500)
    client.resume()
    expect((await answerOf(client)).body.equals(huge)).to.equal(true)
  })

  it('ends it with its answer while the service drains', async () => {
    await using site = await serveSite(tree)
    using client = await Client.connect(site.port)
    await client.send(request('/a.txt'))
    await answerOf(client)
    site.server.drain?.()
    await client.send(request('/a.txt'))
    expect(readAnswers(await client.rest()).map(({ status, fields }) => [status, fields['connection']])).to.deep.equal([
      [200, 'close'],
    ])
  })

  describeWith(['curl'], 'of curl', () => {
    it('keeps the connection that curl --http2 asked on', async () => {
      await using site = await serveSite(tree)
      const url = `http://127.0.0.1:${site.port}/a.txt`
      const { code, stdout } = await run('curl', ['-sS', '--http2', '-w', '%{num_connects} %{http_version}\n', url, url, url])
      expect([code, stdout.toString()]).to.deep.equal([0, 'hello\n1 1.1\nhello\n0 1.1\nhello\n0 1.1\n'])
    })
  })
})
