import { chmod, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { longLine } from '../../servers/ftp/listing.ts'
import type { FileStat } from '../../shared/files/file-store.ts'
import { globMatcher, hasPattern } from '../../shared/files/glob.ts'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

const now = Date.UTC(2026, 10, 21, 10, 2, 3)
const stat = (changes: Partial<FileStat>): FileStat => ({
  kind: 'file',
  octets: 12,
  modifiedMs: now,
  changedMs: now,
  createdMs: now,
  mode: 0o644,
  unique: '1:1',
  ...changes,
})

describe('ftp: lines of a list', () => {
  it('have the form of ls -l, whatever the size, mode and age', () => {
    const day = 24 * 60 * 60 * 1000
    expect([
      longLine('a', stat({}), 'alice', now),
      longLine('b c', stat({ octets: 5_000_000_000_000, mode: 0o600, modifiedMs: now - 183 * day }), 'alice', now),
      longLine('d', stat({ kind: 'folder', mode: 0o755, octets: 4096, modifiedMs: Date.UTC(2026, 8, 5, 1, 2) }), 'alice', now),
      longLine('ahead', stat({ modifiedMs: now + 2 * day }), 'a-very-long-name', now),
      longLine('x\ny\r\x7fz', stat({ mode: 0o7777 }), 'bob', now),
    ]).to.deep.equal([
      '-rw-r--r--   1 alice    alice              12 Nov 21 10:02 a',
      '-rw-------   1 alice    alice    5000000000000 May 22  2026 b c',
      'drwxr-xr-x   1 alice    alice            4096 Sep  5 01:02 d',
      '-rw-r--r--   1 a-very-long-name a-very-long-name           12 Nov 23  2026 ahead',
      '-rwxrwxrwx   1 bob      bob                12 Nov 21 10:02 x?y??z',
    ])
  })
})

describe('ftp: patterns', () => {
  it('match as file names do', () => {
    const matches: readonly (readonly [string, string, boolean])[] = [
      ['*', 'anything', true],
      ['*.txt', 'a.txt', true],
      ['*.txt', 'a.txt.gz', false],
      ['a*b*c', 'aXXbYYc', true],
      ['a*b*c', 'acb', false],
      ['?', 'ü', true],
      ['?', '🐦', true],
      ['?', '', false],
      ['[a-c]1', 'b1', true],
      ['[a-c]1', 'd1', false],
      ['[!a-c]1', 'd1', true],
      ['[-a]', '-', true],
      ['[z-a]', 'b', false],
      ['a.c', 'abc', false],
      ['(a|b)+', '(a|b)+', true],
      ['[', '[', true],
      ['a[', 'a[', true],
      ['**', '', true],
      ['[^a-c]1', 'd1', true],
      ['{a,b}.txt', 'b.txt', true],
      ['{a,b}.txt', 'c.txt', false],
      ['{a,b{c,d}}*', 'bd.txt', true],
      ['{a,}.txt', '.txt', true],
      ['{a}', '{a}', true],
      ['{a,b', '{a,b', true],
      ['{1,2}'.repeat(9), '{1,2}'.repeat(9), true],
    ]
    for (const [pattern, name, expected] of matches) expect(globMatcher(pattern)(name), `${pattern} ${name}`).to.equal(expected)
    expect(['a*', 'a?', 'a[b', '{a,b}'].every(hasPattern)).to.equal(true)
    expect(['plain name.txt', '{guid}', 'a,b'].some(hasPattern)).to.equal(false)
  })

  it('cost no more than both lengths, however they are made', () => {
    const name = 'a'.repeat(255)
    const many = `{${'*a'.repeat(12)}b,${'a*'.repeat(12)}b}`.repeat(4)
    const matchers = [`${'*a'.repeat(2000)}b`, `${'*a'.repeat(120)}b`, `${'**a'.repeat(120)}b`, many, '{a,*}'.repeat(9)].map(
      globMatcher,
    )
    const startedAt = performance.now()
    for (const matches of matchers) for (let n = 0; n < 10; n += 1) expect(matches(name)).to.equal(false)
    // A matcher that tries all ways would not end within the life of the universe.
    expect(performance.now() - startedAt).to.be.lessThan(10_000)
  })
})

describe('ftp: LIST and NLST', () => {
  let running: Running
  let home: Home
  let session: RawSession
  beforeEach(async () => {
    running = await serveFtp()
    home = new Home(running)
    await mkdir(home.path('folder', 'sub'), { recursive: true })
    for (const name of ['b.txt', 'a.txt', 'c.bin', '.dot', 'folder/x.txt', 'folder/y']) await home.put(name, name)
    await chmod(home.path('a.txt'), 0o600)
    await utimes(home.path('a.txt'), 951_827_696, 951_827_696)
    session = await RawSession.open(running)
  })
  afterEach(async () => {
    session[Symbol.dispose]()
    await running.close()
  })
  const list = async (command: string): Promise<string[]> => (await session.download(command)).toString().split('\r\n').slice(0, -1)

  it('show files and folders sorted, with dots, whatever options of ls are given', async () => {
    const lines = await list('LIST')
    expect(lines.map((line) => line.split(' ').at(-1))).to.deep.equal(['.dot', 'a.txt', 'b.txt', 'c.bin', 'folder'])
    expect(lines[1]).to.equal('-rw-------   1 alice    alice               5 Feb 29  2000 a.txt')
    expect(lines[4]).to.match(/^drwxr-xr-x {3}1 alice {4}alice +\d+ \w{3} [ \d]\d \d\d:\d\d folder$/)
    for (const command of ['LIST -la', 'LIST -l -a', 'LIST -a .', 'LIST .', 'LIST /', 'LIST -lah -A -1 ./', 'LIST  -la ', 'LIST -'])
      expect(await list(command), command).to.deep.equal(lines)
    expect(await list('LIST folder')).to.have.length(3)
    expect(await list('NLST -l')).to.deep.equal(lines)
    expect(await list('NLST -l folder')).to.deep.equal(await list('LIST folder'))
  })

  it('are sorted by time, the other way round and with marks where that is asked for', async () => {
    for (const [n, name] of ['c.bin', 'folder', 'b.txt', '.dot', 'a.txt'].entries()) await utimes(home.path(name), 1e9 - n, 1e9 - n)
    const byTime = ['c.bin', 'folder', 'b.txt', '.dot', 'a.txt']
    expect(await list('NLST -t')).to.deep.equal(byTime)
    expect(await list('NLST -rt')).to.deep.equal(byTime.toReversed())
    expect(await list('NLST -t -r *')).to.deep.equal(['a.txt', 'b.txt', 'folder', 'c.bin'])
    expect(await list('NLST -r')).to.deep.equal(['folder', 'c.bin', 'b.txt', 'a.txt', '.dot'])
    expect((await list('LIST -lart')).map((line) => line.split(' ').at(-1))).to.deep.equal(byTime.toReversed())
    expect(await list('NLST -F')).to.deep.equal(['.dot', 'a.txt', 'b.txt', 'c.bin', 'folder/'])
    expect((await list('LIST -F'))[4]).to.match(/ folder\/$/)
  })

  it('are of a folder itself with -d', async () => {
    expect(await list('NLST -d folder/sub')).to.deep.equal(['folder/sub'])
    expect(await list('LIST -ld folder')).to.have.length(1)
    expect((await list('LIST -d folder'))[0]).to.match(/^drwxr-xr-x .* folder$/)
    expect((await list('LIST -d'))[0]).to.match(/^drwx.* \.$/)
    expect((await list('LIST -d /'))[0]).to.match(/^drwx.* \/$/)
    expect(await list('LIST -d a.txt')).to.deep.equal(await list('LIST a.txt'))
  })

  it('go into folders with -R, into each once, however links lead', async () => {
    await symlink('..', home.path('folder', 'sub', 'up'))
    await symlink('.', home.path('folder', 'self'))
    expect(await list('NLST -R')).to.deep.equal([
      ...['.:', '.dot', 'a.txt', 'b.txt', 'c.bin', 'folder', ''],
      ...['./folder:', './folder/self', './folder/sub', './folder/x.txt', './folder/y', ''],
      ...['./folder/sub:', './folder/sub/up'],
    ])
    const below = (await list('LIST -lR folder')).map((line) => line.split(' ').at(-1))
    expect(below).to.deep.equal(['folder:', 'self', 'sub', 'x.txt', 'y', '', 'folder/sub:', 'up'])
    expect(await list('LIST -R a.txt')).to.have.length(1)
  })

  it('take a name that begins with a dash behind the options', async () => {
    await home.put('-dash', 'dash')
    await home.put('-la', '')
    for (const command of ['NLST -- -dash', 'NLST -l -dash', 'NLST ./-dash', 'NLST -1 -- -dash']) {
      const [line, ...more] = await list(command)
      expect([line?.split(/[ /]/).at(-1), ...more], command).to.deep.equal(['-dash'])
    }
    expect(await list('NLST -- -la')).to.deep.equal(['-la'])
    expect(await list('NLST -a -la')).to.have.length(7)
    expect(await session.ask('LIST -l -dashes')).to.match(/^550 /)
  })

  it('NLST gives names that the client can use as they are (RFC 1123 §4.1.2.7)', async () => {
    expect(await list('NLST')).to.deep.equal(['.dot', 'a.txt', 'b.txt', 'c.bin', 'folder'])
    expect(await list('NLST .')).to.deep.equal(['.dot', 'a.txt', 'b.txt', 'c.bin', 'folder'])
    expect(await list('NLST folder')).to.deep.equal(['folder/sub', 'folder/x.txt', 'folder/y'])
    expect(await list('NLST /folder/')).to.deep.equal(['/folder/sub', '/folder/x.txt', '/folder/y'])
    expect(await list('NLST a.txt')).to.deep.equal(['a.txt'])
    expect(await list('NLST folder/y')).to.deep.equal(['folder/y'])
    for (const name of await list('NLST folder')) expect(await session.ask(`RNFR ${name}`)).to.match(/^350 /)
  })

  it('take patterns in the last name', async () => {
    expect(await list('NLST *.txt')).to.deep.equal(['a.txt', 'b.txt'])
    expect(await list('NLST folder/*.txt')).to.deep.equal(['folder/x.txt'])
    expect(await list('NLST -1 ?.[bt]*')).to.deep.equal(['a.txt', 'b.txt', 'c.bin'])
    expect(await list('NLST .*')).to.deep.equal(['.dot'])
    expect(await list('NLST nothing*')).to.deep.equal([])
    expect(await list('NLST {a,c}.{txt,bin}')).to.deep.equal(['a.txt', 'c.bin'])
    expect(await list('NLST [^a]*')).to.deep.equal(['b.txt', 'c.bin', 'folder'])
    expect(await list('NLST -a *')).to.deep.equal(['.dot', 'a.txt', 'b.txt', 'c.bin', 'folder'])
    expect(await list('NLST f*')).to.deep.equal(['folder'])
    expect(await list('LIST *.bin')).to.have.length(1)
    expect(await session.ask('NLST no/*')).to.match(/^550 /)
    await home.put('really*', '')
    expect(await list('NLST really*')).to.deep.equal(['really*'])
  })

  it('show no name that would break its line, and nothing that leads outside', async () => {
    await writeFile(home.path('two\r\nlines'), '')
    await symlink('/etc', home.path('outside'))
    await symlink('a.txt', home.path('inside'))
    expect(await list('NLST')).to.deep.equal(['.dot', 'a.txt', 'b.txt', 'c.bin', 'folder', 'inside', 'two??lines'])
    expect((await list('LIST')).find((line) => line.endsWith('inside'))).to.match(/^-rw------- .* 5 Feb 29 {2}2000 inside$/)
  })

  it('stream folders of any size, the larger ones unsorted, and leave out what vanishes meanwhile', async function () {
    this.timeout(120_000)
    await mkdir(home.path('many'))
    for (let n = 0; n < 10_500; n += 500) await Promise.all(Array.from({ length: 500 }, (_, k) => home.put(`many/${n + k}`, '')))
    const all = await list('NLST many')
    expect(all).to.have.length(10_500)
    expect(new Set(all).size).to.equal(10_500)
    const [listed] = await Promise.all([
      list('LIST many'),
      (async () => {
        for (let n = 0; n < 10_500; n += 7) await rm(home.path('many', String(n)))
      })(),
    ])
    expect(listed.length).to.be.within(9_000, 10_500)
  })
})
