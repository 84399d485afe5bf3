import { chmod, mkdir, readdir, readFile, readlink, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

describe('ftp: paths', () => {
  let running: Running
  let home: Home
  beforeEach(async () => {
    running = await serveFtp({
      prepare: async ({ data }) => {
        await mkdir(join(data, 'files', 'bob'), { recursive: true })
        await writeFile(join(data, 'files', 'bob', 'secret'), 'secret of bob')
        await writeFile(join(data, 'secret'), 'secret')
      },
    })
    home = new Home(running)
    await home.put('mine', 'mine')
  })
  afterEach(() => running.close())

  it('that lead out of the home, by dots or by links, get nobody out, whatever the command', async () => {
    await symlink('../../secret', home.path('file'))
    await symlink('../..', home.path('up'))
    await symlink('/', home.path('top'))
    await symlink('../bob', home.path('bob'))
    using session = await RawSession.open(running)
    const outside = ['file', 'up/secret', 'up/files/bob/secret', 'bob/secret', `top${running.settings.data}/secret`]
    const dots = [
      '../../secret',
      '/../../../secret',
      '../bob/secret',
      `${running.settings.data}/secret`,
      '....//secret',
      '..\\bob\\secret',
      '%2e%2e/bob/secret',
    ]
    for (const path of [...outside, ...dots]) {
      for (const command of ['RETR', 'SIZE', 'MDTM', 'RNFR', 'CWD', 'LIST', 'NLST', 'STAT']) {
        await session.ask('EPSV')
        // A link itself is an entry of its folder, and can have another name.
        const code = command === 'RNFR' && path === 'file' ? /^350 / : /^550 /
        expect(await session.ask(`${command} ${path}`), `${command} ${path}`).to.match(code)
      }
    }
    for (const path of outside) {
      for (const command of ['STOR', 'APPE']) {
        await session.ask('EPSV')
        expect(await session.ask(`${command} ${path}`), `${command} ${path}`).to.match(/^550 /)
      }
    }
    for (const path of ['up/new', 'bob/new', 'top/tmp/new']) {
      for (const command of ['MKD', 'STOR', 'RMD', 'DELE']) {
        await session.ask('EPSV')
        expect(await session.ask(`${command} ${path}`), `${command} ${path}`).to.match(/^550 /)
      }
      await session.ask('RNFR mine')
      expect(await session.ask(`RNTO ${path}`)).to.match(/^550 /)
    }
    for (const path of ['up', 'bob', 'top']) expect(await session.ask(`CWD ${path}`)).to.match(/^550 /)
    expect((await session.download('NLST')).toString()).to.equal('mine\r\n')
    expect(await readFile(join(running.settings.data, 'secret'), 'utf8')).to.equal('secret')
    expect(await readdir(join(running.settings.data, 'files', 'bob'))).to.deep.equal(['secret'])
  })

  it('that are swapped for links while they are used lead nowhere outside', async () => {
    await mkdir(home.path('real'))
    await writeFile(home.path('real', 'secret'), 'mine')
    await symlink('real', home.path('way'))
    let swapping = true
    const swaps = (async () => {
      for (let n = 0; swapping; n += 1) {
        await symlink(n % 2 === 0 ? '../bob' : 'real', home.path('next'))
        await rename(home.path('next'), home.path('way'))
        await setImmediate()
      }
    })()
    using session = await RawSession.open(running)
    for (let n = 0; n < 60; n += 1) {
      const data = await session.passive()
      const reply = await session.ask('RETR way/secret')
      if (reply.startsWith('150')) {
        expect((await data.rest()).toString()).to.equal('mine')
        await session.reply()
      } else expect(reply).to.match(/^550 /)
      await session.ask('MKD way/folder')
      await session.ask('RMD way/folder')
      await session.ask('DELE way/secret-not-there')
    }
    swapping = false
    await swaps
    expect(await readdir(join(running.settings.data, 'files', 'bob'))).to.deep.equal(['secret'])
  })

  it('that are links are written through where they lead to a file; the link itself is renamed, wherever it leads', async () => {
    await mkdir(home.path('real'))
    await writeFile(home.path('real', 'file'), 'old')
    for (const [name, target] of [
      ['link', 'real/file'],
      ['dangling', 'nothing'],
      ['out', '../bob/secret'],
    ] as const)
      await symlink(target, home.path(name))
    using session = await RawSession.open(running)
    expect(await session.upload('STOR link', 'new')).to.match(/^226 /)
    expect(await session.upload('APPE link', ', more')).to.match(/^226 /)
    expect(await readFile(home.path('real', 'file'), 'utf8')).to.equal('new, more')
    expect(await readlink(home.path('link'))).to.equal('real/file')
    for (const command of ['STOR', 'APPE'])
      for (const name of ['dangling', 'out']) {
        await session.passive()
        expect(await session.ask(`${command} ${name}`), `${command} ${name}`).to.match(/^550 /)
      }
    for (const name of ['link', 'dangling', 'out']) {
      const target = await readlink(home.path(name))
      expect(await session.ask(`RNFR ${name}`), name).to.match(/^350 /)
      expect(await session.ask('RNTO moved'), name).to.match(/^250 /)
      expect(await readlink(home.path('moved'))).to.equal(target)
      expect(await session.ask('DELE moved'), name).to.match(/^250 /)
    }
    expect(await readFile(join(running.settings.data, 'files', 'bob', 'secret'), 'utf8')).to.equal('secret of bob')
    expect(await home.names()).to.deep.equal(['mine', 'real'])
  })

  it('of folders that let nobody in are not entered, and of those that nobody may read not listed', async () => {
    for (const [name, mode] of [
      ['closed', 0o600],
      ['blind', 0o311],
    ] as const) {
      await mkdir(home.path(name))
      await chmod(home.path(name), mode)
    }
    using session = await RawSession.open(running)
    const isRoot = process.getuid?.() === 0
    // Root gets in everywhere, so the service is somebody else while it is asked.
    if (isRoot) for (const path of ['', 'data', 'data/files']) await chmod(join(running.folder.path, path), 0o755)
    if (isRoot) process.seteuid?.(65_534)
    try {
      expect(await session.ask('CWD closed')).to.match(/^550 /)
      expect(await session.ask('PWD')).to.match(/^257 "\/"/)
      expect(await session.ask('CWD blind')).to.match(/^250 /)
      for (const command of ['LIST', 'NLST', 'MLSD']) {
        await session.passive()
        expect(await session.ask(command), command).to.match(/^550 /)
      }
    } finally {
      if (isRoot) process.seteuid?.(0)
      for (const name of ['closed', 'blind']) await chmod(home.path(name), 0o755)
    }
  })

  it('of the disk are in no reply', async () => {
    using session = await RawSession.open(running)
    await home.put('plain', 'x')
    const commands = [
      ...[
        'RETR no',
        'RETR /',
        'STOR /',
        'STOR no/x',
        'STOR plain/x',
        'DELE no',
        'DELE /',
        'RMD no',
        'RMD /',
        'RMD plain',
        'MKD plain',
        'MKD no/x',
      ],
      ...[
        'RNFR no',
        'CWD no',
        'CWD plain',
        'SIZE no',
        'MDTM no',
        'LIST no',
        'NLST no',
        'STAT no',
        'STAT',
        'PWD',
        'HELP',
        'FEAT',
        'STAT plain',
      ],
      ...[
        `RETR ${'x'.repeat(300)}`,
        `MKD ${'x/'.repeat(1900)}`,
        'STOR .havre-upload-1',
        'APPE no/x',
        'RNFR plain',
        'RNTO no/x',
        'RNFR plain',
        'RNTO /',
      ],
    ]
    const said: string[] = []
    for (const command of commands) {
      await session.passive()
      said.push(await session.ask(command))
    }
    for (const word of [running.folder.path, running.settings.data, 'data/files', 'node:', 'ENOENT', 'Error', '/proc']) {
      expect(said.join('\n')).to.not.include(word)
    }
  })

  it('keep blanks, quotes, dashes, backslashes and UTF-8 of names exactly, all the way', async () => {
    using session = await RawSession.open(running)
    const names = [
      ' lead',
      'trail ',
      'a  b',
      '"q"',
      '-rf',
      '--',
      'back\\slash',
      '🐦 ü',
      'a\u0308',
      '%41',
      '*',
      '~',
      'CON',
      'a:b',
      'ａ',
    ]
    for (const [n, name] of names.entries()) {
      expect(await session.upload(`STOR ${name}`, `content ${n}`), name).to.match(/^226 /)
      expect((await session.download(`RETR ${name}`)).toString(), name).to.equal(`content ${n}`)
      expect(await session.ask(`SIZE ${name}`), name).to.equal(`213 ${`content ${n}`.length}`)
    }
    expect(await home.names()).to.deep.equal([...names, 'mine'].sort())
    expect((await session.download('NLST')).toString().split('\r\n').filter(Boolean)).to.have.members([...names, 'mine'])
    for (const name of names) {
      expect(await session.ask(`RNFR ${name}`), name).to.match(/^350 /)
      expect(await session.ask(`RNTO new ${name}`), name).to.match(/^250 /)
      expect(await session.ask(`DELE new ${name}`), name).to.match(/^250 /)
    }
    expect(await home.names()).to.deep.equal(['mine'])
  })

  it('of an upload on its way in cannot be named', async () => {
    using session = await RawSession.open(running)
    using other = await RawSession.open(running)
    const data = await session.passive()
    await session.ask('STOR new')
    await data.send('x')
    const hidden = (await home.names()).find((name) => name.startsWith('.havre-upload-')) ?? ''
    expect(hidden).to.not.equal('')
    for (const command of ['RETR', 'SIZE', 'DELE', 'RNFR', 'STOR', 'LIST']) {
      expect(await other.ask(`${command} ${hidden}`), command).to.match(/^553 /)
    }
    expect((await other.download('LIST -la')).toString()).to.not.include('havre-upload')
    data.end()
    expect(await session.reply()).to.match(/^226 /)
  })
})
