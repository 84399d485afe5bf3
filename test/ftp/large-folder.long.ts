import { closeSync, linkSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type FtpFamily, password, startFtpFamily } from './ftp-family.ts'
import { RawSession } from './raw-session.ts'

const entries = 100_000
const linksOfOne = 30_000

/** The most memory that a process had so far, in MiB (proc(5), VmHWM). */
const peakMiB = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024

describe('ftp: a folder of 100,000 files', function () {
  this.timeout(900_000)
  let ftp: FtpFamily
  let pid: number
  before(async function () {
    if (process.platform !== 'linux') this.skip()
    ftp = await startFtpFamily()
    mkdirSync(ftp.home('many'), { recursive: true })
    for (let n = 0, one = ''; n < entries; n += 1) {
      const name = ftp.home('many', `file number ${n}.txt`)
      // Links cost less than files; a file has a bound of them.
      if (n % linksOfOne !== 0) linkSync(one, name)
      else {
        closeSync(openSync(name, 'w'))
        one = name
      }
    }
    pid = (await ftp.family.status()).services.find(({ name }) => name === 'ftp')?.pid ?? Number.NaN
  })
  after(async () => {
    await ftp?.[Symbol.asyncDispose]()
  })
  const open = () => RawSession.open({ host: '127.0.0.1', port: ftp.port }, 'alice', { deadlineMs: 200_000 }, password)

  it('is listed whole, in bounded memory, while others are served', async () => {
    using session = await open()
    await session.download('LIST')
    const before = peakMiB(pid)
    for (const command of ['LIST many', 'NLST many', 'MLSD many', 'LIST -lat many', 'NLST -R', 'NLST many/*9.txt']) {
      using other = await open()
      let listed = false
      const listing = session.download(command).finally(() => {
        listed = true
      })
      let served = 0
      for (; !listed; served += 1) {
        expect(await other.ask('SIZE many/file number 7.txt')).to.equal('213 0')
        await sleep(20)
      }
      const lines = (await listing).toString().split('\r\n').length - 1
      expect(lines, command).to.be.within(command.includes('*') ? entries / 10 : entries, entries + 5)
      expect(served, command).to.be.greaterThan(10)
    }
    const grown = peakMiB(pid) - before
    console.log(`      peak of the child: ${before.toFixed(0)} MiB before, ${grown.toFixed(0)} MiB more after`)
    // About 60 was measured; how late the engine collects is its own affair.
    expect(grown).to.be.lessThan(192)
  })

  it('need not be listed to its end', async () => {
    using session = await open()
    for (const command of ['LIST many', 'MLSD many', 'NLST -Rt']) {
      const data = await session.passive()
      expect(await session.ask(command)).to.match(/^150 /)
      await session.control.command('ABOR')
      expect(await session.reply()).to.match(/^426 /)
      expect(await session.reply()).to.match(/^226 /)
      data.end()
    }
    await session.control.send('STAT many\r\nABOR\r\nNOOP\r\n')
    expect((await session.reply()).split('\n')).to.have.length.lessThan(entries)
    for (const code of ['226 ', '200 ']) expect((await session.reply()).slice(0, 4)).to.equal(code)
  })
})
