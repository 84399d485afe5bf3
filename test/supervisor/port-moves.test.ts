import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { freePort } from '../kit/free-port.ts'

/** Children of a supervisor that serve, as Linux tells. */
const childrenOf = async (pid: number): Promise<number[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))
    .split(' ')
    .filter(Boolean)
    .map(Number)
    // Not what reads the configuration.
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('--data='))

const greetings: Readonly<Record<string, RegExp>> = { ftp: /^220 /, pop3: /^\+OK/ }

describe('a port that moves at a reload', function () {
  this.timeout(120_000)

  /** Writes which service has which port; null: it is off. */
  const write = (folder: TemporaryFolder, ports: Readonly<Record<string, number | null>>) => {
    const lines = Object.entries(ports).map(([name, port]) =>
      port === null ? `  ${name}: { enabled: false }` : `  ${name}: { enabled: true, port: ${port} }`,
    )
    return writeFile(folder.at('havre.yaml'), ['services:', ...lines].join('\n'))
  }
  const start = (folder: TemporaryFolder): Promise<Family> =>
    startFamily({ folder, args: ['--config', folder.at('havre.yaml'), ...off], services: ['http', 'ftp', 'smtp', 'pop3'] })
  const off = ['http', 'smtp'].flatMap((name) => ['--set', `services.${name}.enabled=false`])
  const expectAt = async (service: string, port: number) => {
    using client = await Client.connect(port, { deadlineMs: 60_000 })
    expect(await client.line(), `${service} at ${port}`).to.match(greetings[service] ?? /^$/)
  }
  const reload = async (family: Family) => {
    const { code, stderr } = await family.havre(['reload'])
    expect(code, stderr.toString()).to.equal(0)
  }

  it('goes from one service to another: they change places, one follows the other, one comes where another was', async () => {
    await using folder = await temporaryFolder()
    const [one, two, three] = [await freePort(), await freePort(), await freePort()]
    await write(folder, { ftp: one, pop3: two })
    await using family = await start(folder)
    await write(folder, { ftp: two, pop3: one })
    await reload(family)
    await Promise.all([expectAt('ftp', two), expectAt('pop3', one)])
    await write(folder, { ftp: one, pop3: three })
    await reload(family)
    await Promise.all([expectAt('ftp', one), expectAt('pop3', three)])
    await write(folder, { ftp: null, pop3: one })
    await reload(family)
    await expectAt('pop3', one)
    // To one that is new, from one that moves away.
    await write(folder, { ftp: one, pop3: two })
    await reload(family)
    await Promise.all([expectAt('ftp', one), expectAt('pop3', two)])
    const left = await Client.connect(three).catch((error: Error) => error.name)
    expect(left).to.equal('ClientError')
    const { services } = await family.status()
    expect(services.map(({ state, restarts }) => `${state} ${restarts}`)).to.deep.equal(['ready 0', 'ready 0'])
  })

  it('stays where it is for both when one of them cannot change', async () => {
    await using folder = await temporaryFolder()
    let [one, two] = [await freePort(), await freePort()]
    await write(folder, { ftp: one, pop3: two })
    await using family = await start(folder)
    const refused = async () => {
      for (let tries = 1; ; tries++) {
        const before = await eventually(async () => {
          const status = await family.status()
          expect(status.services.map(({ state }) => state)).to.deep.equal(['ready', 'ready'])
          expect(await childrenOf(status.supervisor.pid)).to.have.length(2)
          return status
        })
        await write(folder, { ftp: two, pop3: one })
        const reloading = family.havre(['reload'])
        // The first of the new children that is seen does not live to take over.
        const old = new Set(before.services.map(({ pid }) => pid))
        await eventually(async () => {
          const ours = await childrenOf(before.supervisor.pid)
          const [fresh] = ours.filter((pid) => !old.has(pid))
          expect(fresh).to.be.a('number')
          process.kill(fresh ?? 0, 'SIGKILL')
        })
        const outcome = await reloading
        if (outcome.code !== 0 || tries === 10)
          return { before, ...outcome }
          // It was seen too late, when both could change: they changed.
        ;[one, two] = [two, one]
      }
    }
    const { before, code, stderr } = await refused()
    expect(code).to.equal(111)
    expect(stderr.toString()).to.include('SIGKILL')
    await Promise.all([expectAt('ftp', one), expectAt('pop3', two)])
    expect((await family.status()).services.map(({ pid }) => pid)).to.deep.equal(before.services.map(({ pid }) => pid))
    await reload(family)
    await Promise.all([expectAt('ftp', two), expectAt('pop3', one)])
  })

  it('resets nobody who waited at the old one: they are served before it is closed', async () => {
    await using folder = await temporaryFolder()
    const [one, two] = [await freePort(), await freePort()]
    await write(folder, { ftp: null, pop3: one })
    await using family = await start(folder)
    const pid = (await family.status()).services.find(({ name }) => name === 'pop3')?.pid ?? 0
    process.kill(pid, 'SIGSTOP')
    const waiting = await Promise.all(Array.from({ length: 20 }, () => Client.connect(one, { deadlineMs: 60_000 })))
    await write(folder, { ftp: null, pop3: two })
    await reload(family)
    process.kill(pid, 'SIGCONT')
    for (const client of waiting) {
      expect(await client.line()).to.match(/^\+OK/)
      expect(await client.ask('QUIT')).to.match(/^\+OK/)
      client[Symbol.dispose]()
    }
    await expectAt('pop3', two)
  })
})
