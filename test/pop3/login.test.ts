import { expect } from 'chai'
import { parsePlain } from '../../servers/pop3/sasl-plain.ts'
import { Client } from '../kit/client.ts'
import { fakeDesk, testAccounts } from '../kit/fake-desk.ts'
import { memoryDialogue, serveInMemory, storeOf } from './memory-dialogue.ts'

const plain = (name: string, password: string, authorization = '') =>
  Buffer.from(`${authorization}\0${name}\0${password}`).toString('base64')
const password = testAccounts['alice'] ?? ''
const alice = plain('alice', password)

describe('POP3: USER and PASS', () => {
  memoryDialogue('greets without a timestamp: nobody tries APOP', {
    source: 'RFC 1939 §7',
    lines: `
      S: +OK Havre POP3 server on localhost ready
      C: QUIT
      S: +OK …
    `,
    after: ({ journal }) => {
      expect(journal.text()).to.not.match(/<.*@.*>/)
    },
  })

  memoryDialogue('takes a password with blanks, the account in any case and with its domain', {
    source: 'RFC 1939 §7',
    lines: `
      C: USER Alice@havre.test
      S: +OK …
      C: PASS ${password}
      S: +OK …
      C: STAT
      S: +OK 0 0
    `,
  })

  memoryDialogue('hands the password on as it is: more blanks, at both ends, and UTF-8', {
    desk: fakeDesk({ accounts: { eve: ' pässwörd ✓  ', alice: 'x' } }),
    lines: `
      C: USER eve
      S: +OK …
      C: PASS pässwörd ✓
      S: -ERR [AUTH] …
      C: USER eve
      S: +OK …
      C: PASS  pässwörd ✓\\x20\\x20
      S: +OK …
    `,
    after: ({ desk }) => {
      expect(desk.attempts.slice(-2).map((attempt) => attempt.password)).to.deep.equal(['pässwörd ✓', ' pässwörd ✓  '])
    },
  })

  memoryDialogue('says the same of a wrong name and of a wrong password, and takes no PASS without a new USER', {
    source: 'RFC 1939 §7, RFC 3206 §4',
    lines: `
      C: PASS ${password}
      S: -ERR Send USER first
      C: USER alice
      S: +OK Send PASS
      C: PASS wrong
      S: -ERR [AUTH] Name or password is wrong
      C: PASS ${password}
      S: -ERR Send USER first
      C: USER nobody
      S: +OK Send PASS
      C: PASS wrong
      S: -ERR [AUTH] Name or password is wrong
      C: USER nobody
      S: +OK …
      C: USER alice
      S: +OK …
      C: CAPA
      S: +OK …
      S* …
      S: .
      C: PASS ${password}
      S: +OK …
    `,
    after: ({ desk }) => {
      expect(desk.attempts.map(({ name }) => name)).to.deep.equal(['alice', 'nobody', 'alice'])
      expect(desk.attempts[0]).to.include({ address: '127.0.0.1', service: 'pop3' })
    },
  })

  memoryDialogue('goes on where the desk cannot be asked', {
    desk: (() => {
      const desk = fakeDesk()
      desk.fail(true)
      return desk
    })(),
    lines: `
      C: USER alice
      S: +OK …
      C: PASS ${password}
      S: -ERR [SYS/TEMP] …
      C: AUTH PLAIN ${alice}
      S: -ERR [SYS/TEMP] …
      C: QUIT
      S: +OK …
    `,
  })

  for (const [retryAfterMs, told] of [
    [600_000, '10 min'],
    [119_001, '120 s'],
    [1, '1 s'],
  ] as const) {
    memoryDialogue(`tells a client that is blocked for ${retryAfterMs} ms to come again in ${told}`, {
      desk: (() => {
        const desk = fakeDesk()
        desk.block(retryAfterMs)
        return desk
      })(),
      source: 'RFC 3206 §4',
      lines: `
        C: USER alice
        S: +OK …
        C: PASS ${password}
        S: -ERR [SYS/TEMP] Too many bad logins from your address: please try again in ${told}
      `,
    })
  }

  memoryDialogue('ends at QUIT before a login', {
    source: 'RFC 1939 §4',
    lines: 'C: USER alice\nS: +OK …\nC: QUIT\nS: +OK Goodbye\nS closes',
  })
})

