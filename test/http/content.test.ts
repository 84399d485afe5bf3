import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { expect } from 'chai'
import { ContentBroken } from '../../servers/http/content.ts'
import { Engine } from '../../servers/http/engine.ts'
import type { Exchange } from '../../servers/http/exchange.ts'
import { Client } from '../kit/client.ts'
import { readAnswers } from './raw.ts'

const limits = { headersMs: 5_000, requestMs: 5_000, keepAliveMs: 5_000, headOctets: 16_384 }

/** An engine whose requests are answered by this function; a failure of it is thrown at the end. */
const engineOn = async (answer: (exchange: Exchange) => Promise<string>): Promise<AsyncDisposable & { port: number }> => {
  const failures: unknown[] = []
  const engine = new Engine(limits, {
    request: (_stream, exchange) => {
      answer(exchange).then(
        (said) => exchange.send({ status: 200, reason: 'OK', fields: ['Content-Length', String(said.length)] }, said),
        (error: unknown) => failures.push(error),
      )
    },
    problem: (stream) => stream.destroy(),
    last: (stream) => stream.end(),
  })
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    engine.adopt(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      engine.stop()
      server.close()
      await once(server, 'close')
      if (failures.length > 0) throw failures[0]
    },
  }
}

const post = (fields: string, content = ''): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${content}`
const answersTo = async (port: number, raw: string): Promise<string[]> => {
  using client = await Client.connect(port)
  await client.send(raw)
  client.end()
  return readAnswers(await client.rest()).map((answer) => answer.body.toString())
}

describe('the content of a request (HTTP/1.1)', () => {
  it('is what came behind the head, framing removed, and the next request follows', async () => {
    await using engine = await engineOn(async (exchange) => {
      const { content, declaredOctets } = exchange
      return `${declaredOctets} ${content === null ? 'nothing' : await text(content)}`
    })
    const chunked = '3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n'
    const raw = [
      post('Content-Length: 5\r\n', 'hello'),
      post('Transfer-Encoding: chunked\r\n', chunked),
      post('Content-Length: 0\r\n'),
      post(''),
    ].join('')
    expect(await answersTo(engine.port, raw)).to.deep.equal(['5 hello', 'null abcdefg', '0 nothing', 'null nothing'])
  })

  it('is dropped where nobody asks for it', async () => {
    await using engine = await engineOn(async (exchange) => exchange.method)
    const raw = post('Content-Length: 40000\r\n', 'x'.repeat(40_000)).repeat(5)
    expect(await answersTo(engine.port, raw)).to.deep.equal(Array.from({ length: 5 }, () => 'POST'))
  })

  it('may be given up in the middle, and the answer still goes out', async () => {
    await using engine = await engineOn(async ({ content }) => {
      for await (const octets of content ?? []) return `${Buffer.isBuffer(octets)}`
      return 'none'
    })
    const raw = post('Content-Length: 3000000\r\n', 'x'.repeat(3_000_000))
    expect(await answersTo(engine.port, raw)).to.deep.equal(['true'])
  })

  it('waits in the client while nobody reads it', async () => {
    const read = Promise.withResolvers<void>()
    await using engine = await engineOn(async ({ content }) => {
      if (content === null) return 'none'
      await read.promise
      return String((await buffer(content)).length)
    })
    using client = await Client.connect(engine.port)
    void client.send(post('Content-Length: 20000000\r\n') + 'x'.repeat(20_000_000))
    let left = Number.POSITIVE_INFINITY
    for (let same = 0; same < 10; same++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      if (client.socket.writableLength !== left) same = 0
      left = client.socket.writableLength
    }
    expect(left).to.be.greaterThan(5_000_000)
    read.resolve()
    client.end()
    expect(readAnswers(await client.rest())[0]?.body.toString()).to.equal('20000000')
  })

  it('fails where the client breaks off', async () => {
    const outcome = Promise.withResolvers<unknown>()
    await using engine = await engineOn(async ({ content }) => {
      if (content !== null) await text(content).then(outcome.resolve, outcome.resolve)
      return 'over'
    })
    {
      using client = await Client.connect(engine.port)
      await client.send(post('Content-Length: 10\r\n', 'hello'))
      client.reset()
    }
    expect(await outcome.promise).to.be.instanceOf(ContentBroken)
  })

  it('is called for by 100 Continue once, where the client waits for it', async () => {
    await using engine = await engineOn(async (exchange) => {
      exchange.continue()
      exchange.continue()
      return exchange.content === null ? 'none' : await text(exchange.content)
    })
    using client = await Client.connect(engine.port)
    await client.send(post('Content-Length: 5\r\nExpect: 100-continue\r\n'))
    expect(await client.line()).to.equal('HTTP/1.1 100 Continue')
    expect(await client.line()).to.equal('')
    await client.send('hello')
    expect(await client.line()).to.equal('HTTP/1.1 200 OK')
    for (let line = await client.line(); line !== ''; ) line = await client.line()
    expect((await client.octets(5)).toString()).to.equal('hello')
    const unasked = await answersTo(engine.port, post('Content-Length: 2\r\n', 'hi'))
    expect(unasked).to.deep.equal(['hi'])
  })
})
