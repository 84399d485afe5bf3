import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { describeWith } from '../kit/programs.ts'
import { type Ended, run } from '../kit/run.ts'
import { type FtpFamily, password, startFtpFamily } from './ftp-family.ts'

const digest = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex')
const odd = 'a name with blanks, ü and 🐦.bin'

describe('ftp: real clients, the real supervisor', function () {
  this.timeout(120_000)
  let ftp: FtpFamily
  const content = randomBytes(1_500_001)
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
    await writeFile(ftp.home('down.bin'), content)
  })

  const succeeds = async (command: string, args: readonly string[], input = ''): Promise<Ended> => {
    const ended = await run(command, args, { input, cwd: ftp.local(), env: { HOME: ftp.local() }, deadlineMs: 60_000 })
    expect(ended.code, `${command}: ${ended.stdout}\n${ended.stderr}`).to.equal(0)
    return ended
  }
  const same = async (path: string, expected: Buffer = content): Promise<void> => {
    expect(digest(await readFile(path)), path).to.equal(digest(expected))
  }

  describeWith(['curl'], 'curl', () => {
    for (const [manner, args] of Object.entries({
      EPSV: [],
      PASV: ['--disable-epsv'],
      EPRT: ['--ftp-port', '-'],
      PORT: ['--ftp-port', '-', '--disable-eprt'],
    })) {
      it(`uploads, downloads and lists with ${manner}`, async () => {
        const url = `${ftp.url}/deep/er/${encodeURIComponent(odd)}`
        await succeeds('curl', ['-sS', ...args, '-T', 'up.bin', '--ftp-create-dirs', url])
        await same(ftp.home('deep', 'er', odd))
        await succeeds('curl', ['-sS', ...args, url, '-o', 'back.bin'])
        await same(ftp.local('back.bin'))
        // Lists are text: curl turns their line ends into ours.
        const { stdout } = await succeeds('curl', ['-sS', ...args, `${ftp.url}/deep/er/`])
        expect(stdout.toString()).to.match(
          /^-rw-r--r-- +1 alice +alice +1500001 \w{3} [ \d]\d \d\d:\d\d a name with blanks, ü and 🐦\.bin\n$/,
        )
        expect((await succeeds('curl', ['-sS', ...args, '-l', `${ftp.url}/`])).stdout.toString()).to.equal('deep\ndown.bin\n')
      })
    }

    it('resumes a download and an upload, appends, renames, removes, tells size and time', async () => {
      await writeFile(ftp.local('half.bin'), content.subarray(0, 700_000))
      await succeeds('curl', ['-sS', '-C', '-', `${ftp.url}/down.bin`, '-o', 'half.bin'])
      await same(ftp.local('half.bin'))
      await writeFile(ftp.home('half.bin'), content.subarray(0, 700_000))
      await succeeds('curl', ['-sS', '-C', '-', '-T', 'up.bin', `${ftp.url}/half.bin`])
      await same(ftp.home('half.bin'))
      await succeeds('curl', ['-sS', '-a', '-T', 'up.bin', `${ftp.url}/half.bin`])
      await same(ftp.home('half.bin'), Buffer.concat([content, content]))
      await succeeds('curl', ['-sS', `${ftp.url}/`, '-Q', '-RNFR half.bin', '-Q', '-RNTO whole.bin', '-Q', '-DELE down.bin'])
      expect(await readdir(ftp.home())).to.deep.equal(['whole.bin'])
      const { stdout } = await succeeds('curl', ['-sS', '-I', `${ftp.url}/whole.bin`])
      expect(stdout.toString())
        .to.include('Content-Length: 3000002')
        .and.match(/Last-Modified: \w/)
      const { stdout: range } = await succeeds('curl', ['-sS', '-r', '10-19', `${ftp.url}/whole.bin`])
      expect(range.equals(content.subarray(10, 20))).to.equal(true)
    })

    it('is told plainly what is wrong', async () => {
      const refused = async (...args: string[]) => {
        const { code, stderr } = await run('curl', ['-sS', ...args], { cwd: ftp.local() })
        return `${code} ${stderr}`
      }
      expect(await refused(`ftp://alice:wrong@127.0.0.1:${ftp.port}/`)).to.match(/^67 .*530/)
      expect(await refused(`${ftp.url}/nothing`)).to.match(/^78 /)
      expect(await refused(`${ftp.url}/no/thing`)).to.match(/^9 /)
      expect(await refused('-T', 'up.bin', `${ftp.url}/no/thing`)).to.match(/^9 /)
    })
  })

  describeWith(['lftp'], 'lftp', () => {
    const lftp = (script: string) =>
      succeeds('lftp', [
        '--norc',
        '-c',
        `set net:max-retries 1; set net:timeout 10; set ftp:ssl-allow false; set cmd:fail-exit true; open -u alice,${password} ftp://127.0.0.1:${ftp.port}; ${script}`,
      ])

    it('puts, gets, lists, renames and removes', async () => {
      await lftp(
        `put up.bin -o "${odd}"; mv "${odd}" moved; mkdir -p x/y; cd x/y; cd /; get moved -o back.bin; rm moved; rmdir x/y x`,
      )
      await same(ftp.local('back.bin'))
      expect(await readdir(ftp.home())).to.deep.equal(['down.bin'])
      const { stdout } = await lftp('ls; cls -l; pwd')
      expect(stdout.toString()).to.include('down.bin')
    })

    it('mirrors a tree both ways, several files at once', async () => {
      for (const folder of ['tree', 'tree/a b', 'tree/ü', 'tree/ü/deep']) await mkdir(ftp.local(folder))
      const files = Array.from({ length: 120 }, (_, n) => `tree/${['a b/', 'ü/', 'ü/deep/', ''][n % 4]}file ${n}`)
      for (const [n, file] of files.entries()) await writeFile(ftp.local(file), content.subarray(n, n * 211))
      await lftp('mirror -R -P 6 tree tree; mirror -P 6 tree back')
      for (const [n, file] of files.entries()) {
        await same(ftp.home(file), content.subarray(n, n * 211))
        await same(ftp.local(file.replace('tree', 'back')), content.subarray(n, n * 211))
      }
      await lftp('rm -r tree')
      expect(await readdir(ftp.home())).to.deep.equal(['down.bin'])
    })

    it('gets one file in several pieces, and goes on with one that broke off', async () => {
      await lftp('pget -n 4 down.bin -o pieces.bin')
      await same(ftp.local('pieces.bin'))
      await writeFile(ftp.local('half.bin'), content.subarray(0, 1_000_000))
      await lftp('get -c down.bin -o half.bin')
      await same(ftp.local('half.bin'))
      await writeFile(ftp.home('half.bin'), content.subarray(0, 1_000_000))
      await lftp('put -c up.bin -o half.bin')
      await same(ftp.home('half.bin'))
    })
  })

  describeWith(['ncftpput', 'ncftpget', 'ncftpls'], 'ncftp', () => {
    const login = () => ['-u', 'alice', '-p', password, '-P', String(ftp.port)]

    it('puts, gets and lists, passive and active', async () => {
      for (const manner of ['-F', '-E']) {
        await succeeds('ncftpput', [...login(), manner, '-m', '127.0.0.1', `/${manner}`, 'up.bin'])
        await same(ftp.home(manner, 'up.bin'))
        await succeeds('ncftpget', [...login(), manner, '127.0.0.1', '.', `/${manner}/up.bin`])
        await same(ftp.local('up.bin'))
        const { stdout } = await succeeds('ncftpls', [...login(), manner, `ftp://127.0.0.1/${manner}/`])
        expect(stdout.toString().trim()).to.equal('up.bin')
        const { stdout: long } = await succeeds('ncftpls', [...login(), manner, '-l', 'ftp://127.0.0.1/'])
        expect(long.toString()).to.match(/1500001 .* down\.bin/)
      }
    })

    it('puts and gets whole trees and by patterns', async () => {
      await mkdir(ftp.local('tree', 'sub'), { recursive: true })
      for (const name of ['one.txt', 'two.txt', 'three.bin']) await writeFile(ftp.local('tree', 'sub', name), name)
      await succeeds('ncftpput', [...login(), '-R', '127.0.0.1', '/', 'tree'])
      expect((await readdir(ftp.home('tree', 'sub'))).sort()).to.deep.equal(['one.txt', 'three.bin', 'two.txt'])
      await rm(ftp.local('tree'), { recursive: true })
      await succeeds('ncftpget', [...login(), '-R', '127.0.0.1', '.', '/tree'])
      await same(ftp.local('tree', 'sub', 'one.txt'), Buffer.from('one.txt'))
      await succeeds('ncftpget', [...login(), '127.0.0.1', '.', '/tree/sub/*.txt'])
      await same(ftp.local('two.txt'), Buffer.from('two.txt'))
    })
  })

  describeWith(['tnftp'], 'tnftp', () => {
    const tnftp = (lines: readonly string[], manner = 'passive on') =>
      succeeds(
        'tnftp',
        ['-n', '-v', '-i', '127.0.0.1', String(ftp.port)],
        [`user alice ${password}`, manner, ...lines, 'bye', ''].join('\n'),
      )

    for (const manner of ['passive on', 'passive off']) {
      it(`puts, gets, lists, by name and by pattern, with ${manner}`, async () => {
        const { stdout } = await tnftp(
          [
            'binary',
            'put up.bin "named so.bin"',
            'get down.bin back.bin',
            'mkdir sub',
            'cd sub',
            'put up.bin one.txt',
            'put up.bin two.txt',
            'cdup',
            'mget sub/*.txt',
            'ls',
            'nlist',
            'rename down.bin other.bin',
            'delete other.bin',
            'size up.bin',
            'modtime down.bin',
            'pwd',
          ],
          manner,
        )
        await same(ftp.home('named so.bin'))
        await same(ftp.local('back.bin'))
        expect(stdout.toString()).to.include('named so.bin').and.include('226')
        expect((await readdir(ftp.home())).sort()).to.deep.equal(['named so.bin', 'sub'])
        expect(await readdir(ftp.home('sub'))).to.have.members(['one.txt', 'two.txt'])
      })
    }

    it('goes on with a download that broke off, and appends', async () => {
      await writeFile(ftp.local('down.bin'), content.subarray(0, 999_999))
      await tnftp(['binary', 'reget down.bin', 'append up.bin down.bin'])
      await same(ftp.local('down.bin'))
      await same(ftp.home('down.bin'), Buffer.concat([content, content]))
    })

    it('moves text with the line ends of either side', async () => {
      await writeFile(ftp.local('text.txt'), 'one\ntwo\n')
      await tnftp(['ascii', 'put text.txt', 'get text.txt back.txt'])
      await same(ftp.home('text.txt'), Buffer.from('one\ntwo\n'))
      await same(ftp.local('back.txt'), Buffer.from('one\ntwo\n'))
    })
  })

  describeWith(['wget'], 'wget', () => {
    it('fetches files and whole trees, passive and active', async () => {
      await mkdir(ftp.home('tree', 'sub dir'), { recursive: true })
      await writeFile(ftp.home('tree', 'sub dir', odd), content)
      await writeFile(ftp.home('tree', 'b.txt'), 'b')
      for (const manner of ['--passive-ftp', '--no-passive-ftp']) {
        await succeeds('wget', ['-q', manner, '-r', '-nH', '--restrict-file-names=nocontrol', `${ftp.url}/tree/`])
        await same(ftp.local('tree', 'sub dir', odd))
        await rm(ftp.local('tree'), { recursive: true })
        await succeeds('wget', ['-q', manner, '-O', 'back.bin', `${ftp.url}/down.bin`])
        await same(ftp.local('back.bin'))
      }
      await writeFile(ftp.local('down.bin'), content.subarray(0, 500_000))
      await succeeds('wget', ['-q', '-c', `${ftp.url}/down.bin`])
      await same(ftp.local('down.bin'))
    })
  })

  describeWith(['python3'], "Python's ftplib", () => {
    const python = (code: string) =>
      succeeds('python3', [
        '-c',
        `
import ftplib, io, sys, time
ftp = ftplib.FTP()
ftp.encoding = 'utf-8'
ftp.connect('127.0.0.1', ${ftp.port}, timeout=10)
ftp.login('alice', '${password}')
${code}
print(ftp.quit())
`,
      ])

    it('stores, retrieves, lists, renames and removes, passive and active', async () => {
      for (const passive of ['True', 'False']) {
        const { stdout } = await python(`
ftp.set_pasv(${passive})
data = open('up.bin', 'rb').read()
print(ftp.storbinary('STOR new ü.bin', io.BytesIO(data)))
back = io.BytesIO()
ftp.retrbinary('RETR new ü.bin', back.write)
assert back.getvalue() == data
assert ftp.size('new ü.bin') == len(data)
assert ftp.sendcmd('MDTM new ü.bin').startswith('213 20')
back = io.BytesIO()
ftp.retrbinary('RETR new ü.bin', back.write, rest=1000000)
assert back.getvalue() == data[1000000:]
ftp.storbinary('STOR new ü.bin', io.BytesIO(b'end'), rest=10)
assert ftp.size('new ü.bin') == 13
ftp.storlines('STOR text.txt', io.BytesIO(b'one\\ntwo\\n'))
lines = []
ftp.retrlines('RETR text.txt', lines.append)
assert lines == ['one', 'two'], lines
assert ftp.nlst() == ['down.bin', 'new ü.bin', 'text.txt'], ftp.nlst()
print(ftp.mkd('a "quoted" folder'))
ftp.cwd('a "quoted" folder')
assert ftp.pwd() == '/a "quoted" folder', ftp.pwd()
ftp.cwd('/')
ftp.rmd('a "quoted" folder')
ftp.rename('new ü.bin', 'x')
ftp.delete('x')
ftp.delete('text.txt')
`)
        expect(stdout.toString()).to.include('226').and.match(/221/)
      }
    })

    it('aborts a download with urgent data, and the session goes on', async () => {
      await writeFile(ftp.home('large.bin'), Buffer.alloc(20_000_000))
      const { stdout } = await python(
        `
conn = ftp.transfercmd('RETR large.bin')
conn.recv(1000)
print(ftp.abort())
conn.close()
try:
    while True: print(ftp.getmultiline())
except Exception as e: print('end', e)
`.replace('while True: print(ftp.getmultiline())', 'ftp.sock.settimeout(5); print(ftp.getmultiline())') +
          "print(ftp.sendcmd('NOOP'))",
      )
      expect(stdout.toString()).to.match(/426.*226.*200/s)
    })
  })

  // Behind the groups, as a group: what stands beside them runs before them.
  describeWith(['curl', 'lftp', 'ncftpput', 'tnftp', 'wget', 'python3'], 'the logs', () => {
    it('every transfer of theirs is in the transfer log, whole', async () => {
      await ftp.family.havre(['status'])
      const lines = (await readFile(ftp.folder.at('logs', 'ftp.transfer.log'), 'utf8')).trim().split('\n')
      const form = /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} \d+ 127\.0\.0\.1 \d+ \/\S+ [ab] _ [io] r alice ftp 0 \* [ci]$/
      for (const line of lines) expect(line).to.match(form)
      expect(lines.length).to.be.greaterThan(50)
      expect(await ftp.family.everythingLogged()).to.not.include(password)
    })
  })
})
