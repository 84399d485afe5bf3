import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect } from 'chai'
import { Engine } from '../../servers/http/engine.ts'
import type { Exchange } from '../../servers/http/exchange.ts'

const limits = { headersMs: 5_000, requestMs: 5_000, keepAliveMs: 5_000, headOctets: 16_384 }

describe('the engine', () => {
  it('ends a write whose connection was destroyed a moment before', async () => {
    const written = Promise.withResolvers<boolean>()
    const engine = new Engine(limits, {
      request: (stream, exchange: Exchange) => {
        exchange.begin({ status: 200, reason: 'OK', fields: ['Content-Length', '9'] })
        // As a reset from the client does; what is written before the event `close` is lost.
        stream.destroy()
        exchange.write(Buffer.from('some octe')).then(written.resolve, written.reject)
      },
      problem: () => undefined,
      last: () => undefined,
    })
    const server = createServer((socket) => engine.adopt(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1')
    client.on('error', () => undefined)
    try {
      client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
      expect(await written.promise).to.equal(false)
    } finally {
      client.destroy()
      engine.stop()
      server.close()
    }
  })
})
