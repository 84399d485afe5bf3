import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { describeWith } from '../kit/programs.ts'
import { seeded } from '../kit/seeded.ts'
import type { Setup } from '../kit/serving.ts'
import { holds, makeTree, password, treeOf, useProgramLab } from './program-lab.ts'

const content = seeded().octets(300_001)

const manners = {
  'in clear': { setup: {}, scheme: 'ftp', args: [] },
  'active mode': { setup: {}, scheme: 'ftp', args: ['--no-passive-ftp'] },
  'explicit TLS': { setup: {}, scheme: 'ftps', args: [] },
  'implicit TLS': { setup: { tls: 'implicit' }, scheme: 'ftps', args: ['--ftps-implicit'] },
  'explicit TLS, data in clear': { setup: {}, scheme: 'ftps', args: ['--ftps-clear-data-connection'] },
} as const satisfies Readonly<Record<string, { setup: Partial<Setup>; scheme: string; args: readonly string[] }>>

for (const [manner, { setup, scheme, args }] of Object.entries(manners)) {
  describeWith(['wget'], `FTP: wget, ${manner}`, function () {
    this.timeout(120_000)
    const lab = useProgramLab(setup)
    const wget = (...more: string[]) => {
      const login = ['--user=alice', `--password=${password}`, `--ca-certificate=${lab().authority}`]
      return lab().succeeds('wget', ['-nv', '--tries=2', '--timeout=20', '-nH', ...login, ...args, ...more])
    }
    const url = (path: string) => `${scheme}://localhost:${lab().port}/${path}`
    const retrieved = () => lab().heard.filter((line) => line.startsWith('RETR'))

    it('fetches trees, goes on with what broke off, and mirrors only what is newer', async () => {
      await makeTree(lab().home('tree'), 8)
      await wget('-r', '--restrict-file-names=nocontrol', url('tree/'))
      expect(await treeOf(lab().local('tree'))).to.deep.equal(await treeOf(lab().home('tree')))

      await writeFile(lab().home('large.bin'), content)
      await writeFile(lab().local('large.bin'), content.subarray(0, 100_000))
      await wget('-c', url('large.bin'))
      await holds(lab().local('large.bin'), content)
      expect(lab().heard).to.include('REST 100000')

      await mkdir(lab().home('m'))
      for (const name of ['a', 'b']) {
        await writeFile(lab().home('m', name), name)
        await utimes(lab().home('m', name), new Date('2020-02-03T04:05:00Z'), new Date('2020-02-03T04:05:00Z'))
      }
      await wget('-m', url('m/'))
      expect(await treeOf(lab().local('m'))).to.include({ a: 'a', b: 'b' })
      const before = retrieved().length
      await wget('-m', url('m/'))
      expect(retrieved().slice(before)).to.deep.equal([])
      await writeFile(lab().home('m', 'b'), 'newer')
      await wget('-m', url('m/'))
      await holds(lab().local('m', 'b'), 'newer')
      expect(retrieved().slice(before)).to.deep.equal(['RETR b'])
      await writeFile(lab().home('m', 'a'), 'newer too')
      await wget('-N', '-P', 'm', url('m/a'))
      await holds(lab().local('m', 'a'), 'newer too')
      await wget('-q', '-P', 'some', url('m/*'))
      expect((await readdir(lab().local('some'))).filter((name) => name !== '.listing').sort()).to.deep.equal(['a', 'b'])
    })
  })
}

