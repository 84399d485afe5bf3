import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { dialogue } from '../kit/dialogue.ts'
import { type FakeDesk, fakeDesk } from '../kit/fake-desk.ts'
import { RawSession, serveFtp } from './raw-session.ts'

const desk = (prepare: (desk: FakeDesk) => void): FakeDesk => {
  const made = fakeDesk()
  prepare(made)
  return made
}

describe('ftp: logins', () => {
  dialogue('a wrong password and an unknown name get the same 530', {
    service: 'ftp',
    source: 'RFC 2577 §6',
    lines: `
      C: PASS x
      S: 503 USER first
      C: USER alice
      S: 331 Password required
      C: PASS open-sesame
      S: 530 Login incorrect
      C: PASS wonder land:1
      S: 503 USER first
      C: USER nobody
      S: 331 Password required
      C: PASS wonder land:1
      S: 530 Login incorrect
      C: USER anonymous
      S: 331 Password required
      C: PASS me@there
      S: 530 Login incorrect
      C: USER alice
      S: 331 Password required
      C: PASS
      S: 530 Login incorrect
      C: PWD
      S: 530 Log in first, with USER and PASS
    `,
    after: ({ journal, desk: asked }) => {
      expect(journal.of('ftp.login.refused').map(({ fields }) => `${fields['name']} ${fields['reason']}`)).to.deep.equal([
        'alice wrong',
        'nobody wrong',
        'anonymous wrong',
        'alice wrong',
      ])
      expect(asked.attempts.at(-1)).to.deep.equal({ name: 'alice', password: '', address: '127.0.0.1', service: 'ftp' })
      expect(journal.text()).to.not.include('me@there').and.not.include('sesame')
    },
  })

  dialogue('a password is taken exactly as sent, blanks and all', {
    service: 'ftp',
    desk: fakeDesk({ accounts: { alice: ' ü "x"  ' } }),
    lines: 'C: USER alice\nS: 331 …\nC: PASS  ü "x"  \\c\nC: \\r\\n\\c\nS: 230 Welcome, alice',
  })

  dialogue('too many bad logins end the session', {
    service: 'ftp',
    options: { badLogins: 3 },
    lines: `
      C: USER alice
      S: 331 …
      C: PASS 1
      S: 530 Login incorrect
      C: USER alice
      S: 331 …
      C: PASS 2
      S: 530 Login incorrect
      C: USER alice
      S: 331 …
      C: PASS 3
      S: 530 …
      S: 421 Too many bad logins, closing
      S closes
    `,
    after: ({ journal }) => {
      expect(journal.of('ftp.limit.reached')[0]?.fields).to.include({ limit: 'badLogins', value: 3 })
    },
  })

  dialogue('an address that is blocked is told for how long, and the session ends', {
    service: 'ftp',
    desk: desk((made) => made.block(599_000)),
    lines:
      'C: USER alice\nS: 331 …\nC: PASS wonder land:1\nS: 421 Too many bad logins from your address, try again in 10 min; closing\nS closes',
    after: ({ journal }) => {
      expect(journal.of('ftp.login.refused')[0]?.fields['reason']).to.equal('blocked')
    },
  })

  dialogue('without the desk nobody logs in, and may try again later', {
    service: 'ftp',
    desk: desk((made) => made.fail(true)),
    lines: 'C: USER alice\nS: 331 …\nC: PASS wonder land:1\nS: 421 Logins cannot be checked at the moment, closing\nS closes',
    after: ({ journal }) => {
      expect(journal.of('ftp.login.refused')[0]?.fields['reason']).to.equal('no-desk')
    },
  })

  dialogue('no password is asked for in clear where TLS is required, and the reply says what to do', {
    service: 'ftp',
    requireTls: 'always',
    lines: `
      C: USER alice
      S: 530 A password would travel in clear: log in over TLS
      C: PASS wonder land:1
      S: 503 USER first
    `,
    after: ({ journal, desk: asked }) => {
      expect(journal.of('ftp.login.refused')[0]?.fields['reason']).to.equal('in-clear')
      expect(asked.attempts).to.deep.equal([])
    },
  })

  dialogue('USER begins anew at any time: nothing of the former login is left, and parameters of transfers are unchanged', {
    service: 'ftp',
    as: 'alice',
    source: 'RFC 959 §4.1.1',
    lines: `
      C: MKD x
      S: 257 …
      C: CWD x
      S: 250 …
      C: TYPE I
      S: 200 …
      C: EPSV ALL
      S: 200 …
      C: USER bob
      S: 331 Password required
      C: PWD
      S: 530 Log in first, with USER and PASS
      C: PASS builder-2
      S: 230 Welcome, bob
      C: PWD
      S: 257 "/" is the current folder
      C: CWD x
      S: 550 No such file or folder
      C: SIZE x
      S: 550 No such file or folder
      C: PASV
      S: 503 PASV is not taken after EPSV ALL
    `,
  })

  it('makes the home at the first login, durably, and nobody gets into another one', async () => {
    await using running = await serveFtp()
    const bobs = join(running.settings.data, 'files', 'bob')
    expect(existsSync(bobs)).to.equal(false)
    using bob = await RawSession.open(running, 'bob')
    expect(existsSync(bobs)).to.equal(true)
    expect(running.desk.synced).to.deep.equal([join(running.settings.data, 'files')])
    using alice = await RawSession.open(running)
    expect(await alice.upload('STOR mine', 'x')).to.match(/^226 /)
    expect((await bob.download('NLST')).toString()).to.equal('')
    for (const path of [
      '../alice/mine',
      '/../alice/mine',
      'alice/mine',
      '/alice/mine',
      `${running.settings.data}/files/alice/mine`,
    ]) {
      expect(await bob.ask(`SIZE ${path}`), path).to.match(/^550 /)
    }
  })

  it('that succeeds without a home that can be opened ends with 421', async () => {
    await using running = await serveFtp()
    const home = join(running.settings.data, 'files', 'alice')
    await rm(home, { recursive: true })
    await writeFile(home, 'a file in the way')
    using client = await Client.connect(running.port)
    await client.line()
    expect(await client.ask('USER alice')).to.match(/^331 /)
    expect(await client.ask('PASS wonder land:1')).to.match(/^421 The home folder cannot be opened/)
    await client.closed()
  })
})
