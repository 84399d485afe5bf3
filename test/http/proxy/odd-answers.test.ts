import { once } from 'node:events'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { get, said } from '../raw.ts'
import { serveSite } from '../site.ts'
import { rawUpstream, serveProxy } from './upstream.ts'

const ok = 'Content-Length: 2\r\n\r\nok'

/** What HTTP/2 makes of an answer of an upstream server. */
const byHttp2 = async (answer: string): Promise<{ fields: IncomingHttpHeaders; body: string }> => {
  await using upstream = await rawUpstream((_head, socket) => socket.write(answer, 'latin1'))
  const options = { http2: 'prior-knowledge', routes: [{ path: '/', proxy: upstream.url }] }
  await using site = await serveSite({}, { options })
  const session = connect(`http://127.0.0.1:${site.port}`)
  try {
    const stream = session.request({ ':path': '/' })
    const [[fields], body] = await Promise.all([once(stream, 'response') as Promise<[IncomingHttpHeaders]>, text(stream)])
    return { fields, body }
  } finally {
    session.destroy()
  }
}

const byHttp1 = async (answer: string) => {
  await using upstream = await rawUpstream((_head, socket) => socket.write(answer.replaceAll('ORIGIN', upstream.url), 'latin1'))
  await using site = await serveProxy(upstream.url)
  return await get(site.port, '/a/b')
}

describe('an odd answer of an upstream server', () => {
  it('with a reason phrase that is no text is passed on without it', async () => {
    for (const reason of ['O\x01K', 'd\xe9j\xe0'])
      expect(await byHttp1(`HTTP/1.1 200 ${reason}\r\n${ok}`)).to.include({ status: 200, reason: '' })
  })

  it('that says twice what has one value says it once, and both of a list, by HTTP/1.1 and HTTP/2', async () => {
    const twice =
      'Content-Type: a/b\r\nContent-Type: c/d\r\nETag: "a"\r\netag: "b"\r\nContent-Encoding: x\r\nContent-Encoding: y\r\nLink: <a>\r\nLink: <b>\r\n'
    const answer = `HTTP/1.1 200 OK\r\n${twice}${ok}`
    const expected = { 'content-type': 'a/b', etag: '"a"', 'content-encoding': 'x, y', link: '<a>, <b>' }
    expect((await byHttp1(answer)).fields).to.deep.include(expected)
    const { fields, body } = await byHttp2(answer)
    expect(fields).to.deep.include(expected)
    expect(body).to.equal('ok')
  })

  it('205 has no content (RFC 9110 §15.3.6)', async () => {
    const answer = `HTTP/1.1 205 Reset Content\r\n${ok}`
    const { status, fields, body } = await byHttp1(answer)
    expect([status, fields['content-length'], body.length]).to.deep.equal([205, '0', 0])
    const second = await byHttp2(answer)
    expect([second.fields[':status'], second.body]).to.deep.equal([205, ''])
  })

  it('that leads to an address of its own leads to ours, and never to another host', async () => {
    const location = async (value: string) =>
      (await byHttp1(`HTTP/1.1 302 Found\r\nLocation: ${value}\r\nContent-Length: 0\r\n\r\n`)).fields['location']
    expect(await location('ORIGIN/x?y')).to.equal('/x?y')
    expect(await location('ORIGIN')).to.equal('/')
    expect(await location('ORIGIN?y')).to.equal('/?y')
    expect(await location('ORIGIN//evil.test/')).to.equal('/evil.test/')
    expect(await location('ORIGIN/\\evil.test/')).to.equal('/evil.test/')
    expect(await location('ORIGIN.evil.test/')).to.match(/^http:\/\/127\.0\.0\.1:\d+\.evil\.test\/$/)
    expect(await location('//elsewhere.test/')).to.equal('//elsewhere.test/')
  })

  it('of a route for one path leads to it by that path alone', async () => {
    await using upstream = await rawUpstream((_head, socket) =>
      socket.write(`HTTP/1.1 302 Found\r\nLocation: ${upstream.url}/status-old\r\nContent-Length: 0\r\n\r\n`),
    )
    await using site = await serveProxy(`${upstream.url}/status`, { path: '/health' })
    const answer = (await said(site.port, 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n')).toString()
    expect(answer).to.contain(`\r\nLocation: ${upstream.url}/status-old\r\n`)
  })
})
