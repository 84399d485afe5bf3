import { chmod, mkdir, rm, stat, symlink, utimes } from 'node:fs/promises'
import { expect } from 'chai'
import { type Described, factWriter, permOf, rightsOf } from '../../servers/ftp/facts.ts'
import { readTimeValue, timeValue } from '../../servers/ftp/time-value.ts'
import type { FileStat } from '../../shared/files/file-store.ts'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

const modifiedMs = Date.UTC(2026, 10, 21, 10, 2, 3)
const fileStat = (changes: Partial<FileStat> = {}): FileStat => ({
  kind: 'file',
  octets: 12,
  modifiedMs,
  changedMs: modifiedMs,
  createdMs: null,
  mode: 0o644,
  unique: '1:2',
  ...changes,
})
const all = { read: true, write: true, enter: true }
const file = (mode: number, inFolder: Described['inFolder'] = all): Described => ({
  stat: fileStat({ mode }),
  type: 'file',
  inFolder,
})
const folder = (mode: number, inFolder: Described['inFolder'] = all): Described => ({
  stat: fileStat({ kind: 'folder', mode }),
  type: 'dir',
  inFolder,
})

describe('ftp: facts', () => {
  it('perm says what the access and the permissions of the file allow (RFC 3659 §7.5.5)', () => {
    const perms = (described: Described) => [
      permOf(described, 'full', false),
      permOf(described, 'read-only', false),
      permOf(described, 'drop-box', false),
    ]
    expect(perms(file(0o644))).to.deep.equal(['adfrw', 'r', ''])
    expect(perms(file(0o444))).to.deep.equal(['dfr', 'r', ''])
    expect(perms(file(0o200))).to.deep.equal(['adfw', '', ''])
    expect(perms(file(0o644, { ...all, write: false }))).to.deep.equal(['r', 'r', ''])
    expect(perms(folder(0o755))).to.deep.equal(['cdeflmp', 'el', 'cem'])
    expect(perms(folder(0o555))).to.deep.equal(['defl', 'el', 'e'])
    expect(perms(folder(0o644))).to.deep.equal(['df', '', ''])
    expect(perms(folder(0o755, null))).to.deep.equal(['celmp', 'el', 'cem'])
    expect(permOf(file(0), 'full', true)).to.equal('adfrw')
    expect(rightsOf(fileStat({ mode: 0o077 }), false)).to.deep.equal({ read: false, write: false, enter: false })
  })

  it('are written as RFC 3659 §7.2 has it: no blank in them, one behind them, none that does not apply', () => {
    const write = factWriter(['type', 'size', 'modify', 'create', 'unique', 'unix.mode'], 'full')
    expect(write(file(0o640), ' a;b =c ')).to.equal('type=file;size=12;modify=20261121100203;unique=1:2;unix.mode=0640;  a;b =c ')
    expect(write(folder(0o7), 'ü')).to.equal('type=dir;modify=20261121100203;unique=1:2;unix.mode=0007; ü')
    const made = (createdMs: number) => write({ ...file(0o600), stat: fileStat({ createdMs }) }, 'x')
    expect(made(modifiedMs - 1000)).to.include(';create=20261121100202;')
    expect(made(modifiedMs + 1)).to.not.include('create')
    expect(factWriter([], 'full')(file(0o640), 'x')).to.equal(' x')
  })

  it('times are read and written to the second, in UTC; what is none is not taken', () => {
    expect(timeValue(Date.UTC(2024, 1, 29, 23, 59, 59, 999))).to.equal('20240229235959')
    expect(timeValue(-1)).to.equal('19691231235959')
    expect(readTimeValue('20240229235959')).to.equal(Date.UTC(2024, 1, 29, 23, 59, 59))
    expect(readTimeValue('20240229235959.0015')).to.equal(Date.UTC(2024, 1, 29, 23, 59, 59, 1))
    expect(readTimeValue('202402292359')).to.equal(Date.UTC(2024, 1, 29, 23, 59))
    expect(readTimeValue('20161231235960')).to.equal(Date.UTC(2017, 0, 1))
    const wrong = [
      '',
      '2024',
      '20230229000000',
      '20241301000000',
      '20240100000000',
      '20240101240000',
      '20240101006000',
      '20240101000061',
    ]
    for (const text of [...wrong, '2024010100000x', '20240101000000.', ' 20240101000000', '-0240101000000'])
      expect(readTimeValue(text), text).to.equal(null)
  })
})

