import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { serve } from '../kit/serving.ts'

describe('HTTP: TLS from the first octet', () => {
  it('answers, and agrees on http/1.1 with a client that asks (RFC 7301)', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit' })
    using client = await Client.connectTls(running.port, { tls: { ALPNProtocols: ['h2', 'http/1.1'] } })
    expect('alpnProtocol' in client.socket && client.socket.alpnProtocol).to.equal('http/1.1')
    await client.send('GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await client.line()).to.equal('HTTP/1.1 404 Not Found')
  })

  it('keeps a connection for further requests, and ends it when asked', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit' })
    using client = await Client.connectTls(running.port)
    const request = 'HEAD / HTTP/1.1\r\nHost: localhost\r\n'
    await client.send(`${request}\r\n${request}\r\n${request}Connection: close\r\n\r\n`)
    const answers = (await client.rest()).toString()
    expect(answers.match(/^HTTP\/1\.1 /gm)).to.have.length(3)
    await eventually(() => expect(running.open).to.equal(0))
  })

  it('says nothing to a client that speaks in clear', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit' })
    using client = await Client.connect(running.port)
    await client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await client.rest()
    await eventually(() => expect(running.journal.of('tls.failed').at(-1)?.fields).to.include({ code: 'ERR_SSL_HTTP_REQUEST' }))
    expect(running.journal.of('request.finished')).to.have.length(0)
  })

  it('lets nobody wait: a silent client is let go', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit', limits: { handshakeMs: 50 } })
    using client = await Client.connect(running.port)
    await client.closed()
    await eventually(() => expect(running.open).to.equal(0))
  })
})