describe('POP3: AUTH', () => {
  memoryDialogue('lists the mechanisms when bare, as Outlook wants', {
    lines: `
      C: AUTH
      S: +OK …
      S: PLAIN
      S: SCRAM-SHA-256
      S: .
      C: AUTH\\x20
      S: +OK …
      S: PLAIN
      S: SCRAM-SHA-256
      S: .
    `,
  })

  memoryDialogue('PLAIN with an initial response', {
    source: 'RFC 5034 §4',
    lines: `C: auth plain ${alice}\nS: +OK Logged in: …\nC: STAT\nS: +OK 0 0`,
  })

  memoryDialogue('PLAIN with a challenge', {
    source: 'RFC 5034 §4',
    lines: `C: AUTH PLAIN\nS: +\\x20\nC: ${alice}\nS: +OK Logged in: …\nC: STAT\nS: +OK 0 0`,
  })

  memoryDialogue('is cancelled by *, and another login may follow', {
    source: 'RFC 5034 §4',
    lines: `C: AUTH PLAIN\nS: +\\x20\nC: *\nS: -ERR Login cancelled\nC: STAT\nS: -ERR Log in first: …\nC: AUTH PLAIN ${alice}\nS: +OK …`,
  })

  memoryDialogue('takes = for an empty response, which is none of PLAIN', {
    source: 'RFC 5034 §4',
    lines: `C: AUTH PLAIN =\nS: -ERR That is no response …\nC: AUTH PLAIN\nS: +\\x20\nC:\nS: -ERR That is no response …\nC: QUIT\nS: +OK …`,
  })

  memoryDialogue('refuses wrong passwords, other mechanisms and broken responses', {
    source: 'RFC 5034 §4, RFC 4616 §2',
    lines: `
      C: AUTH PLAIN ${plain('alice', 'wrong')}
      S: -ERR [AUTH] Name or password is wrong
      C: AUTH CRAM-MD5
      S: -ERR The mechanisms are: PLAIN SCRAM-SHA-256
      C: AUTH LOGIN YWxpY2U=
      S: -ERR The mechanisms are: …
      C: AUTH PLAIN !!!!
      S: -ERR That is no response …
      C: AUTH PLAIN *
      S: -ERR That is no response …
      C: AUTH PLAIN ${Buffer.from('alice').toString('base64')}
      S: -ERR That is no response …
      C: AUTH PLAIN ${plain('alice', '')}
      S: -ERR That is no response …
      C: AUTH PLAIN ${plain('', password)}
      S: -ERR That is no response …
      C: AUTH PLAIN
      S: +\\x20\nC: STAT
      S: -ERR That is no response …
      C: STAT
      S: -ERR Log in first: …
    `,
    after: ({ desk }) => {
      expect(desk.attempts).to.have.length(1)
    },
  })

  memoryDialogue('lets nobody act for another', {
    source: 'RFC 4616 §2',
    lines: `
      C: AUTH PLAIN ${plain('alice', password, 'bob')}
      S: -ERR [AUTH] …
      C: AUTH PLAIN ${plain('alice', password, 'alice')}
      S: +OK …
    `,
  })

  it('reads responses of PLAIN strictly', () => {
    expect(parsePlain(plain('a', 'b', 'c'))).to.deep.equal({ authorization: 'c', name: 'a', password: 'b' })
    expect(parsePlain(plain('é', 'p w'))).to.deep.equal({ authorization: '', name: 'é', password: 'p w' })
    const wrong = [
      '',
      '=',
      '*',
      'AGE',
      'AGEAYg=',
      'AGEAYg==\t',
      ' AGEAYg==',
      'AGE-Yg==',
      'A===',
      plain('a', 'b\0c'),
      plain('a', ''),
    ]
    for (const response of wrong) expect(parsePlain(response), response).to.equal(null)
  })

  it('takes the longest names and passwords that everyone must take', async () => {
    const [long, secret] = ['n'.repeat(255), 'p'.repeat(255)]
    await using running = await serveInMemory({ desk: fakeDesk({ accounts: { [long]: secret } }) })
    using client = await Client.connect(running.port)
    await client.line()
    expect(await client.ask(`AUTH PLAIN ${plain(long, secret, long)}`)).to.match(/^\+OK/)
  })
})

