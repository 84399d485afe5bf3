import { readdirSync, readFileSync } from 'node:fs'
import process from 'node:process'
import { expect } from 'chai'
import { backoff } from '../../servers/supervisor/lifecycle.ts'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

const off = (...names: string[]) => names.flatMap((name) => ['--set', `services.${name}.enabled=false`])

/** Nothing is cut off by the deadline of a drain. */
const startPop3AndFtp = (folder: TemporaryFolder): Promise<Family> =>
  startFamily({ folder, args: [...off('http', 'smtp'), '--set', 'drain=10m'] })

/** The children of a family's data folder, whoever knows of them, by the system's own list. */
const childrenOf = (folder: TemporaryFolder, service: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const args = argumentsOf(pid)
      return args.at(-2) === service && args.at(-1) === `--data=${folder.at('data')}`
    })
    .map(Number)

const argumentsOf = (pid: string): string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
  } catch {
    // It ended while we looked.
    return []
  }
}

/** @param pid of one that may have ended already; null: of one that had */
const kill = (pid: number | undefined | null): void => {
  if (typeof pid !== 'number') return
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** How often a test goes again that came too late: the new child was ready before it, or the old one, was killed. */
const mostTries = 3

const pop3Of = async (family: Family) => {
  const { services } = await family.status()
  const pop3 = services.find(({ name }) => name === 'pop3')
  if (pop3 === undefined) throw new Error('no pop3')
  return pop3
}

/** A conversation that has been greeted. */
const talking = async (family: Family, service: string): Promise<Client> => {
  const client = await Client.connect(family.port(service))
  await client.line()
  return client
}

describe('a takeover', function () {
  this.timeout(240_000)

  let folder: TemporaryFolder
  let family: Family
  let running = false

  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  beforeEach(async () => {
    if (running) return
    folder = await temporaryFolder()
    family = await startPop3AndFtp(folder)
    running = true
  })

  afterEach(async () => {
    // A test that ended its family leaves the next one to be started.
    if (running && family.process.exitCode === null && family.process.signalCode === null) return
    await clear()
  })

  after(() => clear())

  const clear = async (): Promise<void> => {
    if (!running) return
    running = false
    for (const service of ['pop3', 'ftp']) for (const pid of childrenOf(folder, service)) process.kill(pid, 'SIGKILL')
    family.process.kill('SIGKILL')
    await family.ended
    await folder.remove()
  }

  const steady = () => eventually(async () => expect(await pop3Of(family)).to.include({ state: 'ready' }))

  const childrenAre = (service: string, count: number) =>
    eventually(() => expect(childrenOf(folder, service)).to.have.length(count))

  it('that is asked for twice at once happens twice, one after the other', async () => {
    const outcomes = await Promise.all([1, 2, 3].map(() => family.havre(['restart', 'pop3'])))
    expect(outcomes.map(({ code }) => code)).to.deep.equal([0, 0, 0])
    await childrenAre('pop3', 1)
    const { pid, state, restarts } = await pop3Of(family)
    expect({ pid, state, restarts }).to.deep.equal({ pid: childrenOf(folder, 'pop3')[0], state: 'ready', restarts: 0 })
  })

  it('that fails since the new child is killed is told, and the old one goes on', async () => {
    const failed = async () => {
      for (let tries = 1; ; tries++) {
        await steady()
        await childrenAre('pop3', 1)
        const { pid: old, restarts } = await pop3Of(family)
        const restarted = family.havre(['restart', 'pop3'])
        const fresh = await eventually(() => {
          const pid = childrenOf(folder, 'pop3').find((child) => child !== old)
          expect(pid).to.be.a('number')
          return pid
        })
        kill(fresh)
        const { code, stderr } = await restarted
        if (code !== 0 || tries === mostTries) return { old, restarts, code, stderr }
      }
    }
    const { old, restarts, code, stderr } = await failed()
    expect(code).to.equal(111)
    expect(stderr).to.contain('SIGKILL')
    expect(await pop3Of(family)).to.include({ pid: old, state: 'ready', restarts })
    using client = await talking(family, 'pop3')
    expect(await client.ask('QUIT')).to.match(/^\+OK/)
  })

  it('goes well when the old child dies before the new one is ready: no other is started after the pause', async () => {
    const went = async () => {
      for (let tries = 1; ; tries++) {
        const { restarts } = await pop3Of(family)
        // Each death doubles the pause: after the fourth the new child is likely ready before it is over.
        for (let round = 1; round <= 3; round++) {
          await steady()
          kill((await pop3Of(family)).pid)
          await eventually(async () => expect(await pop3Of(family)).to.include({ restarts: restarts + round }))
        }
        await steady()
        const { pid: old } = await pop3Of(family)
        const restarted = family.havre(['restart', 'pop3'])
        await eventually(() => expect(childrenOf(folder, 'pop3').some((pid) => pid !== old)).to.equal(true))
        kill(old)
        expect((await restarted).code).to.equal(0)
        await childrenAre('pop3', 1)
        if ((await pop3Of(family)).restarts !== restarts + 3 || tries === mostTries) return restarts
      }
    }
    const restarts = await went()
    await new Promise((resolve) => setTimeout(resolve, Math.min(backoff.longestMs, backoff.firstMs * 2 ** (restarts + 3))))
    await childrenAre('pop3', 1)
    expect(await pop3Of(family)).to.include({ pid: childrenOf(folder, 'pop3')[0], state: 'ready', restarts: restarts + 4 })
  })

  it('is given up when the family is stopped meanwhile: it ends with 0, and nobody stays', async () => {
    const restarted = Promise.all([family.havre(['restart', 'pop3']), family.havre(['restart', 'ftp']), family.havre(['reload'])])
    await eventually(() => expect([...childrenOf(folder, 'pop3'), ...childrenOf(folder, 'ftp')]).to.have.length.above(2))
    expect(await family.stop()).to.deep.equal({ code: 0, signal: null })
    await restarted
    await childrenAre('pop3', 0)
    await childrenAre('ftp', 0)
  })

  it('leaves conversations to the old child; a stop ends them there too, without waiting for the end of the drain', async () => {
    using client = await talking(family, 'ftp')
    expect((await family.havre(['restart', 'ftp'])).code).to.equal(0)
    expect(await client.ask('NOOP')).to.match(/^\d/)
    expect(await family.stop()).to.deep.equal({ code: 0, signal: null })
    expect(await client.line()).to.match(/^421 /)
    await childrenAre('ftp', 0)
  })

  it('leaves an old child that ends within seconds of its supervisor, whatever the drain', async () => {
    using client = await talking(family, 'ftp')
    expect((await family.havre(['restart', 'ftp'])).code).to.equal(0)
    await childrenAre('ftp', 2)
    family.process.kill('SIGKILL')
    await family.ended
    expect(await client.line()).to.match(/^421 /)
    await childrenAre('ftp', 0)
  })
})
