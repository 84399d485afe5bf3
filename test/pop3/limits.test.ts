import { expect } from 'chai'
import { protocol } from '../../servers/pop3/options.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { memoryDialogue } from './memory-dialogue.ts'

const defaults = protocol.options.parse({})
const logIn = `AUTH PLAIN ${Buffer.from(`\0alice\0${testAccounts['alice']}`).toString('base64')}`
const repeated = (count: number, lines: string) => `${lines}\n`.repeat(count)
const unknown = 'C: FROB\nS: -ERR Unknown command: …'

/** A line of so many octets, its line break included, that begins so. */
const long = (begin: string, octets: number) => begin.padEnd(octets - 2, 'x')

describe('POP3: limits', () => {
  it('have defaults that real clients do not meet', () => {
    expect(defaults).to.deep.equal({ commandLine: 2048, badCommands: 20, commandsBeforeLogin: 100, loginDelayMs: 0 })
  })

  it('cannot be set below what the standards ask for', () => {
    for (const wrong of [
      { commandLine: 1_039 },
      { badCommands: 0 },
      { commandsBeforeLogin: 3 },
      { badCommands: 1.5 },
      { line: 5 },
    ]) {
      expect(protocol.options.safeParse(wrong).success, JSON.stringify(wrong)).to.equal(false)
    }
  })

  const over = `S: -ERR A line may have at most ${defaults.commandLine} octets`
  memoryDialogue('take a line of commandLine octets, and refuse one that is an octet longer, all of it', {
    as: 'alice',
    source: 'RFC 2449 §4',
    lines: `
      C: ${long('NOOP ', defaults.commandLine)}
      S: -ERR Usage: NOOP
      C: ${long('NOOP ', defaults.commandLine + 1)}
      ${over}
      C: ${long('NOOP ', 5_000)} STAT
      ${over}
      C: STAT
      S: +OK 0 0
    `,
    after: ({ journal }) => {
      const [record] = journal.of('pop3.limit.reached')
      expect(record?.level).to.equal('warn')
      expect(record?.fields).to.include({ limit: 'commandLine', value: defaults.commandLine })
    },
  })

  memoryDialogue('can be set by the configuration', {
    options: { commandLine: '1040B' },
    as: 'alice',
    lines: `
      C: ${long('NOOP ', 1_040)}
      S: -ERR Usage: NOOP
      C: ${long('NOOP ', 1_041)}
      S: -ERR A line may have at most 1040 octets
    `,
  })

  memoryDialogue('end a login whose response is too long', {
    source: 'RFC 5034 §4',
    lines: `
      C: AUTH PLAIN
      S: +\\x20
      C: ${long('', defaults.commandLine + 1)}
      ${over}
      C: STAT
      S: -ERR Log in first: …
      C: ${logIn}
      S: +OK …
    `,
  })

  memoryDialogue(`allow ${defaults.badCommands} bad commands of every kind, however many good ones are between them`, {
    as: 'alice',
    mailbox: ['one'],
    lines: `
      ${repeated(4, `${unknown}\nC: NOOP x\nS: -ERR Usage: NOOP\nC: USER x\nS: -ERR You are …\nC: STAT\nS: +OK 1 5\nC: RETR 9\nS: -ERR No such message: …`)}
      ${repeated(8, `C: ${long('', 3_000)}\n${over}`)}
      C: DELE 1
      S: +OK …
      C: QUIT
      S: +OK Goodbye, 1 message removed
      S closes
    `,
  })

  memoryDialogue('end the session at one more, and nothing is deleted', {
    as: 'alice',
    mailbox: ['one'],
    lines: `
      C: DELE 1
      S: +OK …
      ${repeated(defaults.badCommands, unknown)}
      C: FROB
      S: -ERR Too many bad commands: goodbye
      S closes
    `,
    after: ({ journal }) => {
      expect(journal.of('pop3.limit.reached')[0]?.fields).to.include({ limit: 'badCommands', value: defaults.badCommands })
      expect(journal.of('pop3.session.ended')[0]?.fields).to.include({ reason: 'too-many-bad-commands', deleted: 0 })
    },
  })

  const capa = 'C: CAPA\nS: +OK …\nS* …\nS: .'
  memoryDialogue('allow the login to be the last of commandsBeforeLogin commands', {
    lines: `
      ${repeated(defaults.commandsBeforeLogin - 1, capa)}
      C: ${logIn}
      S: +OK …
      ${repeated(5, capa)}
      C: STAT
      S: +OK 0 0
    `,
    played: ['line by line', 'pipelined'],
  })

  memoryDialogue('end the session at one more', {
    lines: `
      ${repeated(defaults.commandsBeforeLogin, capa)}
      C: ${logIn}
      S: -ERR Too many commands without a login: goodbye
      S closes
    `,
    played: ['line by line', 'pipelined'],
    after: ({ journal, desk }) => {
      expect(desk.attempts).to.have.length(0)
      expect(journal.of('pop3.limit.reached')[0]?.fields).to.include({ limit: 'commandsBeforeLogin' })
      expect(journal.text()).to.not.include(logIn.slice(11))
    },
  })
})