describe('POP3: a login in clear', () => {
  const refused = `
    C: CAPA
    S: +OK …
    S: TOP
    S: UIDL
    S: UTF8 USER
    S: LANG
    S: PIPELINING
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: EXPIRE NEVER
    S: .
    C: USER alice
    S: -ERR [SYS/PERM] A password is taken over an encrypted connection only: …
    C: PASS ${password}
    S: -ERR [SYS/PERM] …
    C: AUTH
    S: -ERR [SYS/PERM] …
    C: AUTH PLAIN ${alice}
    S: -ERR [SYS/PERM] …
    C: QUIT
    S: +OK …
  `
  const accepted = `
    C: CAPA
    S: +OK …
    S: USER
    S: SASL PLAIN SCRAM-SHA-256
    S* …
    S: .
    C: USER alice
    S: +OK …
    C: PASS ${password}
    S: +OK …
  `
  const checks = [
    ['is taken from this machine', { from: '127.0.0.1', requireTls: 'auto' }, accepted],
    ['is taken from this machine by IPv6', { from: '::1', requireTls: 'auto' }, accepted],
    ['is refused from elsewhere, and CAPA does not offer it', { from: '192.0.2.7', requireTls: 'auto' }, refused],
    ['is refused from elsewhere by IPv6', { from: '2001:db8::1', requireTls: 'auto' }, refused],
    ['is taken from elsewhere where requireTls is never', { from: '192.0.2.7', requireTls: 'never' }, accepted],
    ['is refused even from this machine where requireTls is always', { from: '127.0.0.1', requireTls: 'always' }, refused],
    ['is none where the connection is encrypted', { from: '192.0.2.7', requireTls: 'always', secure: true }, accepted],
  ] as const
  for (const [name, setup, lines] of checks) {
    memoryDialogue(name, {
      ...setup,
      source: 'RFC 2595 §2.3',
      lines,
      after: ({ desk, journal }) => {
        expect(desk.attempts).to.have.length(lines === accepted ? 1 : 0)
        const reasons = journal.of('pop3.login.refused').map(({ fields }) => fields['reason'])
        expect(reasons).to.deep.equal(lines === accepted ? [] : Array(4).fill('needs-tls'))
      },
    })
  }
})

describe('POP3: the mailbox of a login', () => {
  it('is held by one session at a time', async () => {
    await using running = await serveInMemory({ mailbox: ['one'] })
    using first = await Client.connect(running.port)
    using second = await Client.connect(running.port)
    for (const client of [first, second]) {
      await client.line()
      await client.ask('USER alice')
    }
    expect(await first.ask(`PASS ${password}`)).to.match(/^\+OK/)
    expect(await second.ask(`PASS ${password}`)).to.equal('-ERR [IN-USE] Another session has this mailbox open')
    expect(await second.ask(`AUTH PLAIN ${alice}`)).to.match(/^-ERR \[IN-USE\]/)
    expect(await second.ask(`AUTH PLAIN ${plain('bob', testAccounts['bob'] ?? '')}`)).to.match(/^\+OK/)
    expect(await first.ask('QUIT')).to.match(/^\+OK/)
    using third = await Client.connect(running.port)
    await third.line()
    expect(await third.ask(`AUTH PLAIN ${alice}`)).to.match(/^\+OK/)
  })

  for (const [code, reply] of [
    ['full', /^-ERR \[SYS\/TEMP\]/],
    ['locked', /^-ERR \[SYS\/TEMP\]/],
    ['damaged', /^-ERR \[SYS\/TEMP\]/],
    ['closed', /^-ERR \[SYS\/TEMP\]/],
    ['missing', /^-ERR \[SYS\/PERM\]/],
  ] as const) {
    it(`that cannot be opened (${code}) leaves the client where it was`, async () => {
      await using running = await serveInMemory({ mailbox: ['one'] })
      storeOf(running).fails = { open: code }
      using client = await Client.connect(running.port)
      await client.line()
      expect(await client.ask(`AUTH PLAIN ${alice}`)).to.match(reply)
      expect(await client.ask('STAT')).to.match(/^-ERR Log in first/)
      storeOf(running).fails = {}
      expect(await client.ask(`AUTH PLAIN ${alice}`)).to.match(/^\+OK/)
      expect(running.journal.of('pop3.store.failed').map(({ fields }) => fields['code'])).to.deep.equal([code])
    })
  }
})
