import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect } from 'chai'
import { Client } from '../../kit/client.ts'
import { eventually } from '../../kit/eventually.ts'
import type { Running } from '../../kit/serving.ts'
import { serveSite } from '../site.ts'

const large = Buffer.alloc(3_000_000, 'largely')

interface Answer {
  readonly fields: IncomingHttpHeaders
  readonly body: Buffer
}

const ask = async (session: ClientHttp2Session, fields: OutgoingHttpHeaders, content?: Buffer): Promise<Answer> => {
  const stream = session.request(fields, { endStream: content === undefined })
  if (content !== undefined) stream.end(content)
  const response = once(stream, 'response')
  const body = await buffer(stream)
  const [head] = (await response) as [IncomingHttpHeaders]
  return { fields: head, body }
}

for (const tls of ['off', 'implicit'] as const) {
  describe(`HTTP/2 ${tls === 'off' ? 'in clear, by prior knowledge' : 'by ALPN, within TLS'}`, () => {
    let site: Running
    let session: ClientHttp2Session
    before(async () => {
      const tree = { 'www/a.txt': 'hello\n', 'www/large.bin': large, 'www/folder/b.txt': 'b' }
      site = await serveSite(tree, { tls, options: tls === 'off' ? { http2: 'prior-knowledge' } : {} })
      session = connect(`${tls === 'off' ? 'http' : 'https'}://127.0.0.1:${site.port}`, { rejectUnauthorized: false })
      await once(session, 'connect')
    })
    after(async () => {
      session.destroy()
      await site.close()
    })
    const get = (path: string, fields: OutgoingHttpHeaders = {}) => ask(session, { ':path': path, ...fields })
    /** How many requests have been recorded, once all have been that were made. */
    const recorded = async (): Promise<number> => {
      // The client's streams have odd numbers.
      const made = ((session.state.nextStreamID ?? 1) - 1) / 2
      await eventually(() => expect(site.journal.of('request.finished').length).to.equal(made))
      await eventually(() => expect(site.journal.written.access.length).to.equal(made))
      return made
    }

    it('answers as HTTP/1.1 does, without what belongs to its connection', async () => {
      const { fields, body } = await get('/a.txt')
      expect(body.toString()).to.equal('hello\n')
      expect(fields).to.include({ ':status': 200, 'content-length': '6', 'content-type': 'text/plain; charset=utf-8' })
      expect(fields.date).to.be.a('string')
      for (const name of ['connection', 'keep-alive', 'transfer-encoding']) expect(fields).to.not.have.property(name)
      expect((await get('/a.txt', { 'if-none-match': fields.etag ?? '' })).fields[':status']).to.equal(304)
      expect((await get('/folder')).fields.location).to.equal('/folder/')
      const missing = await get('/missing', { accept: 'application/json' })
      expect(JSON.parse(missing.body.toString())).to.include({ status: 404 })
    })

    it('answers HEAD, ranges and OPTIONS', async () => {
      const head = await ask(session, { ':path': '/large.bin', ':method': 'HEAD' })
      expect(head.fields['content-length']).to.equal('3000000')
      expect(head.body).to.have.length(0)
      const part = await get('/large.bin', { range: 'bytes=7-13' })
      expect(part.fields[':status']).to.equal(206)
      expect(part.body.toString()).to.equal('largely')
      const options = await ask(session, { ':path': '*', ':method': 'OPTIONS' })
      expect(options.fields[':status']).to.equal(204)
    })

    it('answers many requests at once, each with its own', async () => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, at) => get(at % 3 === 0 ? '/large.bin' : at % 3 === 1 ? '/a.txt' : `/missing${at}`)),
      )
      for (const [at, { body, fields }] of answers.entries()) {
        if (at % 3 === 0) expect(body.equals(large)).to.equal(true)
        else if (at % 3 === 1) expect(body.toString()).to.equal('hello\n')
        else expect(fields[':status']).to.equal(404)
      }
    })

    it('reads past content that nobody wants, and the connection goes on', async () => {
      for (const octets of [0, 1, 60_000, 1_000_000]) {
        const refused = await ask(session, { ':path': '/a.txt', ':method': 'POST' }, Buffer.alloc(octets, 'x'))
        expect(refused.fields[':status']).to.equal(405)
      }
      expect((await get('/a.txt')).body.toString()).to.equal('hello\n')
    })

    it('journals each request, and writes it into the access log as others do', async () => {
      const before = await recorded()
      await get('/a.txt', { 'user-agent': 'test', referer: 'https://a.test/' })
      expect(await recorded()).to.equal(before + 1)
      expect(site.journal.written.access.at(-1)).to.match(/"GET \/a\.txt HTTP\/2\.0" 200 6 "https:\/\/a\.test\/" "test"$/)
      const record = site.journal.of('request.finished').at(-1)?.fields
      expect(record).to.include({ method: 'GET', path: '/a.txt', status: 200, octets: 6 })
    })

    it('leaves a record of a request that was taken back, closes its file, and goes on', async () => {
      const before = await recorded()
      const stream = session.request({ ':path': '/large.bin' })
      await once(stream, 'data')
      stream.close(8)
      expect(await recorded()).to.equal(before + 1)
      expect(site.journal.of('request.finished').at(-1)?.fields).to.include({ path: '/large.bin', complete: false })
      expect((await get('/a.txt')).body.toString()).to.equal('hello\n')
    })

    it('has a whole record of an answer whose client takes back the content behind it', async () => {
      const before = await recorded()
      const stream = session.request({ ':path': '/a.txt', ':method': 'POST', 'content-length': '50000' }, { endStream: false })
      const ended = once(stream, 'end')
      stream.resume()
      await ended
      stream.close(8)
      expect(await recorded()).to.equal(before + 1)
      const record = site.journal.of('request.finished').at(-1)?.fields
      expect(record).to.include({ path: '/a.txt', status: 405 })
      expect(record).to.not.have.property('complete')
      expect(record?.['octets']).to.be.greaterThan(0)
    })

    it('breaks off an answer whose file was written to, and only that one', async () => {
      const path = join(site.settings.data, 'www', 'growing.bin')
      await writeFile(path, large)
      const stream = session.request({ ':path': '/growing.bin' })
      await once(stream, 'response')
      await writeFile(path, 'short')
      const error = await buffer(stream).then(
        () => null,
        (reason: unknown) => reason,
      )
      await recorded()
      const record = site.journal.of('request.finished').at(-1)?.fields
      if (error === null) expect(stream.rstCode).to.not.equal(0)
      expect(record).to.include({ path: '/growing.bin', complete: false })
      expect((await get('/a.txt')).body.toString()).to.equal('hello\n')
    })
  })
}

