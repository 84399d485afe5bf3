import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { describeWith } from '../kit/programs.ts'
import { SmallDisk } from '../kit/small-disk.ts'
import { type FtpFamily, password, startFtpFamily } from './ftp-family.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

const large = Buffer.alloc(400_000, 'x')

describe('ftp: trouble with a home', () => {
  it('that is gone under a session is told, and all is well once it is there again', async () => {
    await using running = await serveFtp()
    const home = new Home(running)
    await home.put('a', 'old')
    using session = await RawSession.open(running)
    await rename(home.path(), `${home.path()}.away`)
    for (const command of [
      'STOR a',
      'STOR b',
      'APPE a',
      'RETR a',
      'LIST',
      'MLSD',
      'SIZE a',
      'MKD c',
      'DELE a',
      'RNFR a',
      'CWD /',
    ]) {
      await session.passive()
      expect(await session.ask(command), command).to.match(/^550 /)
    }
    expect(await session.ask('NOOP')).to.match(/^200 /)
    await rename(`${home.path()}.away`, home.path())
    expect((await session.download('RETR a')).toString()).to.equal('old')
    expect(await session.upload('STOR a', 'new')).to.match(/^226 /)
    expect(await home.names()).to.deep.equal(['a'])
  })

  it('that goes in the middle of an upload takes nothing with it: the upload is where its folder is', async () => {
    await using running = await serveFtp()
    const home = new Home(running)
    using session = await RawSession.open(running)
    const data = await session.passive()
    expect(await session.ask('STOR a')).to.match(/^150 /)
    await data.send(large)
    await rename(home.path(), `${home.path()}.away`)
    data.end()
    const reply = await session.reply()
    const names = await readdir(`${home.path()}.away`)
    // Whatever it is told: what is acknowledged is there, and what is not has no name.
    if (reply.startsWith('226 ')) expect(await readFile(join(`${home.path()}.away`, 'a'))).to.deep.equal(large)
    else expect(names.filter((name) => !name.startsWith('.havre-'))).to.deep.equal([])
    await rename(`${home.path()}.away`, home.path())
    expect(await session.upload('STOR b', 'new')).to.match(/^226 /)
  })

  it('whose disk is mounted to be read only refuses all changes, and takes them again afterwards', async function () {
    const disk = new SmallDisk()
    await using running = await serveFtp({ prepare: disk.prepare })
    // Before the folder that it is in is removed.
    using _unmounted = disk
    const { folder } = disk
    if (folder === null) this.skip() // needs root
    const home = new Home(running)
    await home.put('a', 'old')
    using session = await RawSession.open(running)
    spawnSync('mount', ['-o', 'remount,ro', folder])
    for (const command of ['STOR a', 'STOR b', 'APPE a', 'MKD c', 'DELE a']) {
      await session.passive()
      expect(await session.ask(command), command).to.match(/^550 /)
    }
    expect((await session.download('RETR a')).toString()).to.equal('old')
    spawnSync('mount', ['-o', 'remount,rw', folder])
    expect(await session.upload('STOR a', 'new')).to.match(/^226 /)
    expect(await home.names()).to.deep.equal(['a'])
  })
})

describeWith(['prlimit'], 'ftp: limits of the system on its process', function () {
  this.timeout(120_000)
  let ftp: FtpFamily
  let pid = 0
  before(async () => {
    ftp = await startFtpFamily()
    pid = (await ftp.family.status()).services[0]?.pid ?? 0
  })
  after(() => ftp[Symbol.asyncDispose]())
  const limit = (what: string): void => {
    const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--${what}`])
    if (status !== 0) throw new Error(`prlimit: ${stderr}`)
  }
  const open = () => RawSession.open({ host: '127.0.0.1', port: ftp.port }, 'alice', { deadlineMs: 60_000 }, password)
  const visible = async () => (await readdir(ftp.home())).filter((name) => !name.startsWith('.havre-'))

  it('on the length of files: 452, the old file stays, and the process too', async () => {
    using session = await open()
    expect(await session.upload('STOR a', 'old')).to.match(/^226 /)
    limit('fsize=100000:')
    expect(await session.upload('STOR a', large)).to.match(/^452 /)
    expect(await session.upload('STOR b', large)).to.match(/^452 /)
    expect(await readFile(ftp.home('a'), 'utf8')).to.equal('old')
    expect(await visible()).to.deep.equal(['a'])
    limit('fsize=unlimited:')
    expect(await session.upload('STOR a', large)).to.match(/^226 /)
    expect((await ftp.family.status()).services[0]?.pid).to.equal(pid)
  })

  it('on how many files are open: refused for now, the old file stays, and all is well afterwards', async () => {
    using session = await open()
    expect(await session.upload('STOR a', 'old')).to.match(/^226 /)
    const highest = Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number))
    limit(`nofile=${highest + 1}:`)
    for (const command of ['STOR a', 'STOR b', 'RETR a', 'LIST', 'SIZE a', 'PASV', 'EPSV']) {
      const reply = await session.ask(command)
      expect(reply, command).to.match(/^(?:42[15]|45[01]|2\d\d) /)
      expect(reply, command).to.not.match(/^226 /)
    }
    expect(await session.ask('NOOP')).to.match(/^200 /)
    limit('nofile=4096:')
    expect(await readFile(ftp.home('a'), 'utf8')).to.equal('old')
    expect(await visible()).to.deep.equal(['a'])
    expect(await session.upload('STOR a', 'new')).to.match(/^226 /)
    expect((await ftp.family.status()).services[0]?.pid).to.equal(pid)
  })
})
