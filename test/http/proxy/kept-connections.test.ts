import { expect } from 'chai'
import { Client } from '../../kit/client.ts'
import { eventually } from '../../kit/eventually.ts'
import { rawUpstream, serveProxy, type Upstream } from './upstream.ts'

const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'

/** Asks so often, each time when the last answer is there. */
const postOver = async (upstream: Upstream, times: number): Promise<string[]> => {
  await using site = await serveProxy(upstream.url)
  using client = await Client.connect(site.port)
  const statuses: string[] = []
  for (let at = 0; at < times; at += 1) {
    await client.send(post)
    statuses.push(await client.line())
    let octets = 0
    for (let line = await client.line(); line !== ''; line = await client.line())
      octets = Number(/^Content-Length: (\d+)$/i.exec(line)?.[1] ?? octets)
    await client.octets(octets)
  }
  return statuses
}

const ok = 'HTTP/1.1 200 OK'

describe('kept connections to an upstream server', () => {
  it('that the upstream server has ended are not used, even where it does not say that it ends them', async () => {
    await using upstream = await rawUpstream((_head, socket) => socket.end(`${ok}\r\nContent-Length: 2\r\n\r\nok`))
    expect(await postOver(upstream, 20)).to.deep.equal(Array.from({ length: 20 }, () => ok))
    expect(upstream.connections.length).to.equal(20)
  })

  it('that the upstream server is about to end, by what it says, are not used', async () => {
    await using soon = await rawUpstream((_head, socket) =>
      socket.write(`${ok}\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok`),
    )
    expect(await postOver(soon, 3)).to.deep.equal([ok, ok, ok])
    expect(soon.connections.length).to.equal(3)
    await using later = await rawUpstream((_head, socket) =>
      socket.write(`${ok}\r\nKeep-Alive: timeout=60\r\nContent-Length: 2\r\n\r\nok`),
    )
    expect(await postOver(later, 3)).to.deep.equal([ok, ok, ok])
    expect(later.connections.length).to.equal(1)
  })

  it('are ended here, before the upstream server would', async () => {
    await using upstream = await rawUpstream((_head, socket) => socket.write(`${ok}\r\nContent-Length: 2\r\n\r\nok`))
    await using site = await serveProxy(upstream.url)
    using client = await Client.connect(site.port)
    await client.send(post)
    expect(await client.line()).to.equal(ok)
    await eventually(() => expect(upstream.connections[0]?.destroyed).to.equal(true))
    expect(site.open).to.equal(1)
  })

  it('that end with a request under way that may change something give 502, and it is not sent again', async () => {
    let heads = 0
    await using upstream = await rawUpstream((_head, socket) => {
      heads += 1
      if (heads === 1) socket.write(`${ok}\r\nContent-Length: 2\r\n\r\nok`)
      else socket.destroy()
    })
    expect(await postOver(upstream, 2)).to.deep.equal([ok, 'HTTP/1.1 502 Bad Gateway'])
    expect([heads, upstream.connections.length]).to.deep.equal([2, 1])
  })
})