describe('HTTP/2 as the setting says', () => {
  it('off: TLS agrees on HTTP/1.1, and in clear the preface is refused', async () => {
    await using encrypted = await serveSite({ 'www/a.txt': 'a' }, { tls: 'implicit', options: { http2: 'off' } })
    using client = await Client.connectTls(encrypted.port, { tls: { ALPNProtocols: ['h2', 'http/1.1'] } })
    expect('alpnProtocol' in client.socket && client.socket.alpnProtocol).to.equal('http/1.1')
    await using clear = await serveSite({ 'www/a.txt': 'a' }, { options: { http2: 'off' } })
    using other = await Client.connect(clear.port)
    await other.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    expect(await other.line()).to.match(/^HTTP\/1\.1 505 /)
  })

  it('auto: in clear the preface is refused (RFC 9113 §3.3)', async () => {
    await using clear = await serveSite({ 'www/a.txt': 'a' })
    using other = await Client.connect(clear.port)
    await other.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    expect(await other.line()).to.match(/^HTTP\/1\.1 505 /)
  })

  it('prior-knowledge: HTTP/1.1 is served as ever, however it is cut into packets', async () => {
    await using site = await serveSite({ 'www/a.txt': 'hello\n' }, { options: { http2: 'prior-knowledge' } })
    using client = await Client.connect(site.port)
    await client.trickle('GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect((await client.rest()).toString()).to.match(/^HTTP\/1\.1 200 OK[\s\S]*hello\n$/)
    using almost = await Client.connect(site.port)
    await almost.trickle('PROPFIND /a.txt HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await almost.line()).to.match(/^HTTP\/1\.1 405 /)
  })
})
