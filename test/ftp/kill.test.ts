import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client as FtpClient } from 'basic-ftp'
import { AssertionError, expect } from 'chai'
import { ClientError } from '../kit/client.ts'
import { type FtpFamily, password, startFtpFamily } from './ftp-family.ts'
import { RawSession, until } from './raw-session.ts'

describe('ftp: kill -9', function () {
  this.timeout(60_000)
  let ftp: FtpFamily
  before(async () => {
    ftp = await startFtpFamily()
    await mkdir(ftp.home(), { recursive: true })
  })
  after(() => ftp[Symbol.asyncDispose]())

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

  it('of the server in the middle of uploads loses no file that was acknowledged, and makes none that is not whole', async () => {
    /** The n-th content of a file: what it holds tells which one it is, and whether it is all there. */
    const contentOf = (name: string, n: number): Buffer => Buffer.from(`${name} ${n}\n`.repeat(20_000))
    const acknowledged = new Map<string, number>()
    const names = Array.from({ length: 6 }, (_, n) => `file-${n}`)
    let going = true
    const upload = async (name: string): Promise<void> => {
      for (let n = 0; going; ) {
        try {
          using session = await RawSession.open({ host: '127.0.0.1', port: ftp.port }, 'alice', { deadlineMs: 8_000 }, password)
          for (; going; n += 1) {
            if (!(await session.upload(`STOR ${name}`, contentOf(name, n))).startsWith('226 ')) break
            acknowledged.set(name, n)
          }
        } catch (error) {
          // The server was killed under this session: the next one goes on.
          if (!(error instanceof ClientError || error instanceof AssertionError)) throw error
          n += 1
        }
      }
    }
    /** The last one that was acknowledged, or one that came after it; all of it. */
    const isWhole = async (name: string): Promise<void> => {
      const least = acknowledged.get(name) ?? 0
      const content = await readFile(ftp.home(name))
      const n = Number(content.toString('utf8', 0, 40).split('\n', 1)[0]?.split(' ')[1])
      expect(n, name).to.be.at.least(least)
      expect(content.equals(contentOf(name, n)), name).to.equal(true)
    }
    const uploads = names.map(upload)
    const pidOf = async () => (await ftp.family.status()).services.find(({ name }) => name === 'ftp')?.pid ?? 0
    for (let kill = 0; kill < 4; kill += 1) {
      await sleep(300 + kill * 37)
      process.kill(await pidOf(), 'SIGKILL')
      for (const name of acknowledged.keys()) await isWhole(name)
    }
    going = false
    await Promise.all(uploads)
    expect(acknowledged.size).to.equal(names.length)
    for (const name of names) await isWhole(name)
    const lister = new FtpClient()
    await lister.access({ host: '127.0.0.1', port: ftp.port, user: 'alice', password })
    const seen = await lister.list()
    lister.close()
    expect(seen.map(({ name }) => name)).to.have.members([...names, 'a'])
  })
})
