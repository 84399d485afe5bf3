import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { nodeUpstream, serveProxy } from './proxy/upstream.ts'
import { get, said } from './raw.ts'
import { serveSite } from './site.ts'
import { loginOf, WritableSite } from './writing/home.ts'

const statusOf = async (port: number, raw: string): Promise<number> =>
  Number(/^HTTP\/1\.1 (\d{3}) /.exec((await said(port, raw)).toString('latin1'))?.[1])

const request = (method: string, target: string, fields = '', content = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n${content}`

const chunks = (octets: number) => `${octets.toString(16)}\r\n${'x'.repeat(octets)}\r\n0\r\n\r\n`
const inChunks = 'Transfer-Encoding: chunked\r\n'

describe('limits of requests are counted', () => {
  it('of target and head, whether the engine or we refuse', async () => {
    await using site = await serveSite({}, { options: { maxTarget: '1KiB', maxHeaders: '4KiB' } })
    expect(await statusOf(site.port, request('GET', `/${'a'.repeat(1_024)}`))).to.equal(414)
    expect(site.refused).to.deep.equal({ maxTarget: 1 })
    expect(await statusOf(site.port, request('GET', '/', 'a: b\r\n'.repeat(201)))).to.equal(431)
    expect(site.refused).to.deep.equal({ maxTarget: 1, maxHeaders: 1 })
    expect(await statusOf(site.port, request('GET', `/${'a'.repeat(5_000)}`))).to.equal(414)
    expect(await statusOf(site.port, request('GET', '/', `a: ${'b'.repeat(5_000)}\r\n`))).to.equal(431)
    expect(site.refused).to.deep.equal({ maxTarget: 2, maxHeaders: 2 })
  })

  it('of content that is stored, by its length and without one', async () => {
    await using site = await WritableSite.serve({}, { options: { maxContent: '1000B' } })
    const { running } = site
    const login = `Authorization: ${loginOf('alice')}\r\n`
    const put = (fields: string, content: string) => request('PUT', '/~alice/a', `${login}${fields}`, content)
    expect(await statusOf(running.port, put('Content-Length: 1000\r\n', 'x'.repeat(1_000)))).to.equal(201)
    expect(running.refused).to.deep.equal({})
    expect(await statusOf(running.port, put('Content-Length: 1001\r\n', 'x'.repeat(1_001)))).to.equal(413)
    expect(await statusOf(running.port, put(inChunks, chunks(1_001)))).to.equal(413)
    expect(running.refused).to.deep.equal({ maxContent: 2 })
  })

  it('of content that is stored and takes too long', () =>
    undisturbed(60, async () => {
      await using site = await WritableSite.serve({}, { options: { timeouts: { headers: '200ms', request: '400ms' } } })
      using client = await Client.connect(site.running.port)
      await client.send(request('PUT', '/~alice/a', `Authorization: ${loginOf('alice')}\r\nContent-Length: 9\r\n`, 'half'))
      expect((await client.rest()).toString()).to.match(/^HTTP\/1\.1 408 /)
      expect(site.running.refused).to.deep.equal({ request: 1 })
    }))

  it('of content that is passed on, and never what an upstream server refuses', async () => {
    await using upstream = await nodeUpstream((asked, answer) => {
      answer.statusCode = Number(asked.url?.slice(1, 4))
      asked.resume().once('end', () => answer.end())
    })
    await using site = await serveProxy(upstream.url, { maxContentOctets: 1_000 })
    for (const status of [408, 413, 414, 431]) expect((await get(site.port, `/${status}`)).status).to.equal(status)
    expect(site.refused).to.deep.equal({})
    expect(await statusOf(site.port, request('POST', '/200', 'Content-Length: 1001\r\n', 'x'.repeat(1_001)))).to.equal(413)
    expect(await statusOf(site.port, request('POST', '/200', inChunks, chunks(1_001)))).to.equal(413)
    expect(site.refused).to.deep.equal({ maxContent: 2 })
  })

  it('under a page of the site’s own too, and never by an answer that the operator has written', async () => {
    const routes = [{ path: '/full', respond: { status: 413, body: 'full' } }]
    await using site = await serveSite(
      { 'www/long.html': 'long' },
      { options: { routes, write: true, maxContent: 0, pages: { 413: '/long.html' } } },
    )
    expect((await get(site.port, '/full')).status).to.equal(413)
    expect(site.refused).to.deep.equal({})
    const login = `Authorization: ${loginOf('alice')}\r\nAccept: text/html\r\n`
    const answer = await said(site.port, request('PUT', '/~alice/a', `${login}Content-Length: 1\r\n`, 'x'))
    expect(answer.toString()).to.match(/^HTTP\/1\.1 413 [\s\S]*\r\n\r\nlong$/)
    expect(site.refused).to.deep.equal({ maxContent: 1 })
  })
})
