import { expect } from 'chai'
import { commands } from '../../servers/pop3/commands.ts'
import { protocol } from '../../servers/pop3/options.ts'
import { memoryDialogue } from './memory-dialogue.ts'

/** One dialogue each in which a row's command succeeds, comes in the wrong state, and has bad arguments; null where there is none. */
interface Examples {
  readonly good: string
  /** The answer to it before the login, or after it. */
  readonly misplaced: { readonly as?: 'alice'; readonly lines: string } | null
  readonly malformed: string | null
}

const inTransaction = (lines: string) => ({ as: 'alice' as const, lines })
const beforeLogin = (command: string) => ({ lines: `C: ${command}\nS: -ERR Log in first: …` })
const afterLogin = (command: string) => inTransaction(`C: ${command}\nS: -ERR You are logged in already`)
const mailbox = ['Subject: one\n\nfirst\n.second\nthird', 'Subject: two\n\nbody']

const examples: Readonly<Record<string, Examples>> = {
  USER: {
    good: `
      C: USER alice
      S: +OK Send PASS
    `,
    misplaced: afterLogin('USER alice'),
    malformed: `
      C: USER
      S: -ERR Usage: USER name
      C: USER alice liddell
      S: -ERR Usage: USER name
      C: USER al\\x07ice
      S: -ERR Usage: USER name
      C: USER \\xff
      S: -ERR Usage: USER name
    `,
  },
  PASS: {
    good: `
      C: USER alice
      S: +OK …
      C: PASS wonder land:1
      S: +OK Logged in: 2 messages (61 octets)
    `,
    misplaced: afterLogin('PASS x'),
    malformed: `
      C: USER alice
      S: +OK …
      C: PASS
      S: -ERR Usage: PASS password
      C: PASS \\x00
      S: -ERR Usage: PASS password
    `,
  },
  AUTH: {
    good: `
      C: AUTH PLAIN AGFsaWNlAHdvbmRlciBsYW5kOjE=
      S: +OK Logged in: 2 messages (61 octets)
    `,
    misplaced: afterLogin('AUTH PLAIN AGFsaWNlAHg='),
    malformed: `
      C: AUTH PLAIN = =
      S: -ERR Usage: AUTH [mechanism [initial-response]]
    `,
  },
  CAPA: {
    good: `
      C: CAPA
      S: +OK Capabilities follow
      S: USER
      S: SASL PLAIN
      S: TOP
      S: UIDL
      S: PIPELINING
      S: RESP-CODES
      S: AUTH-RESP-CODE
      S: EXPIRE NEVER
      S: .
    `,
    misplaced: null,
    malformed: `
      C: CAPA all
      S: -ERR Usage: CAPA
    `,
  },
  STAT: {
    good: `
      C: STAT
      S: +OK 2 61
    `,
    misplaced: beforeLogin('STAT'),
    malformed: `
      C: STAT 1
      S: -ERR Usage: STAT
    `,
  },
  LIST: {
    good: `
      C: LIST
      S: +OK 2 messages (61 octets)
      S: 1 39
      S: 2 22
      S: .
      C: LIST 2
      S: +OK 2 22
    `,
    misplaced: beforeLogin('LIST'),
    malformed: `
      C: LIST x
      S: -ERR Usage: LIST [number]
      C: LIST -1
      S: -ERR Usage: LIST [number]
      C: LIST 1 2
      S: -ERR Usage: LIST [number]
    `,
  },
  RETR: {
    good: `
      C: RETR 1
      S: +OK 39 octets
      S: Subject: one
      S:
      S: first
      S: ..second
      S: third
      S: .
    `,
    misplaced: beforeLogin('RETR 1'),
    malformed: `
      C: RETR
      S: -ERR Usage: RETR number
      C: RETR one
      S: -ERR Usage: RETR number
      C: RETR 1 2
      S: -ERR Usage: RETR number
      C: RETR +1
      S: -ERR Usage: RETR number
      C: RETR 1.0
      S: -ERR Usage: RETR number
      C: RETR 0x1
      S: -ERR Usage: RETR number
      C: RETR 1e0
      S: -ERR Usage: RETR number
      C: RETR ١
      S: -ERR Usage: RETR number
    `,
  },
  DELE: {
    good: `
      C: DELE 1
      S: +OK Message 1 marked: …
    `,
    misplaced: beforeLogin('DELE 1'),
    malformed: `
      C: DELE
      S: -ERR Usage: DELE number
      C: DELE 1 2
      S: -ERR Usage: DELE number
    `,
  },
  NOOP: {
    good: `
      C: NOOP
      S: +OK …
    `,
    misplaced: beforeLogin('NOOP'),
    malformed: `
      C: NOOP now
      S: -ERR Usage: NOOP
    `,
  },
  RSET: {
    good: `
      C: RSET
      S: +OK 2 messages (61 octets)
    `,
    misplaced: beforeLogin('RSET'),
    malformed: `
      C: RSET 1
      S: -ERR Usage: RSET
    `,
  },
  TOP: {
    good: `
      C: TOP 1 2
      S: +OK Top of message follows
      S: Subject: one
      S:
      S: first
      S: ..second
      S: .
      C: TOP 1 0
      S: +OK …
      S: Subject: one
      S:
      S: .
    `,
    misplaced: beforeLogin('TOP 1 0'),
    malformed: `
      C: TOP
      S: -ERR Usage: TOP number lines
      C: TOP 1
      S: -ERR Usage: TOP number lines
      C: TOP 1 -1
      S: -ERR Usage: TOP number lines
      C: TOP 1 2 3
      S: -ERR Usage: TOP number lines
    `,
  },
  UIDL: {
    good: `
      C: UIDL
      S: +OK …
      S: 1 uid-1
      S: 2 uid-2
      S: .
      C: UIDL 2
      S: +OK 2 uid-2
    `,
    misplaced: beforeLogin('UIDL'),
    malformed: `
      C: UIDL x
      S: -ERR Usage: UIDL [number]
      C: UIDL 1 2
      S: -ERR Usage: UIDL [number]
    `,
  },
  // With TLS: tls.test.ts.
  STLS: {
    good: `
      C: STLS
      S: -ERR TLS is not offered here
    `,
    misplaced: afterLogin('STLS'),
    malformed: `
      C: STLS now
      S: -ERR Usage: STLS
    `,
  },
  QUIT: {
    good: `
      C: QUIT
      S: +OK Goodbye
      S closes
    `,
    misplaced: null,
    malformed: `
      C: QUIT now
      S: -ERR Usage: QUIT
    `,
  },
  APOP: {
    good: `
      C: APOP alice c4c9334bac560ecc979e58001b3e22fb
      S: -ERR APOP is not offered: use USER and PASS, or AUTH PLAIN
    `,
    misplaced: null,
    malformed: null,
  },
  LAST: {
    good: `
      C: LAST
      S: -ERR LAST is gone from the protocol: …
    `,
    misplaced: null,
    malformed: null,
  },
  XTND: {
    good: `
      C: XTND XMIT
      S: -ERR XTND is not offered: …
    `,
    misplaced: null,
    malformed: null,
  },
}

