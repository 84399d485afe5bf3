import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'

const pop3Of = async (family: Family) => {
  const pop3 = (await family.status()).services.find(({ name }) => name === 'pop3')
  if (pop3 === undefined) throw new Error('no pop3')
  return pop3
}

const pidsOf = async (family: Family): Promise<readonly number[]> =>
  (await pop3Of(family)).workers.flatMap(({ pid, state }) => (state === 'ready' && pid !== null ? [pid] : []))

/** Whole conversations, one after the other, until told; each of them has to go well. */
const converse = (family: Family) => {
  let going = true
  let served = 0
  const done = Promise.all(
    Array.from({ length: 3 }, async () => {
      while (going) {
        using client = await Client.connect(family.port('pop3'))
        expect(await client.line()).to.match(/^\+OK/)
        expect(await client.ask('QUIT')).to.match(/^\+OK/)
        served += 1
      }
    }),
  )
  return {
    get served() {
      return served
    },
    end: () => {
      going = false
      return done
    },
  }
}

describe('a service of several workers', function () {
  this.timeout(120_000)

  it('is one row of status, with the sum of what they do, and each of them takes clients', async () => {
    await using family = await startFamily({ services: ['pop3'], args: ['--set', 'services.pop3.workers=2'] })
    const clients: Client[] = []
    const open = async () => {
      const client = await Client.connect(family.port('pop3'))
      clients.push(client)
      expect(await client.line()).to.match(/^\+OK/)
    }
    // The system deals them out: some more make it certain that nobody goes without.
    await eventually(async () => {
      await open()
      const { connections, workers, memory, pid, state } = await pop3Of(family)
      expect({ connections, state }).to.deep.equal({ connections: clients.length, state: 'ready' })
      expect(workers).to.have.length(2)
      expect(new Set(workers.map((worker) => worker.pid)).size).to.equal(2)
      expect(workers[0]?.pid).to.equal(pid)
      expect(workers.reduce((sum, worker) => sum + worker.connections, 0)).to.equal(clients.length)
      expect(memory).to.equal(workers.reduce((sum, worker) => sum + worker.memory, 0))
      for (const worker of workers) expect(worker.connections).to.be.greaterThan(0)
    }, 60_000)
    for (const client of clients) client[Symbol.dispose]()
    await eventually(async () => expect(await pop3Of(family)).to.include({ connections: 0, served: clients.length }))
  })

  it('serves on while one of them is killed: only that one is started again', async () => {
    await using family = await startFamily({ services: ['pop3'], args: ['--set', 'services.pop3.workers=2'] })
    const [killed = 0, other = 0] = await pidsOf(family)
    const clients = converse(family)
    await eventually(() => expect(clients.served).to.be.greaterThan(5))
    process.kill(killed, 'SIGKILL')
    // A conversation that it was in is lost with it: those that begin from now on are not.
    await clients.end().catch(() => undefined)
    const further = converse(family)
    await eventually(async () => {
      const pids = await pidsOf(family)
      expect(pids).to.have.length(2).and.to.include(other).and.not.to.include(killed)
    })
    await further.end()
    expect(await pop3Of(family)).to.include({ state: 'ready', restarts: 1 })
    const { lastError } = await pop3Of(family)
    expect(lastError).to.equal('was ended by SIGKILL')
  })

  it('is replaced by another number of them at a reload, and no client is refused', async () => {
    await using folder = await temporaryFolder()
    const write = (workers: number) => writeFile(folder.at('havre.yaml'), `services: { pop3: { workers: ${workers} } }`)
    await write(2)
    await using family = await startFamily({ folder, services: ['pop3'], args: ['--config', folder.at('havre.yaml')] })
    const clients = converse(family)
    for (const workers of [3, 1, 2]) {
      const before = await pidsOf(family)
      await write(workers)
      expect((await family.havre(['reload'])).code).to.equal(0)
      const pids = await pidsOf(family)
      expect(pids).to.have.length(workers)
      expect(pids.filter((pid) => before.includes(pid))).to.deep.equal([])
    }
    await clients.end()
    expect(await pop3Of(family)).to.include({ state: 'ready', restarts: 0 })
    await eventually(async () => expect((await pop3Of(family)).served).to.equal(clients.served))
  })
})
