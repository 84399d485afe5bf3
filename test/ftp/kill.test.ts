import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type FtpFamily, password, startFtpFamily } from './ftp-family.ts'
import { RawSession, until } from './raw-session.ts'

describe('ftp: kill -9', function () {
  this.timeout(120_000)
  let ftp: FtpFamily
  before(async () => {
    ftp = await startFtpFamily()
    await mkdir(ftp.home(), { recursive: true })
  })
  after(() => ftp[Symbol.asyncDispose]())

  /** What lies in the folder, under whatever name. */
  const hidden = async () => {
    const names = await readdir(ftp.home('folder'))
    return Promise.all(names.map((name) => stat(ftp.home('folder', name))))
  }

  const lastTransfer = async () => ({
    fields: (await ftp.family.records('ftp')).findLast(({ event }) => event === 'file.transferred'),
  })

  const killed = async (waitMs: number): Promise<void> => {
    const ended = async () => (await ftp.family.records('ftp')).filter(({ event }) => event === 'ftp.session.ended').length
    const before = await ended()
    const uploader = spawn(process.execPath, [join(import.meta.dirname, 'uploader.ts'), String(ftp.port), password], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }) as ChildProcess & { stdout: NodeJS.ReadableStream }
    await once(uploader.stdout, 'data')
    await sleep(waitMs)
    uploader.kill('SIGKILL')
    await until('the session is over', async () => (await ended()) > before)
  }

  it('of a client in the middle of its upload leaves the old file whole and nothing half', async () => {
    const kills = Number(process.env['HAVRE_TEST_KILLS'] ?? 6)
    let taken = 0
    for (let n = 0; n < kills; n += 1) {
      await writeFile(ftp.home('a'), 'old')
      await killed((n * 7) % 30)
      const { length } = await readFile(ftp.home('a'))
      expect((await readdir(ftp.home())).filter((name) => !name.startsWith('.havre-'))).to.deep.equal(['a'])
      const { fields } = await lastTransfer()
      expect(fields, `after kill ${n + 1}`).to.include(length === 3 ? { complete: false } : { complete: true, octets: length })
      if (length > 3) taken += 1
    }
    // The system ends a killed client's connections one by one: where it rests between them, the upload's end is a good one.
    expect(taken, 'kills that were taken for the end of a file').to.be.at.most(kills / 2)
  })

  it('of the server in the middle of an upload leaves nothing that is seen, or that keeps its folder', async () => {
    const host = { host: '127.0.0.1', port: ftp.port }
    for (const octets of [0, 10_000]) {
      using session = await RawSession.open(host, 'alice', { deadlineMs: 60_000 }, password)
      expect(await session.ask('MKD folder')).to.match(/^257 /)
      const data = await session.passive()
      expect(await session.ask('STOR folder/new')).to.match(/^150 /)
      await data.send(Buffer.alloc(octets))
      await until('it has arrived', async () => (await hidden()).some(({ size }) => size === octets))
      const { pid } = (await ftp.family.status()).services[0] ?? {}
      if (typeof pid !== 'number') throw new Error('the service does not run')
      process.kill(pid, 'SIGKILL')
      await session.control.rest()
      using next = await RawSession.open(host, 'alice', { deadlineMs: 60_000 }, password)
      expect((await next.download('LIST -a folder')).toString()).to.not.include('havre')
      expect(await next.ask('RMD folder')).to.match(/^250 /)
    }
  })
})
