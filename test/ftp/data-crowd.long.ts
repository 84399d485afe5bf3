import { readFile, truncate, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import type { Client } from '../kit/client.ts'
import { descriptors, listening, noDescriptorSince } from './descriptors.ts'
import { freePorts } from './free-ports.ts'
import { type FtpFamily, password, startFtpFamily } from './ftp-family.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

describe('ftp: many data connections', () => {
  it('10,000 transfers leave no descriptor and no port behind', async () => {
    const from = await freePorts(8)
    await using running = await serveFtp({ options: { passive: { ports: `${from}-${from + 7}` } } })
    await new Home(running).put('a', 'content')
    using first = await RawSession.open(running)
    await first.download('RETR a')
    const before = descriptors()
    const sessions = 10
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(
        Array.from({ length: sessions }, async (_, n) => {
          using session = await RawSession.open(running)
          for (let turn = 0; turn < 25; turn += 1) {
            expect((await session.download('RETR a')).toString()).to.equal('content')
            expect(await session.upload(`STOR b${n}`, 'content')).to.match(/^226 /)
          }
        }),
      )
    }
    expect(running.journal.of('file.transferred').length).to.be.greaterThan(10_000)
    await until('all sessions but one are over', () => running.open === 1)
    expect(listening(from, from + 7)).to.equal(0)
    await noDescriptorSince(before)
    expect(running.journal.of('data.no-port')).to.deep.equal([])
  }).timeout(900_000)
})

/** Memory of a process that no other shares with it, in MiB. */
const privateMiB = async (pid: number): Promise<number> => {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1')
  const kibOf = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1])
  return (kibOf('Private_Clean') + kibOf('Private_Dirty')) / 1024
}

describe('ftp: 500 sessions at once of which 100 transfer', function () {
  this.timeout(900_000)
  if (process.platform !== 'linux') return
  let ftp: FtpFamily
  before(async () => {
    ftp = await startFtpFamily(['--set', 'limits.connections=600', '--set', 'limits.connectionsPerAddress=600'])
  })
  after(() => ftp[Symbol.asyncDispose]())

  it('keep the memory of the child bounded: downloads that nobody reads, slow ones and uploads together', async () => {
    using warm = await RawSession.open({ host: '127.0.0.1', port: ftp.port }, 'alice', {}, password)
    await warm.upload('STOR warm', 'x')
    await writeFile(ftp.home('large'), '')
    await truncate(ftp.home('large'), 256 * 2 ** 20)
    const { services } = await ftp.family.status()
    const pid = services.find(({ name }) => name === 'ftp')?.pid ?? 0
    const before = await privateMiB(pid)
    const sessions: RawSession[] = []
    for (let n = 0; n < 500; n += 20) {
      sessions.push(
        ...(await Promise.all(
          Array.from({ length: 20 }, () => RawSession.open({ host: '127.0.0.1', port: ftp.port }, 'alice', {}, password)),
        )),
      )
    }
    const idle = await privateMiB(pid)
    const busy: Client[] = []
    for (const [n, session] of sessions.slice(0, 100).entries()) {
      const data = await session.passive()
      busy.push(data)
      if (n % 2 === 0) {
        // Nobody reads what comes: a slow client at its slowest.
        data.pause()
        expect(await session.ask('RETR large')).to.match(/^150 /)
      } else {
        expect(await session.ask(`STOR up${n}`)).to.match(/^150 /)
      }
    }
    const octets = Buffer.alloc(2 ** 20)
    for (let round = 0; round < 4; round += 1)
      await Promise.all(busy.filter((_, n) => n % 2 === 1).map((data) => data.send(octets)))
    const transferring = await privateMiB(pid)
    console.log(
      `      private memory of the child, MiB: ${before.toFixed(0)} alone, ${idle.toFixed(0)} with 500 sessions, ${transferring.toFixed(0)} with 100 transfers`,
    )
    expect(idle - before).to.be.below(100)
    expect(transferring - idle).to.be.below(120)
    for (const data of busy) data.reset()
    for (const session of sessions) session[Symbol.dispose]()
  })
})
