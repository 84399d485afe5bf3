import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { describeWith } from '../kit/programs.ts'
import { type Ended, run } from '../kit/run.ts'
import { type FtpFamily, password, startFtpFamily } from './ftp-family.ts'
import { RawSession, until } from './raw-session.ts'

const digest = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex')

describe('ftp: real clients continue what broke off', function () {
  this.timeout(120_000)
  let ftp: FtpFamily
  const content = randomBytes(1_500_001)
  const came = 700_000
  before(async () => {
    ftp = await startFtpFamily()
  })
  after(() => ftp[Symbol.asyncDispose]())
  beforeEach(async () => {
    for (const folder of [ftp.home(), ftp.local()]) {
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { recursive: true })
    }
    await writeFile(ftp.local('up.bin'), content)
  })

  const succeeds = async (command: string, args: readonly string[]): Promise<Ended> => {
    const ended = await run(command, args, { cwd: ftp.local(), env: { HOME: ftp.local() }, deadlineMs: 60_000 })
    expect(ended.code, `${command}: ${ended.stdout}\n${ended.stderr}`).to.equal(0)
    return ended
  }
  const same = async (path: string): Promise<void> => {
    expect(digest(await readFile(path)), path).to.equal(digest(content))
  }
  const opened = () => RawSession.open({ host: '127.0.0.1', port: ftp.port }, 'alice', {}, password)

  /** The upload of `up.bin` as far as it came; `cut` breaks it off. */
  const breakOff = async (cut: (session: RawSession) => Promise<void> | void): Promise<void> => {
    using session = await opened()
    const data = await session.passive()
    expect(await session.ask('STOR up.bin')).to.match(/^150 /)
    await data.send(content.subarray(0, came))
    await until('it has come', async () => (await session.ask('STAT')).includes(`under way: ${came} octets`))
    await cut(session)
  }
  const lostConnection = () => breakOff((session) => session.control.reset())

  /** The last transfer was of what was missing only. */
  const lastTransferIs = (direction: 'upload' | 'download') =>
    eventually(async () => {
      const last = (await ftp.family.records('ftp')).filter(({ event }) => event === 'file.transferred').at(-1)
      expect(last).to.include({ direction, complete: true, octets: content.length - came })
    })

  /** The last upload sent only what was missing. */
  const onlyTheRest = async (): Promise<void> => {
    await same(ftp.home('up.bin'))
    expect(await readdir(ftp.home())).to.deep.equal(['up.bin'])
    await lastTransferIs('upload')
  }

  describe('uploads', () => {
    // Not ncftpput: 3.2.6 says where it goes on, and then sends the file from its beginning, to every server.
    const clients = {
      curl: () => succeeds('curl', ['-sS', '-C', '-', '-T', 'up.bin', `${ftp.url}/up.bin`]),
      lftp: () => succeeds('lftp', ['-c', `set ftp:ssl-allow no; open ${ftp.url}; put -c up.bin; bye`]),
    }
    for (const [name, resume] of Object.entries(clients)) {
      describeWith([name], name, () => {
        it('sends only what is missing when its connection was lost', async () => {
          await lostConnection()
          await resume()
          await onlyTheRest()
        })
      })
    }

    describeWith(['curl'], 'curl', () => {
      it('sends only what is missing when the server was killed', async () => {
        const pidOf = async () => (await ftp.family.status()).services.find(({ name }) => name === 'ftp')
        const before = await pidOf()
        await breakOff(async () => {
          // What came is gathered for a moment before it is written.
          await until('it is written', async () => {
            const [hidden = ''] = await readdir(ftp.home())
            return (await stat(ftp.home(hidden))).size === came
          })
          if (typeof before?.pid !== 'number') throw new Error('the service does not run')
          process.kill(before.pid, 'SIGKILL')
        })
        await eventually(async () => {
          const now = await pidOf()
          expect(now?.state).to.equal('ready')
          expect(now?.pid).to.not.equal(before?.pid)
        })
        await clients.curl()
        await onlyTheRest()
      })

      it('sends only what is missing while the old connection is still there', async () => {
        using session = await opened()
        const data = await session.passive()
        await session.ask('STOR up.bin')
        await data.send(content.subarray(0, came))
        await until('it has come', async () => (await session.ask('STAT')).includes(`under way: ${came} octets`))
        await clients.curl()
        await onlyTheRest()
        expect(await session.reply()).to.match(/^426 /)
      })
    })
  })

  describe('downloads', () => {
    beforeEach(async () => {
      await writeFile(ftp.home('down.bin'), content)
      await writeFile(ftp.local('down.bin'), content.subarray(0, came))
    })
    const clients = {
      curl: () => succeeds('curl', ['-sS', '-C', '-', `${ftp.url}/down.bin`, '-o', 'down.bin']),
      wget: () => succeeds('wget', ['-q', '-c', `${ftp.url}/down.bin`]),
      lftp: () => succeeds('lftp', ['-c', `set ftp:ssl-allow no; open ${ftp.url}; get -c down.bin; bye`]),
      ncftpget: () =>
        succeeds('ncftpget', ['-z', '-u', 'alice', '-p', password, '-P', String(ftp.port), '127.0.0.1', '.', 'down.bin']),
    }
    for (const [name, resume] of Object.entries(clients)) {
      describeWith([name], name, () => {
        it('fetches only what is missing', async () => {
          await resume()
          await same(ftp.local('down.bin'))
          await lastTransferIs('download')
        })
      })
    }
  })
})
