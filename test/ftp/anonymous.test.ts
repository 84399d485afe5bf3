import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { protocol } from '../../servers/ftp/options.ts'
import { PermanentError } from '../../shared/service.ts'
import { Client } from '../kit/client.ts'
import { dialogue } from '../kit/dialogue.ts'
import { fakeDesk, testAccounts } from '../kit/fake-desk.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { testSettings } from '../kit/settings.ts'
import { startFtpFamily } from './ftp-family.ts'
import { RawSession, serveFtp } from './raw-session.ts'

describe('ftp: guests (RFC 1635)', () => {
  let folder: TemporaryFolder
  let options: { anonymous: string }
  before(async () => {
    folder = await temporaryFolder()
    options = { anonymous: folder.at('public') }
    await mkdir(folder.at('public', 'sub'), { recursive: true })
    await writeFile(folder.at('public', 'a.txt'), 'for all')
    await writeFile(folder.at('secret.txt'), 'for nobody')
    await symlink(folder.at('secret.txt'), folder.at('public', 'out'))
  })
  after(() => folder.remove())

  const guest = (running: Parameters<typeof RawSession.open>[0], password = 'me@there.example', name = 'anonymous') =>
    RawSession.open(running, name, {}, password)

  it('log in as anonymous or ftp, in any case, with any password; nobody is asked', async () => {
    await using running = await serveFtp({ options })
    for (const [name, password] of [
      ['anonymous', 'me@there.example'],
      ['ftp', '-wget@'],
      ['Anonymous', ''],
      ['FTP', 'x'],
    ] as const) {
      using session = await guest(running, password, name)
      expect((await session.download('NLST')).toString()).to.equal('a.txt\r\nsub\r\n')
      expect((await session.download('RETR a.txt')).toString()).to.equal('for all')
      expect(await session.ask('CWD sub')).to.match(/^250 /)
      expect((await session.ask('STAT')).split('\n')).to.include(' Logged in as anonymous')
    }
    expect(running.desk.attempts).to.deep.equal([])
    expect(running.journal.of('ftp.login.accepted').map(({ fields }) => fields['account'])).to.deep.equal(
      Array(4).fill('anonymous'),
    )
  })

  it('change nothing, and leave the folder by no path and no link', async () => {
    await using running = await serveFtp({ options })
    using session = await guest(running)
    for (const line of [
      'DELE a.txt',
      'MKD new',
      'RMD sub',
      'RNFR a.txt',
      'RETR out',
      'RETR ../secret.txt',
      'CWD ../..',
      'SIZE /../secret.txt',
    ]) {
      const reply = await session.ask(line)
      if (line === 'CWD ../..') expect(reply).to.match(/^250 /)
      else if (line === 'RNFR a.txt' && reply.startsWith('350 ')) expect(await session.ask('RNTO b.txt')).to.match(/^550 /)
      else expect(reply, line).to.match(/^550 /)
    }
    for (const line of ['STOR new', 'APPE a.txt', 'STOU']) {
      await session.passive()
      expect(await session.ask(line), line).to.match(/^550 /)
    }
    expect(await readFile(folder.at('public', 'a.txt'), 'utf8')).to.equal('for all')
  })

  it('stand in the transfer log with their address, as anonymous; what is none is in no log', async () => {
    await using running = await serveFtp({ options })
    for (const password of ['me@there.example', '-wget@', 'pa55-word', `${testAccounts['alice']}@x`, 'a@b c']) {
      using session = await guest(running, password)
      await session.download('RETR a.txt')
    }
    const logged = running.journal.written.transfer.map((line) => line.split(' ').slice(-6, -3).join(' '))
    expect(logged).to.deep.equal(['a me@there.example ftp', 'a -wget@ ftp', 'a ? ftp', 'a ? ftp', 'a ? ftp'])
    expect(running.journal.text())
      .to.not.include('pa55')
      .and.not.include(testAccounts['alice'] ?? '')
    expect(JSON.stringify(running.journal.records)).to.not.include('me@there')
  })

  it('are no way to an account: any other name is asked for its password, and costs the same as before', async () => {
    await using running = await serveFtp({ options })
    using client = await Client.connect(running.port)
    await client.line()
    for (const name of ['alice', 'nobody', 'anonymous2', 'ftp@havre.test']) {
      expect(await client.ask(`USER ${name}`)).to.equal('331 Password required')
      expect(await client.ask('PASS me@there.example')).to.equal('530 Login incorrect')
    }
    expect(running.desk.attempts.map(({ name }) => name)).to.deep.equal(['alice', 'nobody', 'anonymous2', 'ftp@havre.test'])
    // A guest who becomes somebody else is no guest any more, and the other way round.
    expect(await client.ask('USER anonymous')).to.equal('331 Guest login: your e-mail address as password')
    expect(await client.ask('PASS x@y')).to.equal('230 Welcome, guest')
    expect(await client.ask('USER alice')).to.match(/^331 /)
    expect(await client.ask('SIZE a.txt')).to.match(/^530 /)
    expect(await client.ask(`PASS ${testAccounts['alice']}`)).to.match(/^230 /)
    await client.ask('TYPE I')
    expect(await client.ask('SIZE a.txt')).to.match(/^550 /)
  })

  it('come when the desk does not answer, too, but in clear not where TLS is asked of everybody', async () => {
    const desk = fakeDesk()
    desk.fail(true)
    await using running = await serveFtp({ options, desk })
    using session = await guest(running)
    expect(await session.ask('SIZE a.txt')).to.equal('213 7')
    await using strict = await serveFtp({ options, requireTls: 'always' })
    using client = await Client.connect(strict.port)
    await client.line()
    expect(await client.ask('USER anonymous')).to.match(/^530 /)
  })

  it('have limits of their own name', async () => {
    const settings = { files: { accounts: { anonymous: { transfers: 1 } } } }
    await using running = await serveFtp({ options, settings })
    using one = await guest(running)
    using other = await guest(running)
    await one.passivePort()
    // It waits for its data connection, and counts.
    await one.control.command('RETR a.txt')
    await other.passivePort()
    const { transfers } = running.settings.files.accounts['anonymous'] ?? {}
    expect(transfers).to.equal(1)
    expect(await other.ask('RETR a.txt')).to.match(/^450 /)
    expect(await one.ask('ABOR')).to.match(/^4/)
    expect(await one.reply()).to.match(/^226 /)
  })

  it('are there only where a folder is: else the start fails and says so', async () => {
    expect(protocol.options.parse({}).anonymous).to.equal(null)
    let failed: unknown = null
    try {
      await serveFtp({ options: { anonymous: folder.at('nowhere') } })
    } catch (error) {
      failed = error
    }
    expect(failed).to.be.instanceOf(PermanentError)
    expect(String(failed)).to.include('the folder of anonymous cannot be opened')
  })

  it('read their folder from a child in its sandbox, too, which lies elsewhere than the data', async function () {
    this.timeout(120_000)
    await using ftp = await startFtpFamily(['--set', `services.ftp.anonymous=${options.anonymous}`])
    using session = await guest({ host: '127.0.0.1', port: ftp.port })
    expect((await session.download('NLST')).toString()).to.equal('a.txt\r\nsub\r\n')
    expect((await session.download('RETR a.txt')).toString()).to.equal('for all')
    await session.passive()
    expect(await session.ask('STOR new')).to.match(/^550 /)
    expect(await session.ask('RETR out')).to.match(/^550 /)
  })

  it('may be read by the child, not written', () => {
    const settings = testSettings(folder.path)
    const { read, write } = protocol.grants(protocol.options.parse(options), settings)
    expect(read).to.deep.equal([options.anonymous])
    expect(write).to.deep.equal([join(settings.data, 'files')])
  })

  dialogue('are not there unless the setting names a folder: nobody can tell anonymous from any other name', {
    service: 'ftp',
    lines: `
      C: USER anonymous
      S: 331 Password required
      C: PASS me@there.example
      S: 530 Login incorrect
      C: USER ftp
      S: 331 Password required
      C: PASS
      S: 530 Login incorrect
    `,
  })
})
