import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { turns } from '../kit/turns.ts'
import { AgainSite, exchange, getOf, nextAnswer } from './again-site.ts'

/** More than any system takes for a client that does not read. */
const large = Buffer.alloc(12 * 2 ** 20, 'a')

const learn = async (site: AgainSite, ...requests: readonly string[]): Promise<void> => {
  using client = await Client.connect(site.port)
  for (const request of requests) await exchange(client, request)
}

/** A client that has asked for `/large`, which is known, and reads nothing of it. @param before what it asked for first, known too */
const stalled = async (site: AgainSite, ...before: readonly string[]): Promise<Client> => {
  await learn(site, ...before, getOf('/large'))
  const { asked } = site
  const client = await Client.connect(site.port)
  for (const request of before) await exchange(client, request)
  client.pause()
  await client.send(getOf('/large'))
  await turns(100)
  expect(site.asked, 'asked for what is known').to.equal(asked)
  return client
}

const last = (site: AgainSite) => site.site.journal.of('request.finished').at(-1)?.fields

describe('the end of an answer that was known, and of its connection', () => {
  it('is waited for by a stop', async () => {
    await using site = await AgainSite.start({ large }, { endMs: 20_000 })
    using client = await stalled(site)
    const closed = site.site.close()
    await turns(200)
    client.resume()
    expect((await nextAnswer(client)).body.equals(large)).to.equal(true)
    await client.closed()
    await closed
    expect(last(site)).to.deep.include({ path: '/large', status: 200, octets: large.length })
    expect(last(site)?.['complete']).to.not.equal(false)
  })

  it('is told in its record as not reached where the client went', async () => {
    await using site = await AgainSite.start({ large })
    using client = await stalled(site)
    client.reset()
    await eventually(() => expect(last(site)).to.include({ path: '/large', complete: false }))
    expect(site.site.journal.of('request.finished')).to.have.length(2)
  })

  it('comes for a client that takes nothing of it for so long as the host lets it', async () => {
    await using site = await AgainSite.start({ large }, { limits: { idleMs: 3_000 } })
    using client = await stalled(site)
    await eventually(() => expect(last(site)).to.include({ path: '/large', complete: false }), 20_000)
    client.resume()
    await client.rest()
  })

  it('comes when the client is silent behind it for as long as behind any other', async () => {
    await using site = await AgainSite.start({}, { options: { timeouts: { headers: '60s', keepAlive: '1s' } } })
    await learn(site, getOf('/a'))
    using client = await Client.connect(site.port, { deadlineMs: 20_000 })
    await exchange(client, getOf('/a'))
    await client.closed()
  })

  it('comes no sooner, though a client that has asked for nothing yet may be silent for less', async () => {
    await using site = await AgainSite.start({}, { options: { timeouts: { headers: '3s', keepAlive: '60s' } } })
    await learn(site, getOf('/a'))
    using slow = await Client.connect(site.port)
    await exchange(slow, getOf('/a'))
    using silent = await Client.connect(site.port, { deadlineMs: 20_000 })
    await silent.closed()
    await sleep(500)
    expect((await exchange(slow, getOf('/a'))).status).to.equal(200)
    expect(site.asked).to.equal(1)
  })

  it('sets no deadline for the answer to a request that came meanwhile', async () => {
    // Behind an answer a client may be silent for as long as this, and a second more.
    await using site = await AgainSite.start({ large, slow: () => sleep(5_000) }, { options: { timeouts: { keepAlive: '2s' } } })
    using client = await stalled(site, getOf('/a'))
    await client.send(getOf('/slow'))
    await turns(100)
    client.resume()
    expect((await nextAnswer(client)).body.equals(large)).to.equal(true)
    expect((await nextAnswer(client)).body.toString()).to.equal('GET /slow')
    expect((await exchange(client, getOf('/large'))).body.length).to.equal(large.length)
  }).timeout(60_000)

  it('keeps what comes behind it in order while a client takes its time', async () => {
    await using site = await AgainSite.start({ large })
    await learn(site, getOf('/a'))
    using client = await stalled(site)
    for (const request of [getOf('/a'), getOf('/b'), getOf('/a'), getOf('/c', 'Connection: close\r\n')]) {
      await client.send(request)
      await sleep(20)
    }
    client.resume()
    const bodies: string[] = []
    for (let n = 0; n < 5; n++) bodies.push((await nextAnswer(client)).body.subarray(0, 10).toString())
    expect(bodies).to.deep.equal(['aaaaaaaaaa', 'GET /a', 'GET /b', 'GET /a', 'GET /c'])
    await client.closed()
  })
})

/** What sockets that serve the port are asked to end in stages; `off` puts everything back. */
const endsInStages = (port: number): { count: number; off(): void } => {
  const { end } = Socket.prototype
  const seen = {
    count: 0,
    off: () => {
      Socket.prototype.end = end
    },
  }
  Socket.prototype.end = function (this: Socket, ...what: unknown[]) {
    if (this.localPort === port) seen.count += 1
    return Reflect.apply(end, this, what)
  } as typeof end
  return seen
}

describe('the end of a connection behind an answer that was known', () => {
  const ends = async (site: AgainSite, request: string): Promise<number> => {
    await learn(site, request)
    const { asked } = site
    const seen = endsInStages(site.port)
    try {
      using client = await Client.connect(site.port)
      expect((await exchange(client, request)).status).to.equal(200)
      await client.closed()
    } finally {
      seen.off()
    }
    expect(site.asked, 'asked for what is known').to.equal(asked)
    return seen.count
  }

  it('comes in one go where the client wished for it, who has nothing more to say', async () => {
    await using site = await AgainSite.start()
    expect(await ends(site, getOf('/a', 'Connection: close\r\n'))).to.equal(0)
    expect(await ends(site, 'GET /a HTTP/1.0\r\n\r\n')).to.equal(0)
  })

  it('comes in stages where the server wished for it: what the client sends meanwhile eats no answer', async () => {
    await using site = await AgainSite.start()
    expect(await ends(site, getOf('/ends'))).to.equal(1)
  })

  it('comes in stages behind what is long: its client is counted until it has gone', async () => {
    await using site = await AgainSite.start({ large })
    expect(await ends(site, getOf('/large', 'Connection: close\r\n'))).to.equal(1)
  })

  it('waits for all of the answer', async () => {
    await using site = await AgainSite.start({ large })
    const request = getOf('/large', 'Connection: close\r\n')
    await learn(site, request)
    using client = await Client.connect(site.port)
    client.pause()
    await client.send(request)
    await sleep(100)
    client.resume()
    expect((await nextAnswer(client)).body.equals(large)).to.equal(true)
    await client.closed()
    expect(last(site)).to.deep.include({ path: '/large', status: 200, octets: large.length })
  })
})

describe('a client that is gone before an answer that was known', () => {
  it('is told in its record', async () => {
    await using site = await AgainSite.start()
    await learn(site, getOf('/a'))
    for (let n = 0; n < 5; n++) {
      using client = await Client.connect(site.port)
      await exchange(client, getOf('/a'))
      // In one turn: the server finds the reset when it writes.
      void client.send(getOf('/a'))
      client.reset()
    }
    await eventually(() => expect(site.site.open).to.equal(0))
    const records = site.site.journal.of('request.finished').map(({ fields }) => fields)
    expect(records.filter(({ complete }) => complete !== false)).to.have.length(6)
  })
})
