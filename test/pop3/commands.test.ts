import { expect } from 'chai'
import { commands } from '../../servers/pop3/commands.ts'
import { protocol } from '../../servers/pop3/options.ts'
import { examples, mailbox } from './command-examples.ts'
import { memoryDialogue } from './memory-dialogue.ts'

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
      S: SASL PLAIN SCRAM-SHA-256
      S: TOP
      S: UIDL
      S: UTF8 USER
      S: LANG
      S: PIPELINING
      S: RESP-CODES
      S: AUTH-RESP-CODE
      S: EXPIRE NEVER
      S: IMPLEMENTATION Havre-0.0.0-test
      S: .
    `,
  })
})
