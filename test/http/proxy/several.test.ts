import { expect } from 'chai'
import { eventually } from '../../kit/eventually.ts'
import { get, said } from '../raw.ts'
import { deadUrl, nodeUpstream, rawUpstream, serveProxy } from './upstream.ts'

const named = (name: string) => nodeUpstream((request, response) => request.resume().on('end', () => response.end(name)))
const post = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello'

describe('several upstream servers', () => {
  it('share the requests', async () => {
    await using one = await named('one')
    await using two = await named('two')
    await using site = await serveProxy([one.url, two.url])
    const answers: string[] = []
    for (let at = 0; at < 10; at += 1) answers.push((await get(site.port, '/')).body.toString())
    expect(answers.filter((name) => name === 'one').length).to.equal(5)
  })

  it('stand in for one that cannot be reached, for any request: none of it has gone out', async () => {
    await using two = await named('two')
    await using site = await serveProxy([deadUrl, two.url])
    for (let at = 0; at < 4; at += 1) {
      expect((await get(site.port, '/')).body.toString()).to.equal('two')
      expect((await said(site.port, post)).toString()).to.match(/\r\n\r\ntwo$/)
    }
    // What failed rests for a while.
    expect(site.journal.of('upstream.failed').length).to.equal(1)
  })

  it('stand in for one that breaks off, for what changes nothing only: the other may have been carried out', async () => {
    let asked = 0
    await using one = await rawUpstream((_head, socket) => {
      asked += 1
      socket.destroy()
    })
    await using two = await named('two')
    await using safe = await serveProxy([one.url, two.url])
    for (let at = 0; at < 2; at += 1) expect((await get(safe.port, '/')).body.toString()).to.equal('two')
    expect(asked).to.equal(1)
    await using unsafe = await serveProxy([one.url, one.url.replace('127.0.0.1', 'localhost')])
    const answer = (await said(unsafe.port, 'DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toString()
    expect(answer).to.match(/^HTTP\/1\.1 502 /)
    expect(asked).to.equal(2)
  })

  it('are no more asked while a check finds them ill', async () => {
    let well = true
    await using one = await nodeUpstream((_request, response) => response.writeHead(well ? 200 : 503).end('one'))
    await using two = await named('two')
    await using site = await serveProxy([one.url, two.url], { health: { path: '/health', everyMs: 50 } })
    well = false
    await eventually(() => expect(site.journal.of('upstream.changed').length).to.equal(1))
    for (let at = 0; at < 5; at += 1) expect((await get(site.port, '/')).body.toString()).to.equal('two')
  })

  it('are asked how they are by the path as it stands in requests', async () => {
    const asked: (string | undefined)[] = []
    await using one = await nodeUpstream((request, response) => {
      asked.push(request.url)
      response.end()
    })
    await using site = await serveProxy(one.url, { health: { path: '/so weit gut/ß', everyMs: 50 } })
    await eventually(() => expect(asked.length).to.be.greaterThan(1))
    expect(asked[0]).to.equal('/so%20weit%20gut/%C3%9F')
    expect(site.journal.of('upstream.changed')).to.deep.equal([])
  })

  it('that hang are ill, though requests may take their time', async () => {
    await using one = await rawUpstream(() => undefined)
    await using site = await serveProxy(one.url, { health: { path: '/health', everyMs: 100 }, timeouts: { responseMs: 600_000 } })
    await eventually(() => expect(site.journal.of('upstream.changed').length).to.equal(1), 60_000)
    expect(site.journal.of('upstream.changed')[0]?.fields).to.include({ well: false })
    expect((await get(site.port, '/')).status).to.equal(503)
  }).timeout(70_000)

  it('one alone is asked once more when it had closed a connection that was kept', async () => {
    let asked = 0
    await using upstream = await rawUpstream((_head, socket) => {
      asked += 1
      if (asked === 2) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    await using site = await serveProxy(upstream.url)
    expect((await get(site.port, '/')).status).to.equal(200)
    expect((await get(site.port, '/')).status).to.equal(200)
    expect(asked).to.equal(3)
  })
})
