import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { HttpServer } from '../../servers/http/service.ts'
import { Client } from '../kit/client.ts'
import { loadProtocol, type Running } from '../kit/serving.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { get, methodsOf, readAnswers, said } from './raw.ts'
import { serveSite } from './site.ts'

const request = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`

/** Reads one answer with a body of known length, and leaves the connection open. */
const readOne = async (client: Client, bodyOctets: number): Promise<string> => {
  const lines: string[] = []
  for (let line = await client.line(); line !== ''; line = await client.line()) lines.push(line)
  await client.octets(bodyOctets)
  return lines.join('\n')
}

const accessLines = (site: Running): readonly string[] => site.journal.written.access

describe('connections', () => {
  describe('as configured', () => {
    let site: Running
    before(async () => {
      site = await serveSite({ 'www/a.txt': 'hello\n', 'www/large': Buffer.alloc(20_000_000) })
    })
    after(() => site.close())

    it('answer thousands of pipelined requests in their order', async () => {
      const targets = Array.from({ length: 2_000 }, (_, at) => (at % 50 === 0 ? `/missing?${at}` : `/a.txt?${at}`))
      const raw = targets.map((target) => request(target)).join('')
      const answers = readAnswers(await said(site.port, raw), methodsOf(raw))
      expect(answers.map((answer) => answer.status)).to.deep.equal(targets.map((target) => (target.startsWith('/m') ? 404 : 200)))
      const logged = accessLines(site)
        .slice(-2_000)
        .map((line) => /"GET (\S+) /.exec(line)?.[1])
      expect(logged).to.deep.equal(targets)
    })

    it('answer what came before garbage, then the garbage', async () => {
      const raw = `${request('/a.txt')}${request('/missing')}\0\r\n\r\n`
      const answers = readAnswers(await said(site.port, raw), ['GET', 'GET', '?'])
      expect(answers.map((answer) => answer.status)).to.deep.equal([200, 404, 400])
      expect(accessLines(site).at(-1)).to.contain('"-" 400 ')
      expect(site.journal.of('request.malformed').at(-1)?.fields).to.deep.include({ status: 400, code: 'HPE_INVALID_METHOD' })
    })

    it('are over with an answer that ends them, whatever is behind the request', async () => {
      const expecting = 'POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc'
      const old = 'GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\nIf-None-Match: *\r\n\r\n'
      for (const [first, status] of [
        [expecting, 405],
        [old, 304],
      ] as const) {
        for (const rest of [request('/a.txt'), `${request('/a.txt')}\0\r\n`, '\0\r\n', '']) {
          const answers = readAnswers(await said(site.port, first + rest))
          expect(
            answers.map((answer) => answer.status),
            rest,
          ).to.deep.equal([status])
          expect(answers[0]?.fields['connection']).to.equal('close')
        }
      }
    })

    it('let a client that sends more than is taken read its answer to the end', async () => {
      using client = await Client.connect(site.port)
      await client.send('POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n')
      await client.send(Buffer.alloc(5_000_000))
      const [answer] = readAnswers(await client.rest())
      expect(answer?.status).to.equal(405)
      expect(answer?.fields['connection']).to.equal('close')
    })

    it('stop reading from a client that asks and does not listen', async () => {
      using client = await Client.connect(site.port)
      client.pause()
      // More than the system's own buffers hold.
      void client.send(request('/large').repeat(10) + request('/a.txt').repeat(500_000))
      let left = Number.POSITIVE_INFINITY
      for (let same = 0; same < 10; same++) {
        await sleep(50)
        if (client.socket.writableLength !== left) same = 0
        left = client.socket.writableLength
      }
      expect(left).to.be.greaterThan(5_000_000)
    })

    it('are cut when more waits than the server holds for all of them', async () => {
      const clients = await Promise.all(Array.from({ length: 8 }, () => Client.connect(site.port)))
      const flood = request('/large') + request('/').repeat(30_000)
      for (const client of clients) {
        client.pause()
        void client.send(flood)
      }
      while (site.journal.of('pipeline.flooded').length === 0) await sleep(10)
      for (const client of clients) client.reset()
      while (site.open > 0) await sleep(10)
      // One record for each connection that was cut, not for each request in it.
      expect(site.journal.of('pipeline.flooded').length).to.be.at.most(8)
      expect((await get(site.port, '/a.txt')).status).to.equal(200)
    })

    it('leave a record of each request that was not answered any more', async () => {
      const before = accessLines(site).length
      {
        using client = await Client.connect(site.port)
        await client.send(request('/large').repeat(3))
        await client.line()
        client.pause()
        client.reset()
      }
      while (site.open > 0) await sleep(10)
      const lines = accessLines(site).slice(before)
      expect(lines.map((line) => /" (\d{3}) /.exec(line)?.[1])).to.deep.equal(['200', '499', '499'])
      const records = site.journal.of('request.finished').slice(-3)
      expect(records.map((record) => record.fields['complete'])).to.deep.equal([false, false, false])
    })

    it('are served two hundred at once, and nobody waits for one that stalls', async () => {
      using stalled = await Client.connect(site.port)
      await stalled.send(request('/large'))
      await stalled.line()
      stalled.pause()
      const clients = await Promise.all(Array.from({ length: 200 }, () => Client.connect(site.port)))
      for (const client of clients) await client.send(request('/a.txt'))
      for (const client of clients) expect(await readOne(client, 6)).to.contain('200 OK')
      expect(site.open).to.be.at.least(201)
      for (const client of clients) client[Symbol.dispose]()
    })

    it('end after Connection: close though the client stays', async () => {
      using client = await Client.connect(site.port)
      await client.send(request('/a.txt', 'Connection: close\r\n'))
      expect(readAnswers(await client.rest()).map((answer) => answer.status)).to.deep.equal([200])
    })
  })

  describe('of impatient servers', () => {
    const timeouts = { headers: '300ms', request: '600ms', keepAlive: '200ms' }
    let site: Running
    before(async () => {
      site = await serveSite({ 'www/a.txt': 'hello\n' }, { options: { timeouts } })
    })
    after(() => site.close())

    it('get 408 when the head does not come', () =>
      undisturbed(80, async () => {
        using client = await Client.connect(site.port)
        await client.send('GET / HTTP/1.1\r\nHost: a\r\n')
        const [answer] = readAnswers(await client.rest())
        expect(answer?.status).to.equal(408)
        expect(answer?.fields['connection']).to.equal('close')
        expect(site.journal.of('request.malformed').at(-1)?.fields).to.deep.include({
          status: 408,
          code: 'ERR_HTTP_REQUEST_TIMEOUT',
        })
      }))

    it('get 408 when the next head does not come to its end', () =>
      undisturbed(80, async () => {
        using client = await Client.connect(site.port)
        await client.send(`${request('/a.txt')}GET / HT`)
        const answers = readAnswers(await client.rest())
        expect(answers.map((answer) => answer.status)).to.deep.equal([200, 408])
      }))

    it('are ended when the content does not come, with their answer', () =>
      undisturbed(80, async () => {
        using client = await Client.connect(site.port)
        await client.send(`${request('/a.txt', 'Content-Length: 10\r\n')}123`)
        expect(readAnswers(await client.rest()).map((answer) => answer.status)).to.deep.equal([200])
      }))

    it('are ended without a word when nothing ever comes', async () => {
      const before = accessLines(site).length
      using client = await Client.connect(site.port)
      await client.closed()
      expect(accessLines(site)).to.have.length(before)
    })

    it('are ended without a word when no further request comes, as they were told', () =>
      undisturbed(80, async () => {
        using client = await Client.connect(site.port)
        await client.send(request('/a.txt'))
        // `Keep-Alive: timeout=` counts in seconds; below one there is nothing to tell.
        expect(await readOne(client, 6)).to.contain('Connection: keep-alive')
        await client.closed()
      }))
  })

  it('say how long they are kept', async () => {
    await using site = await serveSite({ 'www/a.txt': 'a' }, { options: { timeouts: { keepAlive: '30s' } } })
    expect((await get(site.port, '/a.txt', { Connection: 'keep-alive' })).fields['keep-alive'] ?? 'none').to.match(
      /^none$|^timeout=30$/,
    )
    using client = await Client.connect(site.port)
    await client.send(request('/a.txt'))
    expect(await readOne(client, 1)).to.contain('Keep-Alive: timeout=30')
  })

  it('that stall in a download are cut off when the host says so, and it is journalled', () =>
    undisturbed(80, async () => {
      await using site = await serveSite({ 'www/large': Buffer.alloc(20_000_000) }, { limits: { idleMs: 1_500 } })
      using client = await Client.connect(site.port)
      await client.send(request('/large'))
      await client.line()
      client.pause()
      while (site.open > 0) await sleep(20)
      expect(site.journal.of('request.finished').at(-1)?.fields).to.deep.include({ status: 200, complete: false })
    }))

  it('fail one by one: what nobody foresaw is a 500 with a record, and the next request is served', async () => {
    const { options } = await loadProtocol('http')
    await using site = await serveSite(
      {},
      {
        create: (context) =>
          new HttpServer(
            { ...context, options: options.parse({}) as never },
            { answer: () => Promise.reject(new Error('on /secret/path')) },
          ),
      },
    )
    const raw = request('/a') + request('/b', 'Accept: text/html\r\n')
    const answers = readAnswers(await said(site.port, raw), ['GET', 'GET'])
    expect(answers.map((answer) => answer.status)).to.deep.equal([500, 500])
    expect(Buffer.concat(answers.map((answer) => answer.body)).toString()).not.to.contain('secret')
    expect(site.journal.of('request.failed').map((record) => record.level)).to.deep.equal(['error', 'error'])
    expect(site.journal.of('request.failed')[0]?.fields['error']).to.contain('on /secret/path')
    expect(site.journal.of('request.finished').map((record) => record.fields['status'])).to.deep.equal([500, 500])
    const id = site.journal.of('request.failed')[0]?.fields['connection']
    expect(answers[0]?.body.toString()).to.contain(String(id))
  })

  describe('of a server that drains', () => {
    const draining = async () => {
      const site = await serveSite({ 'www/a.txt': 'hello\n', 'www/large': Buffer.alloc(20_000_000) })
      return { site, [Symbol.asyncDispose]: () => site.close() }
    }

    it('answer their next request, whenever it comes, with Connection: close', async () => {
      await using made = await draining()
      const { site } = made
      using kept = await Client.connect(site.port)
      await kept.send(request('/a.txt'))
      await readOne(kept, 6)
      using fresh = await Client.connect(site.port)
      using silent = await Client.connect(site.port)
      await kept.send(request('/a.txt'))
      await readOne(kept, 6)
      site.server.drain?.()
      await fresh.send(request('/a.txt'))
      const [answer] = readAnswers(await fresh.rest())
      expect(answer?.fields['connection']).to.equal('close')
      await sleep(500)
      await kept.send(request('/a.txt'))
      expect(readAnswers(await kept.rest())[0]?.fields['connection']).to.equal('close')
      await silent.send(request('/a.txt'))
      expect(readAnswers(await silent.rest())[0]?.fields['connection']).to.equal('close')
    })

    it('are kept after an answer that said so, for one more', async () => {
      await using made = await draining()
      const { site } = made
      using client = await Client.connect(site.port)
      await client.send(request('/large'))
      await client.line()
      client.pause()
      site.server.drain?.()
      client.resume()
      expect(await readOne(client, 20_000_000)).to.contain('Connection: keep-alive')
      await client.send(request('/a.txt'))
      expect(readAnswers(await client.rest())[0]?.fields['connection']).to.equal('close')
    })

    it('end at a stop when they are between two requests', async () => {
      await using made = await draining()
      const { site } = made
      using kept = await Client.connect(site.port)
      await kept.send(request('/a.txt'))
      await readOne(kept, 6)
      const ended = site.close('stop')
      await kept.closed()
      await ended
    })

    it('finish what they are in', async () => {
      await using made = await draining()
      const { site } = made
      using client = await Client.connect(site.port)
      await client.send(request('/large'))
      await client.line()
      client.pause()
      const ended = site.close('stop')
      await sleep(500)
      client.resume()
      const octets = await client.rest()
      expect(octets.length).to.be.greaterThan(20_000_000)
      await ended
      expect(site.journal.of('request.finished').at(-1)?.fields).to.deep.include({ status: 200, octets: 20_000_000 })
    })
  })

  it('that are turned away read why', async () => {
    await using site = await serveSite({}, { limits: { connections: 1 } })
    using first = await Client.connect(site.port)
    await first.send(request('/'))
    await first.line()
    const [answer] = readAnswers(await said(site.port, ''))
    expect(answer?.status).to.equal(503)
    expect(answer?.fields).to.include({ connection: 'close', 'retry-after': '5', 'content-type': 'text/plain; charset=utf-8' })
    expect(answer?.body.toString()).to.contain('as many connections as it takes')
  })

  it('explain in the form that the client likes best', async () => {
    await using site = await serveSite({})
    await writeFile(join(site.settings.data, 'www', 'x'), '')
    const html = await get(site.port, '/<b>"&', { Accept: 'text/html,*/*;q=0.8' })
    expect(html.fields['content-type']).to.equal('text/html; charset=utf-8')
    expect(html.body.toString()).to.contain('GET /&lt;b&gt;&quot;&amp;').and.not.to.contain('<b>')
    const json = await get(site.port, '/nothing', { Accept: 'application/json' })
    const told = JSON.parse(json.body.toString())
    expect(told).to.include({ status: 404, title: 'Not Found', asked: 'GET /nothing' })
    const ids = site.journal.of('request.finished').map((record) => record.fields['connection'])
    expect(ids).to.include(told.connection)
    expect((await get(site.port, '/nothing')).fields).to.include({ 'content-type': 'text/plain; charset=utf-8', vary: 'Accept' })
  })
})
