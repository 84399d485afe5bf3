import { chmod, mkdir, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { describeWith } from '../kit/programs.ts'
import { seeded } from '../kit/seeded.ts'
import { lftp } from './lftp.ts'
import { holds, makeTree, oddNames, password, treeOf, useProgramLab } from './program-lab.ts'

const content = seeded().octets(1_000_003)

describeWith(['lftp'], 'FTP: lftp', function () {
  this.timeout(120_000)
  const lab = useProgramLab()
  beforeEach(() => writeFile(lab().local('up.bin'), content))

  for (const [manner, settings] of Object.entries({
    'MLSD and MFMT': ['ftp:ssl-allow false', 'ftp:use-mlsd true'],
    LIST: ['ftp:ssl-allow false', 'ftp:use-mlsd false', 'ftp:prefer-epsv true'],
    'one session, active mode': ['ftp:ssl-allow false', 'ftp:passive-mode false', 'net:connection-limit 1'],
    'TLS, all of it': ['ftp:ssl-force true', 'ftp:ssl-protect-data true', 'ftp:ssl-protect-list true'],
    'TLS, active mode': ['ftp:ssl-force true', 'ftp:ssl-protect-data true', 'ftp:passive-mode false'],
    'TLS, data in clear': ['ftp:ssl-force true', 'ftp:ssl-protect-data false', 'ftp:ssl-protect-list false'],
    'TLS 1.2': ['ftp:ssl-force true', 'ftp:ssl-protect-data true', 'ssl:priority NORMAL:-VERS-ALL:+VERS-TLS1.2'],
  })) {
    it(`mirrors a tree both ways with ${manner}, and its times and modes`, async () => {
      await makeTree(lab().local('tree'), 24)
      await chmod(lab().local('tree', 'file 0.bin'), 0o600)
      await lftp(lab(), 'ftp', settings, 'mirror -R -P 4 tree tree', 'mirror -P 4 tree back')
      const tree = await treeOf(lab().local('tree'))
      expect(Object.keys(tree)).to.have.length(24)
      expect(await treeOf(lab().home('tree'))).to.deep.equal(tree)
      expect(await treeOf(lab().local('back'))).to.deep.equal(tree)
      for (const name of ['file 0.bin', 'ü/file 2.bin']) {
        const ours = await stat(lab().local('tree', name))
        for (const path of [lab().home('tree', name), lab().local('back', name)]) {
          expect((await stat(path)).mtimeMs, path).to.equal(ours.mtimeMs)
        }
      }
      expect((await stat(lab().home('tree', 'file 0.bin'))).mode & 0o777).to.equal(0o600)
      // Nothing is left to be done.
      const before = lab().heard.length
      await lftp(lab(), 'ftp', settings, 'mirror -R -P 4 tree tree', 'mirror -P 4 tree back')
      expect(
        lab()
          .heard.slice(before)
          .filter((line) => /^(?:STOR|RETR)/.test(line)),
      ).to.deep.equal([])
    })
  }

  it('goes on with a mirror that broke off, file by file', async () => {
    await makeTree(lab().local('tree'), 12)
    await writeFile(lab().local('tree', 'large'), content)
    await lftp(lab(), 'ftp', [], 'mirror -R tree tree')
    await rm(lab().home('tree', 'ü'), { recursive: true })
    await truncate(lab().home('tree', 'large'), 400_000)
    await lftp(lab(), 'ftp', [], 'mirror -R -c tree tree')
    const tree = await treeOf(lab().local('tree'))
    expect(await treeOf(lab().home('tree'))).to.deep.equal(tree)
    await lftp(lab(), 'ftp', [], 'mirror tree back')
    await rm(lab().local('back', 'a b'), { recursive: true })
    await truncate(lab().local('back', 'large'), 1)
    await lftp(lab(), 'ftp', [], 'mirror -c tree back')
    expect(await treeOf(lab().local('back'))).to.deep.equal(tree)
  })

  it('mirror --delete takes away what is no longer there', async () => {
    await makeTree(lab().local('tree'), 8)
    await lftp(lab(), 'ftp', [], 'mirror -R tree tree')
    await rm(lab().local('tree', 'a b'), { recursive: true })
    await rm(lab().local('tree', 'file 0.bin'))
    await lftp(lab(), 'ftp', [], 'mirror -R --delete tree tree')
    expect(await treeOf(lab().home('tree'))).to.deep.equal(await treeOf(lab().local('tree')))
    expect(await readdir(lab().home('tree'))).to.not.include('a b')
  })

  it('pget gets one file in four pieces, and goes on with some of them', async () => {
    await writeFile(lab().home('large'), content)
    for (const settings of [['ftp:ssl-allow false'], ['ftp:ssl-force true', 'ftp:ssl-protect-data true']]) {
      await lftp(lab(), 'ftp', settings, 'pget -n 4 -c large -o back')
      await holds(lab().local('back'), content)
      // What pget writes down of its pieces: the first and the third are there in part.
      await writeFile(
        lab().local('back.lftp-pget-status'),
        `size=${content.length}\n0.pos=100000\n0.limit=250001\n1.pos=250001\n1.limit=500001\n2.pos=600000\n2.limit=750001\n3.pos=1000003\n3.limit=1000003\n`,
      )
      const broken = Buffer.concat([
        content.subarray(0, 100_000),
        Buffer.alloc(150_001),
        Buffer.alloc(250_000),
        content.subarray(500_001),
      ])
      broken.fill(0, 600_000, 750_001)
      await writeFile(lab().local('back'), broken)
      await lftp(lab(), 'ftp', settings, 'pget -n 4 -c large -o back')
      await holds(lab().local('back'), content)
      await rm(lab().local('back'))
    }
  })

  it('has its commands: chmod, mv, cls, du, find, rm -r, mput, mget, cat and quote', async () => {
    await makeTree(lab().home('tree'), 8)
    await mkdir(lab().local('got'))
    const said = await lftp(
      lab(),
      'ftp',
      ['ftp:use-mlsd true'],
      ...['chmod 600 "tree/file 0.bin"', 'cls -l "tree/file 0.bin"', 'mv "tree/file 0.bin" moved', 'du -b tree', 'find tree'],
      ...[
        'mkdir -p x/y/z',
        'mput -O x up.bin',
        'mget -O got x/*.bin',
        'cat moved',
        'rm -r tree',
        'rmdir x/y/z',
        'quote STAT',
        'site help',
      ],
    )
    expect(said).to.include('-rw-------')
    expect((await stat(lab().home('moved'))).mode & 0o777).to.equal(0o600)
    expect((await readdir(lab().home())).sort()).to.deep.equal(['moved', 'x'])
    for (const path of [lab().home('x', 'up.bin'), lab().local('got', 'up.bin')]) await holds(path, content)
  })

  it('names of all kinds go up and come down', async () => {
    for (const folder of ['names', 'names/deep']) await mkdir(lab().local(folder))
    for (const name of oddNames) {
      for (const folder of ['names', 'names/deep']) await writeFile(lab().local(folder, name), name)
    }
    for (const mlsd of [true, false]) {
      await lftp(lab(), 'ftp', [`ftp:use-mlsd ${mlsd}`], `mirror -R names n${mlsd}`, `mirror n${mlsd} back${mlsd}`)
      expect(await treeOf(lab().home(`n${mlsd}`))).to.deep.equal(await treeOf(lab().local('names')))
      expect(await treeOf(lab().local(`back${mlsd}`))).to.deep.equal(await treeOf(lab().local('names')))
    }
  })

  it('cannot have files go from server to server: the other end is not its own', async () => {
    await writeFile(lab().home('a'), content)
    const server = `ftp://alice:${password}@localhost:${lab().port}`
    const other = `ftp://alice:${password}@127.0.0.1:${lab().port}`
    // Both ends are one host here: what goes to its own address is no bounce. With fxp-force it happens or fails, never a half file.
    await lftp(lab(), 'ftp', ['ftp:ssl-allow false', 'ftp:use-fxp false'], `get ${server}/a -o ${other}/b`)
    await holds(lab().home('b'), content)
  })
})

describeWith(['lftp'], 'FTP: lftp, ftps://', function () {
  this.timeout(120_000)
  const lab = useProgramLab({ tls: 'implicit' })
  for (const passive of [true, false]) {
    it(`mirrors a tree both ways, passive mode ${passive}`, async () => {
      await makeTree(lab().local('tree'), 12)
      const old = new Date('2001-02-03T04:05:06Z')
      await utimes(lab().local('tree', 'file 0.bin'), old, old)
      await lftp(lab(), 'ftps', [`ftp:passive-mode ${passive}`], 'mirror -R -P 4 tree tree', 'mirror -P 4 tree back')
      expect(await treeOf(lab().home('tree'))).to.deep.equal(await treeOf(lab().local('tree')))
      expect(await treeOf(lab().local('back'))).to.deep.equal(await treeOf(lab().local('tree')))
    })
  }
})