describe('ftp: MLSD', () => {
  let running: Running
  let home: Home
  let session: RawSession
  beforeEach(async () => {
    running = await serveFtp()
    home = new Home(running)
    await mkdir(home.path('folder', 'sub'), { recursive: true })
    await home.put('a.txt', 'twelve bytes')
    await utimes(home.path('a.txt'), 951_827_696, 951_827_696)
    session = await RawSession.open(running)
  })
  afterEach(async () => {
    session[Symbol.dispose]()
    await running.close()
  })
  const list = async (command: string): Promise<string[]> => {
    const text = (await session.download(command)).toString()
    expect(text).to.match(/^(?:[^\r\n]+\r\n)*$/)
    return text.split('\r\n').slice(0, -1).sort()
  }

  it('tells all facts of what is in a folder, of the folder itself and of the one around it (RFC 3659 §7.2)', async () => {
    const { dev, ino } = await stat(home.path('a.txt'))
    const [ofFile, ...others] = (await list('MLSD')).reverse()
    expect(ofFile).to.equal(`type=file;size=12;modify=20000229123456;perm=adfrw;unique=${dev}:${ino};unix.mode=0644; a.txt`)
    expect(
      others.map((line) => line.replace(/modify=\d{14};(?:create=\d{14};)?/, '').replace(/unique=\d+:\d+/, 'unique=U')),
    ).to.deep.equal(['type=dir;perm=cdeflmp;unique=U;unix.mode=0755; folder', 'type=cdir;perm=celmp;unique=U;unix.mode=0755; .'])
    await session.ask('OPTS MLST type;perm;')
    expect(await list('MLSD folder')).to.deep.equal(['type=dir;perm=cdeflmp; sub', 'type=pdir;perm=celmp; ..'])
    expect(await session.ask('CWD folder')).to.match(/^250 /)
    expect(await list('MLSD')).to.deep.equal([
      'type=cdir;perm=cdeflmp; .',
      'type=dir;perm=cdeflmp; sub',
      'type=pdir;perm=celmp; ..',
    ])
    expect(await list('MLSD /')).to.deep.equal(['type=dir;perm=cdeflmp; folder', 'type=file;perm=adfrw; a.txt'])
  })

  it('tells of no folders but those in it where the type is not told (RFC 3659 §7.5.1.2)', async () => {
    await session.ask('OPTS MLST size;')
    expect(await list('MLSD')).to.deep.equal([' folder', 'size=12; a.txt'])
    await session.ask('OPTS MLST')
    expect(await list('MLSD')).to.deep.equal([' a.txt', ' folder'])
    expect(await session.ask('MLST a.txt')).to.equal('250-Facts follow:\n  /a.txt\n250 End of facts')
  })

  it('gives names exactly as they are, whatever is in them, and takes them so', async () => {
    const names = [
      'blank at the end ',
      ' blank at the begin',
      'a  b',
      '-la',
      'semi;colon=x; y',
      'üñ🐦',
      '*?[x]',
      '"quotes"',
      "d'un",
      '100%',
      '\\back',
    ]
    await mkdir(home.path('odd'))
    for (const name of names) await home.put(`odd/${name}`, name)
    await session.ask('OPTS MLST type;')
    expect(await list('MLSD odd')).to.deep.equal(['type=pdir; ..', ...names.map((name) => `type=file; ${name}`)].sort())
    // What a line cannot hold is left out, with all else that is in the same folder told (RFC 3659 §2.2).
    for (const name of ['cr\rlf\n', 'lf\nx', 'cr\rx', 'tab\tx']) await home.put(`odd/${name}`, '')
    expect(await list('MLSD odd')).to.deep.equal(
      ['type=pdir; ..', ...[...names, 'tab\tx'].map((name) => `type=file; ${name}`)].sort(),
    )
    await session.ask('CWD odd')
    for (const name of names) {
      expect(await session.ask(`MLST ${name}`)).to.equal(`250-Facts follow:\n type=file; /odd/${name}\n250 End of facts`)
      expect(await session.ask(`SIZE ${name}`)).to.equal(`213 ${Buffer.byteLength(name)}`)
    }
  })

  it('the same file has the same unique fact under each of its names; what leads outside is not told (RFC 3659 §7.5.2)', async () => {
    await symlink('a.txt', home.path('link'))
    await symlink('/etc', home.path('outside'))
    await session.ask('OPTS MLST type;unique;')
    const lines = await list('MLSD')
    const unique = (name: string) => /unique=([^;]+);/.exec(lines.find((line) => line.endsWith(` ${name}`)) ?? '')?.[1]
    expect(unique('link')).to.be.a('string').and.equal(unique('a.txt'))
    expect(unique('folder')).to.be.a('string').and.not.equal(unique('a.txt'))
    expect(lines.join()).to.not.include('outside')
  })

  it('does not care about TYPE, and leaves it as it was (RFC 3659 §7.2)', async () => {
    await session.ask('TYPE A')
    await session.ask('OPTS MLST type;')
    expect(await list('MLSD folder')).to.deep.equal(['type=dir; sub', 'type=pdir; ..'])
    expect(await session.ask('SIZE a.txt')).to.match(/^550 /)
  })

  it('streams folders of any size and leaves out what vanishes meanwhile', async function () {
    this.timeout(120_000)
    await mkdir(home.path('many'))
    for (let n = 0; n < 3_000; n += 500) await Promise.all(Array.from({ length: 500 }, (_, k) => home.put(`many/${n + k}`, '')))
    await session.ask('OPTS MLST type;')
    expect(new Set(await list('MLSD many')).size).to.equal(3_001)
    const [listed] = await Promise.all([
      list('MLSD many'),
      (async () => {
        for (let n = 0; n < 3_000; n += 7) await rm(home.path('many', String(n)))
      })(),
    ])
    expect(listed.length).to.be.within(2_500, 3_001)
  })

  it('is refused where there is no right to read, or no such folder', async function () {
    if (process.geteuid?.() === 0) this.skip()
    await chmod(home.path('folder'), 0)
    expect(await session.ask('MLSD folder')).to.match(/^550 /)
    await chmod(home.path('folder'), 0o700)
  })

  it('the facts chosen hold until REIN makes all as it was', async () => {
    await session.ask('OPTS MLST type;')
    expect(await session.ask('FEAT')).to.include(' MLST type*;size;modify;create;perm;unique;unix.mode;\n')
    await session.ask('USER alice')
    expect(await session.ask('FEAT')).to.include(' MLST type*;size;')
    expect(await session.ask('REIN')).to.match(/^220 /)
    expect(await session.ask('FEAT')).to.include(' MLST type*;size*;modify*;create*;perm*;unique*;unix.mode*;\n')
  })
})

