import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { serve } from '../kit/serving.ts'
import { readAnswers } from './raw.ts'

describe('HTTP: TLS from the first octet', () => {
  it('answers, and agrees on http/1.1 with a client that knows nothing newer (RFC 7301)', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit' })
    using client = await Client.connectTls(running.port, { tls: { ALPNProtocols: ['http/1.1'] } })
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

  it('tells a client that speaks in clear what is wrong, in clear, and serves it nothing', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit' })
    using client = await Client.connect(running.port)
    await client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const answers = readAnswers(await client.rest())
    expect(answers).to.have.length(1)
    expect(answers[0]?.status).to.equal(400)
    expect(answers[0]?.fields['connection']).to.equal('close')
    expect(answers[0]?.body.toString()).to.match(/^400 Bad Request\n\n.* https:\/\/ .*\n$/)
    await eventually(() => expect(running.open).to.equal(0))
    await eventually(() => expect(running.journal.of('tls.failed').at(-1)?.fields).to.include({ code: 'ERR_SSL_HTTP_REQUEST' }))
    expect(running.journal.of('request.finished')).to.have.length(0)
  })

  it('says nothing to a client that speaks something else', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit' })
    for (const octets of ['SSH-2.0-client\r\n', '\x00\x01\x02\x03\x04\x05\x06\x07']) {
      using client = await Client.connect(running.port)
      await client.send(octets)
      client.end()
      expect((await client.rest()).toString('latin1')).not.to.contain('HTTP')
    }
    await eventually(() => expect(running.open).to.equal(0))
  })

  it('lets nobody wait: a silent client is let go', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit', limits: { handshakeMs: 50 } })
    using client = await Client.connect(running.port)
    await client.closed()
    await eventually(() => expect(running.open).to.equal(0))
  })

  it('refuses with 421 what its certificate is not for, but neither what asks the server itself nor who names no host (RFC 9110 §7.4)', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit', options: { sites: { 'shop.test': {} } } })
    using client = await Client.connectTls(running.port)
    const heads = [
      'HEAD / HTTP/1.1\r\nHost: havre.test.:8443\r\n',
      'HEAD / HTTP/1.1\r\nHost: [::1]\r\n',
      'HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n',
      'HEAD / HTTP/1.1\r\nHost: shop.test\r\n',
      'HEAD / HTTP/1.1\r\nHost: 127.0.0.2\r\n',
      'OPTIONS * HTTP/1.1\r\nHost: shop.test\r\n',
      'HEAD / HTTP/1.0\r\n',
    ]
    await client.send(heads.map((head) => `${head}\r\n`).join(''))
    const statuses = [...(await client.rest()).toString().matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status))
    expect(statuses).to.deep.equal([200, 200, 200, 421, 421, 204, 200])
  })
})
