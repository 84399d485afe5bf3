import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import type { Running } from '../kit/serving.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { openBelow } from './open-files.ts'
import { get, readAnswers } from './raw.ts'
import { serveSite } from './site.ts'

/** Attackers of each kind, at once. */
const crowd = 40

const request = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`

/** Sends these again and again, a moment apart, until the server has closed. */
const dribble = async (client: Client, octets: string): Promise<void> => {
  while (!client.ended) {
    await client.send(octets)
    await sleep(20)
  }
}

const crowdOf = (port: number): Promise<Client[]> => Promise.all(Array.from({ length: crowd }, () => Client.connect(port)))

/** What all of them were told. */
const statusesOf = async (clients: readonly Client[]): Promise<number[][]> => {
  const said = await Promise.all(clients.map((client) => client.rest()))
  return said.map((octets) => readAnswers(octets).map(({ status }) => status))
}

const all = <T>(value: T): T[] => Array.from({ length: crowd }, () => value)

describe('slow clients', () => {
  const slow = (title: string, attack: (site: Running) => Promise<void>) =>
    it(title, () =>
      undisturbed(1_000, async () => {
        await using site = await serveSite(
          { 'www/a.txt': 'hello\n', 'www/large': Buffer.alloc(20_000_000) },
          {
            options: { timeouts: { headers: '3s', request: '4s', keepAlive: '4s' } },
            limits: { idleMs: 3_000 },
          },
        )
        await attack(site)
      }),
    )

  /** Others have their file while the slow ones are at it. */
  const othersAreServed = async (site: Running): Promise<void> => {
    for (let n = 0; n < 10; n++) expect((await get(site.port, '/a.txt')).status).to.equal(200)
  }

  slow('of heads are told 408 at the deadline, though something always comes', async (site) => {
    const clients = await crowdOf(site.port)
    const going = clients.map(async (client) => {
      await client.send('GET /a.txt HTTP/1.1\r\nHost: localhost\r\n')
      await dribble(client, 'X-A: b\r\n')
    })
    await othersAreServed(site)
    await Promise.all(going)
    expect(await statusesOf(clients)).to.deep.equal(all([408]))
    expect(site.journal.of('request.malformed').filter(({ fields }) => fields['status'] === 408)).to.have.length(crowd)
  })

  slow('of request lines are told 408 too, and leave no trace of what was half said', async (site) => {
    const clients = await crowdOf(site.port)
    const before = site.journal.of('request.malformed').length
    const going = clients.map(async (client) => {
      await client.send('GET /')
      await dribble(client, 's')
    })
    await othersAreServed(site)
    await Promise.all(going)
    expect(await statusesOf(clients)).to.deep.equal(all([408]))
    expect(
      site.journal
        .of('request.malformed')
        .slice(before)
        .map(({ fields }) => fields['path'] ?? null),
    ).to.deep.equal(all(null))
  })

  slow('of content are answered at once and not waited for beyond the deadline', async (site) => {
    const clients = await crowdOf(site.port)
    const going = clients.map(async (client) => {
      await client.send(request('/a.txt', 'Content-Length: 60000\r\n'))
      await dribble(client, 'x')
    })
    await othersAreServed(site)
    await Promise.all(going)
    expect(await statusesOf(clients)).to.deep.equal(all([200]))
  })

  slow('of chunks likewise', async (site) => {
    const clients = await crowdOf(site.port)
    const going = clients.map(async (client) => {
      await client.send(request('/a.txt', 'Transfer-Encoding: chunked\r\n'))
      await dribble(client, '1\r\nx\r\n')
    })
    await othersAreServed(site)
    await Promise.all(going)
    expect(await statusesOf(clients)).to.deep.equal(all([200]))
  })

  slow(
    'of reading hold one file each, and are cut off when they take too little, though they always take something',
    async (site) => {
      const clients = await crowdOf(site.port)
      const asking = clients.map(async (client) => {
        await client.send(request('/large').repeat(3))
        await client.line()
        client.pause()
      })
      await Promise.all(asking)
      expect(openBelow(site.settings.data).length).to.be.at.most(crowd)
      // An octet now and then opens no window that is worth a packet: for the server nothing moves.
      const going = clients.map(async (client) => {
        while (!client.ended && !client.socket.destroyed) {
          client.socket.read(1)
          await sleep(50)
        }
      })
      await othersAreServed(site)
      while (site.open > 0) await sleep(20)
      for (const client of clients) client[Symbol.dispose]()
      await Promise.all(going)
      expect(openBelow(site.settings.data)).to.deep.equal([])
      const records = site.journal.of('request.finished').filter(({ fields }) => fields['path'] === '/large')
      expect(records.map(({ fields }) => fields['complete'])).to.deep.equal(Array.from({ length: crowd * 3 }, () => false))
    },
  )

  slow('that say nothing at all are let go without a word', async (site) => {
    const clients = await crowdOf(site.port)
    await othersAreServed(site)
    expect(await statusesOf(clients)).to.deep.equal(all([]))
  })
})
