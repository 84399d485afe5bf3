import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { describeWith } from '../kit/programs.ts'
import { seeded } from '../kit/seeded.ts'
import { holds, oddNames, password, useProgramLab } from './program-lab.ts'

const content = seeded().octets(300_001)

describeWith(['curl'], 'FTP: curl, its options', function () {
  this.timeout(120_000)
  const lab = useProgramLab()
  const curl = (...args: string[]) => lab().succeeds('curl', ['-sS', '--max-time', '30', ...args])
  const tls = (...args: string[]) => curl('--cacert', lab().authority, '--ssl-reqd', ...args)
  const url = (path = '') => `${lab().url}/${path}`

  beforeEach(async () => {
    await writeFile(lab().local('up.bin'), content)
    await writeFile(lab().home('down.bin'), content)
  })

  it('-T uploads a file, several of them, and what comes from stdin as it comes', async () => {
    await writeFile(lab().local('b.txt'), 'b')
    await curl('-T', '{up.bin,b.txt}', '--ftp-create-dirs', url('new/folder/'))
    await holds(lab().home('new', 'folder', 'up.bin'), content)
    await holds(lab().home('new', 'folder', 'b.txt'), 'b')
    for (const stdin of ['-', '.']) {
      await lab().succeeds('curl', ['-sS', '-T', stdin, url(`stdin ${stdin}`).replace(' ', '%20')], content)
      await holds(lab().home(`stdin ${stdin}`), content)
    }
  })

  it('-C goes on with either direction where it broke off, and does nothing where all is there', async () => {
    for (const octets of [0, 1, 150_000, content.length]) {
      await writeFile(lab().local('part.bin'), content.subarray(0, octets))
      await curl('-C', '-', url('down.bin'), '-o', 'part.bin')
      await holds(lab().local('part.bin'), content)
      await writeFile(lab().home('part.bin'), content.subarray(0, octets))
      await curl('-C', '-', '-T', 'up.bin', url('part.bin'))
      await holds(lab().home('part.bin'), content)
    }
    await curl('-C', '-', '-T', 'up.bin', url('never there.bin').replaceAll(' ', '%20'))
    await holds(lab().home('never there.bin'), content)
    await curl('-C', '1000', url('down.bin'), '-o', 'from 1000')
    await holds(lab().local('from 1000'), content.subarray(1000))
    await curl('-a', '-T', 'up.bin', url('part.bin'))
    await holds(lab().home('part.bin'), Buffer.concat([content, content]))
  })

  it('-C - goes on with an upload of its own that broke off, of which no file is there', async () => {
    // Ended in the middle, as by a network that goes away: again where nothing had come by then.
    await eventually(async () => {
      const { code } = await lab().run('curl', [
        '-sS',
        '--limit-rate',
        '200000',
        '--max-time',
        '1',
        '-T',
        'up.bin',
        url('broken.bin'),
      ])
      expect(code).to.equal(28)
      const names = () => readdir(lab().home())
      await eventually(async () => expect((await names()).filter((name) => name.startsWith('.havre-upload'))).to.deep.equal([]))
      expect((await names()).some((name) => name.startsWith('.havre-partial'))).to.equal(true)
      expect(await names()).to.not.include('broken.bin')
    })
    const before = lab().heard.length
    await curl('-C', '-', '-T', 'up.bin', url('broken.bin'))
    await holds(lab().home('broken.bin'), content)
    expect(lab().heard.slice(before)).to.include('APPE broken.bin')
    expect((await readdir(lab().home())).sort()).to.deep.equal(['broken.bin', 'down.bin'])
  })

  it('--ftp-method walks folder by folder, at once, or not at all', async () => {
    await mkdir(lab().home('one two', 'three'), { recursive: true })
    for (const [method, walk] of [
      ['multicwd', ['CWD one two', 'CWD three', 'STOR up.bin']],
      ['singlecwd', ['CWD one two/three', 'STOR up.bin']],
      ['nocwd', ['STOR one two/three/up.bin']],
    ] as const) {
      const before = lab().heard.length
      await curl('--ftp-method', method, '-T', 'up.bin', url('one%20two/three/up.bin'))
      expect(
        lab()
          .heard.slice(before)
          .filter((line) => /^(?:CWD|STOR)/.test(line)),
      ).to.deep.equal(walk)
      await curl('--ftp-method', method, url('one%20two/three/up.bin'), '-o', 'back.bin')
      await holds(lab().local('back.bin'), content)
      expect(await curl('--ftp-method', method, '-l', url('one%20two/three/'))).to.match(/^(?:one two\/three\/)?up\.bin\n$/)
      // From the root of all, which is that of the home.
      expect(await curl('--ftp-method', method, '-l', url('%2Fone%20two/'))).to.match(/^(?:\/one two\/)?three\n$/)
    }
  })

  it('-Q says commands before, between and behind, and goes on behind a * though it is refused', async () => {
    const words = ['MKD a', '*DELE nothing', '+NOOP', '-RNFR down.bin', '-RNTO b.bin']
    await curl(...words.flatMap((word) => ['-Q', word]), url('down.bin'), '-o', 'back.bin')
    expect(lab().heard.filter((line) => /^(?:MKD|DELE|NOOP|RETR|RN)/.test(line))).to.deep.equal([
      ...['MKD a', 'DELE nothing', 'NOOP', 'RETR down.bin', 'RNFR down.bin', 'RNTO b.bin'],
    ])
    expect((await readdir(lab().home())).sort()).to.deep.equal(['a', 'b.bin'])
    const { code } = await lab().run('curl', ['-sS', '-Q', 'DELE nothing', url('')])
    expect(code).to.equal(21)
  })

  it('-r takes any range', async () => {
    for (const [range, from, to] of [
      ['0-0', 0, 1],
      ['0-9', 0, 10],
      ['299999-', 299_999, 300_001],
      ['-10', 299_991, 300_001],
      ['1000-200000', 1000, 200_001],
    ] as const) {
      await curl('-r', range, url('down.bin'), '-o', 'range')
      await holds(lab().local('range'), content.subarray(from, to))
    }
  })

  it('-I, -z and -R ask for size and time, and keep them', async () => {
    const modified = new Date('2005-06-07T08:09:10Z')
    await utimes(lab().home('down.bin'), modified, modified)
    expect((await curl('-I', url('down.bin'))).replaceAll('\r', '')).to.equal(
      'Last-Modified: Tue, 07 Jun 2005 08:09:10 GMT\nContent-Length: 300001\nAccept-ranges: bytes\n',
    )
    await curl('-z', '7 Jun 2005 08:09:11 GMT', url('down.bin'), '-o', 'newer')
    expect(lab().heard.filter((line) => line.startsWith('RETR'))).to.deep.equal([])
    await curl('-z', '7 Jun 2005 08:09:09 GMT', '-R', url('down.bin'), '-o', 'kept')
    await holds(lab().local('kept'), content)
    expect((await stat(lab().local('kept'))).mtimeMs).to.equal(modified.getTime())
  })

  it('--use-ascii and ;type=a turn line ends, both ways', async () => {
    await writeFile(lab().local('text'), 'one\ntwo\n')
    await curl('--use-ascii', '--crlf', '-T', 'text', url('text'))
    await holds(lab().home('text'), 'one\ntwo\n')
    expect(await curl('--use-ascii', url('text'))).to.equal('one\r\ntwo\r\n'.replaceAll('\r', ''))
    expect(await curl(url('text;type=a'))).to.equal('one\ntwo\n')
    expect(await curl(url('text;type=i'))).to.equal('one\ntwo\n')
    // A list of names, asked for by the URL.
    expect(await curl(url(';type=d'))).to.equal('down.bin\ntext\n')
  })

  it('--ftp-account, --ftp-alternative-to-user and --ftp-skip-pasv-ip have their way', async () => {
    await curl('--ftp-account', 'anything', url('down.bin'), '-o', 'back.bin')
    const other = `ftp://bob:${password}@localhost:${lab().port}/down.bin`
    await curl('--ftp-alternative-to-user', 'USER alice', other, '-o', 'back.bin')
    await curl('--ftp-skip-pasv-ip', '--disable-epsv', url('down.bin'), '-o', 'back.bin')
    await curl('--no-ftp-skip-pasv-ip', '--disable-epsv', url('down.bin'), '-o', 'back.bin')
    await holds(lab().local('back.bin'), content)
  })

  it('--ftp-port takes an address, an interface and ports', async () => {
    for (const port of ['-', '127.0.0.1', 'lo', '127.0.0.1:32000-32700']) {
      for (const manner of [[], ['--disable-eprt']]) {
        await curl('--ftp-port', port, ...manner, '-4', '-T', 'up.bin', url('up.bin'))
        await holds(lab().home('up.bin'), content)
        await curl('--ftp-port', port, ...manner, '-4', url('up.bin'), '-o', 'back.bin')
        await holds(lab().local('back.bin'), content)
      }
    }
  })

  it('names of all kinds go up, are listed and come down', async () => {
    const names = [...oddNames, ' lead', 'trail ', 'a?b', 'q=1&r']
    for (const name of names) {
      await curl('-g', '-T', 'up.bin', '--ftp-create-dirs', url(`n/${encodeURIComponent(name)}`))
      await curl('-g', url(`n/${encodeURIComponent(name)}`), '-o', 'back.bin')
      await holds(lab().local('back.bin'), content)
    }
    expect(await readdir(lab().home('n'))).to.have.members(names)
    expect((await curl('-l', url('n/'))).split('\n').slice(0, -1)).to.have.members(names)
  })

  describe('over TLS', () => {
    for (const version of [[], ['--tls-max', '1.2']]) {
      it(`has many transfers in a session, each with the session of the one before ${version.join(' ')}`.trim(), async () => {
        const names = Array.from({ length: 6 }, (_, n) => `f${n}`)
        for (const name of names) await writeFile(lab().local(name), name)
        await tls(...version, '-T', `{${names.join(',')}}`, url(''))
        for (const name of names) await holds(lab().home(name), name)
        expect(await tls(...version, ...names.map((name) => url(name)))).to.equal(names.join(''))
        expect(lab().heard.filter((line) => line.startsWith('USER'))).to.have.length(2)
      })
    }

    it('uploads, resumes and downloads with EPSV and PASV', async () => {
      for (const manner of [[], ['--disable-epsv']]) {
        await writeFile(lab().home('tls.bin'), content.subarray(0, 100_000))
        await tls(...manner, '-C', '-', '-T', 'up.bin', url('tls.bin'))
        await holds(lab().home('tls.bin'), content)
        await tls(...manner, '-r', '5-', url('tls.bin'), '-o', 'back.bin')
        await holds(lab().local('back.bin'), content.subarray(5))
      }
    })

    it('--ssl tries, --ftp-ssl-control leaves data in clear, --ftp-ssl-ccc is refused and goes on encrypted', async () => {
      await curl('--cacert', lab().authority, '--ssl', url('down.bin'), '-o', 'back.bin')
      expect(lab().heard).to.include('PROT P')
      await lab().empty()
      await writeFile(lab().home('down.bin'), content)
      await curl('--cacert', lab().authority, '--ftp-ssl-control', url('down.bin'), '-o', 'back.bin')
      expect(lab().heard).to.include('PROT C')
      for (const mode of ['active', 'passive']) {
        await curl('--cacert', lab().authority, '--ssl-reqd', '--ftp-ssl-ccc-mode', mode, url('down.bin'), '-o', 'back.bin')
        await holds(lab().local('back.bin'), content)
      }
      expect(lab().heard.filter((line) => line === 'CCC')).to.have.length(2)
    })
  })
})

describeWith(['curl'], 'FTP: curl, ftps://', function () {
  this.timeout(120_000)
  const lab = useProgramLab({ tls: 'implicit' })
  it('uploads, lists and downloads', async () => {
    const curl = (...args: string[]) => lab().succeeds('curl', ['-sS', '--cacert', lab().authority, ...args])
    const url = lab().url.replace('ftp:', 'ftps:')
    await writeFile(lab().local('up.bin'), content)
    await curl('-T', 'up.bin', '--ftp-create-dirs', `${url}/x/up.bin`)
    await holds(lab().home('x', 'up.bin'), content)
    expect(await curl('-l', `${url}/x/`)).to.equal('up.bin\n')
    await curl(`${url}/x/up.bin`, '-o', 'back.bin', `${url}/x/up.bin`, '-o', 'back2.bin')
    for (const name of ['back.bin', 'back2.bin']) await holds(lab().local(name), content)
  })
})
