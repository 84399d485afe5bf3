import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { expect } from 'chai'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { type FtpFamily, password, startFtpFamily } from './ftp-family.ts'
import { RawSession } from './raw-session.ts'

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))

describe('ftp: over IPv6 (RFC 2428)', function () {
  this.timeout(120_000)
  let ftp: FtpFamily
  before(async function () {
    if (!hasIpv6) this.skip()
    ftp = await startFtpFamily(['--set', 'host=::1'])
    await mkdir(ftp.home(), { recursive: true })
    await writeFile(ftp.home('a'), 'content')
  })
  after(async () => {
    if (hasIpv6) await ftp[Symbol.asyncDispose]()
  })

  it('EPSV and EPRT work, PASV and PORT say what to use instead', async () => {
    using session = await RawSession.open({ host: '::1', port: ftp.port }, 'alice', {}, password)
    expect(await session.ask('PASV')).to.equal('425 PASV knows IPv4 addresses only: send EPSV')
    expect(await session.ask('PORT 127,0,0,1,200,1')).to.match(/^504 /)
    expect(await session.ask('EPSV 1')).to.equal('522 Network protocol not supported, use (2)')
    expect(await session.ask('EPRT |1|127.0.0.1|50000|')).to.equal('522 Network protocol not supported, use (2)')
    expect(await session.ask('EPRT |2|::2|50000|')).to.match(/^504 /)
    expect(await session.ask('EPRT |2|0:0:0:0:0:0:0:1|50000|')).to.match(/^200 /)
    expect((await session.download('RETR a')).toString()).to.equal('content')
  })

  describeWith(['curl'], 'with curl', () => {
    it('files go up and down, passive and active', async () => {
      for (const args of [[], ['--ftp-port', '-']]) {
        const url = `ftp://alice:${password}@[::1]:${ftp.port}/up`
        const { code, stderr } = await run('curl', ['-sS', ...args, '-T', '-', url], { input: 'from curl' })
        expect(code, stderr).to.equal(0)
        expect(await readFile(ftp.home('up'), 'utf8')).to.equal('from curl')
        expect((await run('curl', ['-sS', ...args, url])).stdout.toString()).to.equal('from curl')
      }
    })
  })
})
