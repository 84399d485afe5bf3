import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, lchown, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import process from 'node:process'
import { expect } from 'chai'
import { noteProgram } from '../../servers/exec/leftover.ts'
import { markOf } from '../../servers/exec/processes.ts'
import { makeFolderFor } from '../../servers/supervisor/privilege.ts'
import { findUser } from '../../shared/system-user.ts'
import { eventually } from '../kit/eventually.ts'
import { FamilyError, havre, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

/** What only root may read or write. */
const secret = 'a'.repeat(64)

describe('links that the user of Havre plants for root', function () {
  this.timeout(120_000)
  let folder: TemporaryFolder
  const nobody = () => findUser('nobody')

  before(function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip()
  })
  beforeEach(async () => {
    folder = await temporaryFolder()
    await chmod(folder.path, 0o755)
    await writeFile(folder.at('secret'), secret, { mode: 0o600 })
    for (const name of ['data', 'data/run', 'data/tls', 'logs']) await own(name)
  })
  afterEach(() => folder?.[Symbol.asyncDispose]())

  /** A folder of the user's. */
  const own = async (name: string): Promise<void> => {
    await mkdir(folder.at(name))
    await chown(folder.at(name), nobody().uid, nobody().gid)
  }
  const plant = async (name: string, target = folder.at('secret')): Promise<void> => {
    await symlink(target, folder.at(name))
    await lchown(folder.at(name), nobody().uid, nobody().gid)
  }
  const sets = (...more: string[]): string[] =>
    [`data=${folder.at('data')}`, `logs=${folder.at('logs')}`, 'user=nobody', 'ports=any', 'demo=false', ...more].flatMap(
      (each) => ['--set', each],
    )
  const untouched = async () => {
    const { uid, mode } = await stat(folder.at('secret'))
    expect({ uid, mode: mode & 0o777 }).to.deep.equal({ uid: 0, mode: 0o600 })
    expect(await readFile(folder.at('secret'), 'utf8')).to.equal(secret)
  }

  /** Somebody in the supervisor's place, who writes down what he is told. */
  const listening = async (heard: string[]): Promise<Server> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (data) => {
        heard.push(data.toString())
        socket.end('{"ok":false,"exitCode":1,"message":"no"}\n')
      })
    })
    server.listen(folder.at('data', 'run', 'control.sock'))
    await once(server, 'listening')
    return server
  }

  for (const command of ['status', 'start', 'stop']) {
    it(`havre ${command} tells nobody what it reads in the place of the control socket's key`, async () => {
      await plant('data/run/control.key')
      const heard: string[] = []
      const server = await listening(heard)
      try {
        const { code, stderr } = await havre([command, ...sets()])
        expect(code).to.equal(100)
        expect(stderr).to.match(/may not be (?:read|used)|another user|control\.key/)
      } finally {
        server.close()
      }
      expect(heard.join('')).to.not.include(secret)
    })
  }

  it('havre start ends no process that is not the user’s, though a note says that it is a program of his', async () => {
    const other = spawn('sleep', ['100'], { stdio: 'ignore', detached: true })
    try {
      const { pid = 0 } = other
      const mark = await eventually(async () => {
        const found = markOf(pid)
        expect(found.startTime).to.not.equal('')
        return found
      })
      noteProgram(folder.at('data'), 'other', { ...mark, tag: 'x' })
      const note = folder.at('data', 'run', 'other.program')
      // Its runner is gone.
      await writeFile(note, (await readFile(note, 'utf8')).replace(`"runner":${process.pid}`, '"runner":2147480000'))
      await chown(note, nobody().uid, nobody().gid)
      await writeFile(folder.at('havre.yaml'), 'services: { other: { protocol: exec, port: 1, command: [none-of-these] } }\n')
      const off = ['http', 'ftp', 'smtp', 'pop3'].map((name) => `services.${name}.enabled=false`)
      await havre(['start', ...sets(...off), '--config', folder.at('havre.yaml')])
      expect(other.exitCode ?? other.signalCode).to.equal(null)
    } finally {
      other.kill('SIGKILL')
    }
  })

  it('havre start makes no folder behind them', async () => {
    await mkdir(folder.at('roots'))
    await own('open')
    await plant('open/link', folder.at('roots'))
    expect(() => makeFolderFor(folder.at('open', 'link', 'data', 'deep'), nobody())).to.throw(/EACCES/)
    expect(await readdir(folder.at('roots'))).to.deep.equal([])
    expect(process.geteuid?.()).to.equal(0)
    makeFolderFor(folder.at('roots', 'data', 'deep'), nobody())
    for (const made of ['roots/data', 'roots/data/deep']) expect((await stat(folder.at(made))).uid).to.equal(nobody().uid)
    makeFolderFor(folder.at('open', 'data', 'deep'), nobody())
    for (const made of ['open/data', 'open/data/deep']) expect((await stat(folder.at(made))).uid).to.equal(nobody().uid)
    expect((await stat(folder.at('roots'))).uid).to.equal(0)
  })

  const planted = {
    logs: ['supervisor.log', 'http.log', 'access.log', 'error.log', 'transfer.log'].map((name) => `logs/${name}`),
    keys: ['data/tls/certificate.key', 'data/tls/authority.key'],
    stores: ['data/accounts.db', 'data/mail.db', 'data/run/lock'],
  }
  for (const [kind, names] of Object.entries(planted)) {
    it(`havre start leaves alone what ${kind} lead to`, async () => {
      for (const name of names) await plant(name)
      // It may refuse to start.
      const family = await startFamily({ folder, services: ['http'], args: ['--set', 'user=nobody'] }).catch((error: unknown) => {
        if (!(error instanceof FamilyError)) throw error
        return null
      })
      await family?.stop()
      await untouched()
    })
  }
})