describe('ftp: facts and accesses', () => {
  const serveWith = async (access: 'read-only' | 'drop-box') => {
    const running = await serveFtp({ settings: { files: { access } } })
    const home = new Home(running)
    await mkdir(home.path('folder'))
    await home.put('a.txt', 'twelve bytes')
    await utimes(home.path('a.txt'), 951_827_696, 951_827_696)
    return { running, home }
  }
  const changes = ['MFMT 20010203040506 a.txt', 'MDTM 20010203040506 a.txt', 'MFF unix.mode=0600; a.txt', 'SITE CHMOD 600 a.txt']
  const unchanged = async (home: Home) => {
    const { mtimeMs, mode } = await stat(home.path('a.txt'))
    expect([mtimeMs, mode & 0o777]).to.deep.equal([951_827_696_000, 0o644])
  }

  it('who may only read is told so, reads all facts and changes none', async () => {
    const { running, home } = await serveWith('read-only')
    await using _running = running
    using session = await RawSession.open(running)
    await session.ask('OPTS MLST type;perm;')
    const lines = (await session.download('MLSD')).toString().split('\r\n').sort()
    expect(lines).to.deep.equal(['', 'type=cdir;perm=el; .', 'type=dir;perm=el; folder', 'type=file;perm=r; a.txt'])
    expect(await session.ask('MDTM a.txt')).to.equal('213 20000229123456')
    expect(await session.ask('XCRC a.txt')).to.match(/^250 /)
    expect(await session.ask('AVBL')).to.equal('213 0')
    for (const command of [...changes, 'SITE UTIME 20010203040506 a.txt'])
      expect(await session.ask(command), command).to.match(/^550 /)
    await unchanged(home)
  })

  it('who may only add files learns nothing of those that are there', async () => {
    const { running, home } = await serveWith('drop-box')
    await using _running = running
    using session = await RawSession.open(running)
    await session.ask('OPTS MLST type;perm;')
    expect((await session.download('MLSD')).toString()).to.equal('type=cdir;perm=cem; .\r\n')
    expect(await session.ask('MLST folder')).to.equal('250-Facts follow:\n type=dir;perm=cem; /folder\n250 End of facts')
    for (const command of ['LIST', 'NLST', 'NLST *', 'LIST -la', 'LIST -R folder'])
      expect((await session.download(command)).toString(), command).to.be.oneOf(['', 'folder:\r\n'])
    const asked = [
      'MLST a.txt',
      'SIZE a.txt',
      'MDTM a.txt',
      'STAT a.txt',
      'HASH a.txt',
      'XMD5 a.txt',
      'LIST a.txt',
      'LIST -d a.txt',
    ]
    for (const command of [...asked, ...changes]) expect(await session.ask(command), command).to.match(/^550 /)
    await unchanged(home)
    // No different from what is not there.
    expect(await session.ask('MLST a.txt')).to.equal(await session.ask('MLST nothing'))
    expect(await session.ask('MDTM 20010203040506 a.txt')).to.equal(await session.ask('MDTM 20010203040506 nothing'))
  })

  it('what is set is on record', async () => {
    const running = await serveFtp()
    await using _running = running
    await new Home(running).put('a.txt', '')
    using session = await RawSession.open(running)
    expect(await session.ask('MFMT 20010203040506 a.txt')).to.match(/^213 /)
    expect(await session.ask('SITE CHMOD 640 a.txt')).to.match(/^200 /)
    expect(running.journal.of('file.time-set')[0]?.fields).to.include({ file: '/a.txt', modified: '2001-02-03T04:05:06.000Z' })
    expect(running.journal.of('file.mode-set')[0]?.fields).to.include({ file: '/a.txt', mode: '640' })
  })

  it('MDTM sets a time only where no file has the whole of its words for a name', async () => {
    const running = await serveFtp()
    await using _running = running
    const home = new Home(running)
    await home.put('20010203040506 a.txt', '')
    await home.put('a.txt', '')
    await utimes(home.path('a.txt'), 951_827_696, 951_827_696)
    await utimes(home.path('20010203040506 a.txt'), 951_827_697, 951_827_697)
    using session = await RawSession.open(running)
    expect(await session.ask('MDTM 20010203040506 a.txt')).to.equal('213 20000229123457')
    expect(await session.ask('MDTM a.txt')).to.equal('213 20000229123456')
  })
})