describeWith(['ncftpput', 'ncftpget'], 'FTP: ncftp, trees and what broke off', function () {
  this.timeout(120_000)
  const lab = useProgramLab()
  const login = () => ['-u', 'alice', '-p', password, '-P', String(lab().port)]

  for (const mode of ['-F', '-E']) {
    it(`moves trees both ways, ${mode === '-F' ? 'passive' : 'active'}, with their times, and again only what changed`, async () => {
      await makeTree(lab().local('tree'), 12)
      await lab().succeeds('ncftpput', [...login(), mode, '-R', 'localhost', '/', 'tree'])
      expect(await treeOf(lab().home('tree'))).to.deep.equal(await treeOf(lab().local('tree')))
      const { mtimeMs } = await stat(lab().local('tree', 'file 0.bin'))
      expect((await stat(lab().home('tree', 'file 0.bin'))).mtimeMs).to.equal(mtimeMs)
      await mkdir(lab().local('back'))
      await lab().succeeds('ncftpget', [...login(), mode, '-R', 'localhost', 'back', '/tree'])
      expect(await treeOf(lab().local('back', 'tree'))).to.deep.equal(await treeOf(lab().home('tree')))
      expect((await stat(lab().local('back', 'tree', 'file 0.bin'))).mtimeMs).to.equal(mtimeMs)
      const before = lab().heard.length
      await rm(lab().local('back', 'tree', 'a b'), { recursive: true })
      await lab().succeeds('ncftpget', [...login(), mode, '-R', 'localhost', 'back', '/tree'])
      expect(await treeOf(lab().local('back', 'tree'))).to.deep.equal(await treeOf(lab().home('tree')))
      const retrieved = lab()
        .heard.slice(before)
        .filter((line) => line.startsWith('RETR'))
      expect(retrieved.length).to.be.lessThan(12)
    })
  }

  it('goes on with a download that broke off, and appends', async () => {
    await writeFile(lab().home('down.bin'), content)
    await writeFile(lab().local('down.bin'), content.subarray(0, 100_000))
    await utimes(lab().local('down.bin'), new Date(), new Date(Date.now() + 60_000))
    await lab().succeeds('ncftpget', [...login(), '-z', 'localhost', '.', '/down.bin'])
    await holds(lab().local('down.bin'), content)
    expect(lab().heard).to.include('REST 100000')
    await writeFile(lab().local('up.bin'), content)
    // Not ncftpput -z: 3.2.6 says REST 100000 and sends the file from its beginning.
    await writeFile(lab().home('up.bin'), content)
    await lab().succeeds('ncftpput', [...login(), '-A', 'localhost', '/', 'up.bin'])
    await holds(lab().home('up.bin'), Buffer.concat([content, content]))
  })

  it('uploads under a name of its own first, deletes what it moved, and prints', async () => {
    await writeFile(lab().local('up.bin'), content)
    await lab().succeeds('ncftpput', [...login(), '-T', 'part.', '-DD', '-m', 'localhost', '/new/folder', 'up.bin'])
    await holds(lab().home('new', 'folder', 'up.bin'), content)
    expect(lab().heard).to.include('RNTO up.bin')
    expect(await readdir(lab().local())).to.not.include('up.bin')
    await writeFile(lab().home('text'), 'text')
    expect(await lab().succeeds('ncftpget', [...login(), '-c', 'localhost', '/text'])).to.include('text')
  })
})

describeWith(['tnftp'], 'FTP: tnftp, many files', function () {
  this.timeout(120_000)
  const lab = useProgramLab()
  for (const manner of ['passive on', 'passive off', 'epsv4 off']) {
    it(`has mput, mget, mdelete, restart, newer, both kinds of lines ${manner}`, async () => {
      for (const n of [1, 2, 3]) await writeFile(lab().local(`up ${n}.txt`), `${n}\n`)
      await mkdir(lab().home('folder'))
      await writeFile(lab().home('large.bin'), content)
      await writeFile(lab().local('large.bin'), content.subarray(0, 7))
      const lines = [
        ...[`user alice ${password}`, manner, 'binary', 'cd folder', 'mput up*.txt', 'cdup'],
        ...['restart 7', 'get large.bin', 'newer large.bin newer.bin', 'lcd sub', 'mget folder/*.txt', 'get large.bin'],
        ...['ascii', 'get "folder/up 1.txt" ascii.txt', 'put ascii.txt', 'mlsd folder', 'mlst large.bin', 'status', 'system'],
        ...['mdelete folder/*2.txt', 'chmod 600 large.bin', 'bye', ''],
      ]
      await mkdir(lab().local('sub', 'folder'), { recursive: true })
      await lab().succeeds('tnftp', ['-n', '-v', '-i', '127.0.0.1', String(lab().port)], lines.join('\n'))
      await holds(lab().local('large.bin'), content)
      await holds(lab().local('newer.bin'), content)
      await holds(lab().local('sub', 'large.bin'), content)
      for (const n of [1, 2, 3]) await holds(lab().local('sub', 'folder', `up ${n}.txt`), `${n}\n`)
      for (const path of [lab().local('sub', 'ascii.txt'), lab().home('ascii.txt')]) await holds(path, '1\n')
      expect((await readdir(lab().home('folder'))).sort()).to.deep.equal(['up 1.txt', 'up 3.txt'])
      expect((await stat(lab().home('large.bin'))).mode & 0o777).to.equal(0o600)
    })
  }

  it('uploads and fetches by URLs', async () => {
    await writeFile(lab().local('up.bin'), content)
    await lab().succeeds('tnftp', ['-V', '-u', `${lab().url}/by-url.bin`, 'up.bin'])
    await holds(lab().home('by-url.bin'), content)
    await lab().succeeds('tnftp', ['-V', '-o', 'back.bin', `${lab().url}/by-url.bin`])
    await holds(lab().local('back.bin'), content)
  })
})
