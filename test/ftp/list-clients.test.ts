import { mkdir, readdir, readFile, stat, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { Client as BasicFtp } from 'basic-ftp'
import { expect } from 'chai'
import { testAccounts } from '../kit/fake-desk.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import type { Running } from '../kit/serving.ts'
import { Home, serveFtp } from './raw-session.ts'

const names = ['.hidden', '-dash.txt', 'a.txt', 'link', 'semi;colon=x;.txt', 'two  blanks.txt', 'üñ🐦.bin']
const password = testAccounts['bob'] ?? ''
/** As some list says it: to the minute, and of years ago to the day. */
const long = Date.UTC(2019, 1, 28, 12, 34, 56)

describe('ftp: lists, read by real clients', function () {
  this.timeout(120_000)
  let running: Running
  let home: Home
  let local: TemporaryFolder
  let url: string
  beforeEach(async () => {
    local = await temporaryFolder()
    running = await serveFtp({
      prepare: async ({ data }) => {
        await mkdir(join(data, 'files', 'bob', 'folder', 'sub dir'), { recursive: true })
      },
    })
    home = new Home(running, 'bob')
    for (const name of names) if (name !== 'link') await home.put(name, 'x'.repeat(name.length))
    await home.put('folder/sub dir/deep', 'deep')
    await symlink('a.txt', home.path('link'))
    await utimes(home.path('a.txt'), long / 1000, long / 1000)
    url = `ftp://bob:${password}@127.0.0.1:${running.port}`
  })
  afterEach(async () => {
    await running.close()
    await local.remove()
  })
  const succeeds = async (command: string, args: readonly string[]): Promise<string> => {
    const ended = await run(command, args, { cwd: local.path, env: { HOME: local.path, LC_ALL: 'C.UTF-8' }, deadlineMs: 60_000 })
    expect(ended.code, `${command}: ${ended.stdout}\n${ended.stderr}`).to.equal(0)
    return ended.stdout.toString()
  }
  /** What a client made of the lists: all files, and the time of one, to the second or to the day, which some take for one of their zone. */
  const mirrored = async (folder: string, exact: 'second' | 'day'): Promise<void> => {
    const files = (await readdir(folder)).filter((name) => name !== '.listing' && name !== 'folder')
    expect(files.sort()).to.deep.equal([...names].sort())
    expect(await readFile(join(folder, 'folder', 'sub dir', 'deep'), 'utf8')).to.equal('deep')
    const { mtimeMs } = await stat(join(folder, 'a.txt'))
    if (exact === 'second') expect(mtimeMs).to.equal(long)
    else expect(Math.abs(mtimeMs - long)).to.be.lessThan(2 * 24 * 60 * 60 * 1000)
  }

  it('basic-ftp reads MLSD and LIST', async () => {
    for (const command of ['MLSD', 'LIST -a', 'LIST']) {
      const client = new BasicFtp()
      try {
        await client.access({ host: running.host, port: running.port, user: 'bob', password })
        client.availableListCommands = [command]
        const entries = await client.list()
        expect(entries.map(({ name }) => name).sort()).to.deep.equal([...names, 'folder'].sort())
        for (const { name, size, isFile, permissions } of entries) {
          expect(isFile, name).to.equal(name !== 'folder')
          if (isFile) expect(size, name).to.equal(name === 'link' ? 5 : name.length)
          expect(permissions, name).to.deep.equal(isFile ? { user: 6, group: 4, world: 4 } : { user: 7, group: 5, world: 5 })
        }
        const { modifiedAt, rawModifiedAt } = entries.find(({ name }) => name === 'a.txt') ?? {}
        if (command === 'MLSD') expect(modifiedAt?.getTime()).to.equal(long)
        else expect(rawModifiedAt).to.equal('Feb 28 2019')
      } finally {
        client.close()
      }
    }
  })

  describeWith(['lftp'], 'lftp', () => {
    for (const [way, settings] of Object.entries({
      LIST: 'set ftp:use-mlsd no',
      MLSD: 'set ftp:use-mlsd yes',
      STAT: 'set ftp:use-mlsd no; set ftp:use-stat-for-list yes',
    })) {
      it(`mirrors by ${way}`, async () => {
        await succeeds('lftp', ['-e', `set ftp:ssl-allow no; ${settings}; mirror / copy; quit`, url])
        await mirrored(local.at('copy'), way === 'MLSD' ? 'second' : 'day')
      })
    }

    it('sets times and permissions with what it uploads', async () => {
      await succeeds('lftp', ['-e', 'set ftp:ssl-allow no; mirror / copy; chmod 600 a.txt; mirror -R copy again; quit', url])
      await mirrored(home.path('again'), 'second')
      expect((await stat(home.path('a.txt'))).mode & 0o777).to.equal(0o600)
      for (const how of ['use-mdtm-overloaded', 'use-site-utime', 'use-site-utime2']) {
        const others = ['use-mfmt', 'use-mdtm-overloaded', 'use-site-utime', 'use-site-utime2'].filter((other) => other !== how)
        const settings = `${others.map((other) => `set ftp:${other} no`).join('; ')}; set ftp:${how} yes`
        await succeeds('lftp', ['-e', `set ftp:ssl-allow no; ${settings}; mirror -R copy ${how}; quit`, url])
        await mirrored(home.path(how), how === 'use-site-utime2' ? 'day' : 'second')
      }
    })
  })

  describeWith(['ncftpls'], 'ncftp', () => {
    it('lists, and goes into folders', async () => {
      const args = ['-u', 'bob', '-p', password, '-P', String(running.port)]
      expect((await succeeds('ncftpls', [...args, '-1', `ftp://127.0.0.1/`])).trim().split('\n').sort()).to.deep.equal(
        [...names, 'folder'].sort(),
      )
      expect(await succeeds('ncftpls', [...args, '-R', `ftp://127.0.0.1/`])).to.match(/^.*\.\/folder\/sub dir:\s.* 4 .* deep\s*$/s)
    })
  })

  describeWith(['wget'], 'wget', () => {
    it('fetches all that is listed', async () => {
      await succeeds('wget', [
        '-q',
        '--no-remove-listing',
        '-r',
        '-nH',
        '-P',
        'copy',
        '--user=bob',
        `--password=${password}`,
        `ftp://127.0.0.1:${running.port}/`,
      ])
      await mirrored(local.at('copy'), 'day')
    })
  })

  describeWith(['curl'], 'curl', () => {
    it('lists names, and tells size and time of one', async () => {
      expect((await succeeds('curl', ['-sS', '--list-only', `${url}/`])).trim().split('\n').sort()).to.deep.equal(
        [...names, 'folder'].sort(),
      )
      expect(await succeeds('curl', ['-sS', '-I', `${url}/a.txt`]))
        .to.include('Thu, 28 Feb 2019 12:34:56 GMT')
        .and.include('Content-Length: 5')
    })
  })

  describeWith(['rclone'], 'rclone', () => {
    it('copies both ways, with times', async () => {
      const obscured = (await succeeds('rclone', ['obscure', password])).trim()
      const remote = `:ftp,host=127.0.0.1,port=${running.port},user=bob,pass='${obscured}':`
      const rclone = (...args: string[]) => succeeds('rclone', ['--config', local.at('none'), ...args])
      await rclone('copy', remote, local.at('copy'))
      await mirrored(local.at('copy'), 'second')
      await rclone('copy', local.at('copy'), `${remote}again`)
      await mirrored(home.path('again'), 'second')
    })
  })

  describeWith(['python3'], 'ftplib', () => {
    it('reads MLSD, with the facts that it asks for', async () => {
      const script = [
        'import ftplib, json, sys',
        'ftp = ftplib.FTP()',
        `ftp.connect('127.0.0.1', ${running.port})`,
        `ftp.login('bob', '${password}')`,
        'whole = {name: facts for name, facts in ftp.mlsd()}',
        "asked = {name: facts for name, facts in ftp.mlsd('folder', ['type', 'perm'])}",
        'print(json.dumps([whole, asked, sorted(ftp.nlst())]))',
      ]
      const [whole, asked, bare] = JSON.parse(await succeeds('python3', ['-c', script.join('\n')]))
      expect(Object.keys(whole).sort()).to.deep.equal([...names, 'folder', '.'].sort())
      expect(whole['a.txt']).to.include({ type: 'file', size: '5', modify: '20190228123456', perm: 'adfrw', 'unix.mode': '0644' })
      expect(asked).to.deep.equal({ '..': { type: 'pdir', perm: 'celmp' }, 'sub dir': { type: 'dir', perm: 'cdeflmp' } })
      expect(bare).to.have.members([...names, 'folder'])
    })
  })
})
