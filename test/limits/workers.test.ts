import { expect } from 'chai'
import { SharedAdmission } from '../../servers/host/shared-admission.ts'
import { AdmissionShare, AdmissionTable } from '../../shared/limits/admission.ts'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'

const limits = { connections: 3, connectionsPerAddress: 2, connectionsPerSecond: null }

describe('the limits of a service over several processes', () => {
  it('are of one table, and a process that dies gives free what it held, and nothing else', () => {
    const table = new AdmissionTable(limits)
    const [one, two] = [new AdmissionShare(table), new AdmissionShare(table)]
    expect([one.admit('a'), two.admit('a'), one.admit('a'), two.admit('b'), one.admit('c')]).to.deep.equal([
      null,
      null,
      'connectionsPerAddress',
      null,
      'connections',
    ])
    two.end()
    two.release('a')
    expect(table.open).to.equal(1)
    expect([one.admit('a'), one.admit('b'), one.admit('c')]).to.deep.equal([null, null, 'connections'])
  })

  it('ask once for a flood of one address, and answer all of it', async () => {
    const sent: { type: string; id: number }[] = []
    const admission = new SharedAdmission((message) => {
      if (message.type === 'admit') sent.push(message)
    })
    const first = admission.admit('a')
    expect(first).to.be.instanceOf(Promise)
    admission.answered(sent[0]?.id ?? 0, 'connectionsPerAddress')
    expect(await first).to.equal('connectionsPerAddress')
    for (let n = 0; n < 100; n++) expect(admission.admit('a')).to.equal('connectionsPerAddress')
    expect(sent).to.have.length(1)
    expect(admission.admit('b')).to.be.instanceOf(Promise)
  })

  it('let nobody in, and keep nobody waiting, once the supervisor is gone', async () => {
    const admission = new SharedAdmission(() => undefined)
    const waiting = admission.admit('a')
    admission.close()
    expect(await waiting).to.equal('connections')
    expect(admission.admit('b')).to.equal('connections')
  })

  const pop3Of = async (family: Family) => {
    const pop3 = (await family.status()).services.find(({ name }) => name === 'pop3')
    if (pop3 === undefined) throw new Error('no pop3')
    return pop3
  }

  it('hold exactly over all workers, and are given free when one of them is killed', async () => {
    const args = ['workers=3', 'limits.connectionsPerAddress=6'].flatMap((setting) => ['--set', `services.pop3.${setting}`])
    await using family = await startFamily({ services: ['pop3'], args })
    const clients: Client[] = []
    const open = async (from: string): Promise<boolean> => {
      const client = await Client.connect(family.port('pop3'), { from })
      clients.push(client)
      return (await client.line()).startsWith('+OK')
    }
    const opened = async (from: string, tries: number): Promise<number> => {
      const outcomes = await Promise.all(Array.from({ length: tries }, () => open(from)))
      return outcomes.filter((served) => served).length
    }
    try {
      // All at once: they meet all workers, and the seventh is refused wherever it arrives.
      expect(await opened('127.0.0.2', 40)).to.equal(6)
      expect(await opened('127.0.0.3', 10)).to.equal(6)
      await eventually(async () => expect((await pop3Of(family)).connections).to.equal(12))
      const before = await pop3Of(family)
      expect(before.refused).to.deep.equal({ connectionsPerAddress: 38 })
      const [killed] = before.workers.toSorted((one, other) => other.connections - one.connections)
      if (killed === undefined || killed.pid === null) throw new Error('no worker')
      expect(killed.connections).to.be.within(1, 12)
      process.kill(killed.pid, 'SIGKILL')
      await eventually(async () => {
        const now = await pop3Of(family)
        expect(now.workers.every(({ pid, state }) => state === 'ready' && pid !== killed.pid)).to.equal(true)
      })
      // Whatever they were: just those that died with the worker can come again.
      expect((await opened('127.0.0.2', 12)) + (await opened('127.0.0.3', 12))).to.equal(killed.connections)
      expect((await pop3Of(family)).connections).to.equal(12)
    } finally {
      for (const client of clients) client[Symbol.dispose]()
    }
  }).timeout(120_000)
})
