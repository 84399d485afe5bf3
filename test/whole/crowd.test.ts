import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { type Family, useFamily } from '../kit/family.ts'
import { withAccounts } from './accounts.ts'

const crowd = 200

/** What a client says to each service, and what comes back: greeted, a command answered. */
const conversations: Readonly<Record<string, (client: Client) => Promise<void>>> = {
  http: async (client) => {
    await client.send('HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await client.line()).to.match(/^HTTP\/1\.1 \d{3} /)
    while ((await client.line()) !== '');
  },
  ftp: async (client) => {
    await client.command('NOOP')
    expect((await client.reply()).at(-1)).to.match(/^[25]\d\d /)
  },
  smtp: async (client) => {
    await client.command('NOOP')
    expect(await client.reply()).to.have.length(1)
  },
  pop3: async (client) => {
    await client.command('CAPA')
    expect(await client.line()).to.match(/^\+OK/)
    while ((await client.line()) !== '.');
  },
}

const greeted = async (family: Family, service: string, from: string): Promise<Client> => {
  const client = await Client.connect(family.port(service), { deadlineMs: 60_000, from })
  if (service !== 'http') expect((await client.reply())[0]).to.match(/^(?:220|\+OK)/)
  return client
}

describe('the whole: many clients', function () {
  // Whole processes start and end here: on a machine that does other things too, that takes what it takes.
  this.timeout(120_000)
  const family = useFamily({ args: ['--set', 'limits.idle=60s'] })
  withAccounts(family, { alice: 'crowd secret' })

  for (const [service, converse] of Object.entries(conversations)) {
    it(`${crowd} connections to ${service} are held open at once, and each is served`, async () => {
      const clients: Client[] = []
      try {
        // From eight addresses: one that has too many is another matter.
        const opening = Array.from({ length: crowd }, async (_, n) => {
          const client = await greeted(family(), service, `127.0.0.${2 + (n % 8)}`)
          clients.push(client)
        })
        await Promise.all(opening)
        await Promise.all(clients.map(converse))
        const { services } = await family().status()
        expect(services.find(({ name }) => name === service)?.connections).to.equal(crowd)
        // Backwards, one by one, while all others stay open.
        for (const client of clients.toReversed().slice(0, 20)) await converse(client)
      } finally {
        for (const client of clients) client[Symbol.dispose]()
      }
    })

    it(`slow clients of ${service} delay nobody`, async () => {
      const slow: Client[] = []
      try {
        for (let n = 0; n < 20; n++) {
          const client = await Client.connect(family().port(service), { from: '127.0.0.20' })
          slow.push(client)
          // Reads nothing, and never finishes what it says.
          client.pause()
          await client.send(service === 'http' ? 'GET / HTTP/1.1\r\nHost: loc' : 'NO')
        }
        using quick = await greeted(family(), service, '127.0.0.30')
        for (let n = 0; n < 100; n++) await converse(quick)
      } finally {
        for (const client of slow) client[Symbol.dispose]()
      }
    })
  }

  it('a client that does not read what it asked for delays nobody, and costs no memory', async () => {
    const { services: before } = await family().status()
    using slow = await Client.connect(family().port('pop3'), { from: '127.0.0.40' })
    slow.pause()
    // Some megabytes of answers that nobody takes.
    const asked = slow.send('CAPA\r\n'.repeat(20_000))
    using quick = await greeted(family(), 'pop3', '127.0.0.41')
    for (let n = 0; n < 100; n++) await conversations['pop3']?.(quick)
    const { services: after } = await family().status()
    const memory = (services: typeof before) => services.find(({ name }) => name === 'pop3')?.memory ?? Number.NaN
    expect(memory(after) - memory(before)).to.be.below(64 * 2 ** 20)
    slow[Symbol.dispose]()
    await asked
  })
})