describe('POP3: the table of commands', () => {
  it('has examples for each row, and no others', () => {
    expect(Object.keys(examples)).to.have.members(commands.map(({ name }) => name))
  })

  it('names each command once', () => {
    expect(new Set(commands.map(({ name }) => name)).size).to.equal(commands.length)
  })

  it('cites only standards that the protocol names, or that are gone', () => {
    const gone = ['RFC 1460', 'RFC 1082']
    for (const { name, source } of commands) {
      expect([...protocol.standards, ...gone], name).to.include(/^RFC \d+/.exec(source)?.[0])
    }
  })

  for (const row of commands) {
    const { good = '', misplaced = null, malformed = null } = examples[row.name] ?? {}
    const state = row.states.includes('authorization') ? {} : { as: 'alice' }
    describe(row.name, () => {
      memoryDialogue('succeeds', { ...state, mailbox, source: row.source, lines: good })
      if (misplaced) memoryDialogue('is refused in the wrong state', { mailbox, ...misplaced })
      if (malformed) memoryDialogue('tells its grammar when the arguments are bad', { ...state, mailbox, lines: malformed })
    })
  }
})

describe('POP3: how commands are read', () => {
  memoryDialogue('takes any case, and blanks before the end', {
    as: 'alice',
    mailbox,
    source: 'RFC 1939 §3',
    lines: `
      C: stat
      S: +OK 2 61
      C: STAT \\x20
      S: +OK 2 61
      C: list   2 \\x20\\x20
      S: +OK 2 22
      C: Retr  2\\x20
      S: +OK 22 octets
      S* …
      S: .
      C: quit\\x20
      S: +OK …
      S closes
    `,
  })

  memoryDialogue('takes a bare LF for the end of a line', { as: 'alice', mailbox, lines: 'C: STAT\\n\\c\nS: +OK 2 61' })

  memoryDialogue('knows no message that is not there, whatever the number', {
    as: 'alice',
    mailbox,
    source: 'RFC 1939 §5',
    lines: ['RETR', 'DELE', 'LIST', 'UIDL']
      .flatMap((name) => ['0', '3', '99999999999', '9'.repeat(400), '00'].map((number) => `${name} ${number}`))
      .concat('TOP 0 0', 'TOP 3 0', 'TOP 99999999999 99999999999')
      .map((line) => `C: ${line}\nS: -ERR No such message: there are 2`)
      .join('\n'),
  })

  memoryDialogue('says so when the mailbox is empty', {
    as: 'alice',
    source: 'RFC 1939 §5',
    lines: `
      C: STAT
      S: +OK 0 0
      C: LIST
      S: +OK 0 messages (0 octets)
      S: .
      C: UIDL
      S: +OK …
      S: .
      C: RETR 1
      S: -ERR No such message: the mailbox is empty
    `,
  })

  memoryDialogue('refuses what it does not know', {
    lines: `
      C: FOO
      S: -ERR Unknown command: …
      C:
      S: -ERR Unknown command: …
      C:  STAT
      S: -ERR Unknown command: …
      C: GET / HTTP/1.1
      S: -ERR Unknown command: …
      C: __proto__
      S: -ERR Unknown command: …
      C: constructor
      S: -ERR Unknown command: …
      C: \\x00\\xff\\e[2J
      S: -ERR Unknown command: …
      C: QUIT
      S: +OK …
    `,
  })

  memoryDialogue('says the version only to those who logged in', {
    as: 'alice',
    source: 'RFC 2449 §6.9',
    lines: `
      C: CAPA
      S: +OK …
      S: USER
      S: SASL PLAIN
      S: TOP
      S: UIDL
      S: PIPELINING
      S: RESP-CODES
      S: AUTH-RESP-CODE
      S: EXPIRE NEVER
      S: IMPLEMENTATION Havre-0.0.0-test
      S: .
    `,
  })
})
