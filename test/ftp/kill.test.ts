import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type FtpFamily, password, startFtpFamily } from './ftp-family.ts'
import { until } from './raw-session.ts'

describe('ftp: kill -9', function () {
  this.timeout(60_000)
  let ftp: FtpFamily
  before(async () => {
    ftp = await startFtpFamily()
    await mkdir(ftp.home(), { recursive: true })
  })
  after(() => ftp[Symbol.asyncDispose]())

  const killed = async (waitMs: number): Promise<void> => {
    const ended = async () => (await ftp.family.records('ftp')).filter(({ event }) => event === 'session.ended').length
    const before = await ended()
    const uploader = spawn(process.execPath, [join(import.meta.dirname, 'uploader.ts'), String(ftp.port), password], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }) as ChildProcess & { stdout: NodeJS.ReadableStream }
    await once(uploader.stdout, 'data')
    await sleep(waitMs)
    uploader.kill('SIGKILL')
    await until('the session is over', async () => (await ended()) > before)
  }

  it('of a client in the middle of its upload leaves the old file whole and nothing else', async () => {
    for (let n = 0; n < Number(process.env['HAVRE_TEST_KILLS'] ?? 6); n += 1) {
      await writeFile(ftp.home('a'), 'old')
      await killed((n * 7) % 30)
      expect((await readFile(ftp.home('a'))).length, `after kill ${n + 1}`).to.equal(3)
      expect(await readdir(ftp.home())).to.deep.equal(['a'])
    }
    const lines = (await readFile(ftp.folder.at('logs', 'ftp.transfer.log'), 'utf8')).trim().split('\n')
    for (const line of lines) expect(line).to.match(/ i$/)
  })
})
