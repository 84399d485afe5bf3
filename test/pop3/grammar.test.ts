/** Every command with every kind of arguments in every state, as one table. */
import { expect } from 'chai'
import { commands } from '../../servers/pop3/commands.ts'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { memoryDialogue, serveInMemory } from './memory-dialogue.ts'

const password = testAccounts['alice'] ?? ''
const logIn = `AUTH PLAIN ${Buffer.from(`\0alice\0${password}`).toString('base64')}`
const mailbox = ['Subject: one\n\nfirst', 'Subject: two\n\nbody']

/** What follows the name of the command. */
const forms = [
  '',
  ' ',
  '   ',
  ' 1',
  ' 01',
  '  1',
  ' 1 ',
  ' 0',
  ' 3',
  ' -1',
  ' +1',
  ' x',
  ' 1 2',
  ' 1 01',
  ' 1 2 3',
  '\t',
  '\t1',
  ' 1\t',
] as const
type Form = (typeof forms)[number]

/** The first words of the answer, by form: `+`, `usage`, `none` (no such message), `first` (USER comes first) or `no`. */
type Answers = Readonly<Partial<Record<Form, string>>>

const noArguments: Answers = { '': '+', ' ': '+', '   ': '+' }
const oneNumber: Answers = { ' 1': '+', ' 01': '+', '  1': '+', ' 1 ': '+', ' 0': 'none', ' 3': 'none' }
const anyWord: Answers = { ' 1': '+', ' 01': '+', '  1': '+', ' 1 ': '+', ' 0': '+', ' 3': '+', ' -1': '+', ' +1': '+', ' x': '+' }
const always = (answer: string): Answers => Object.fromEntries(forms.map((form) => [form, answer]))

/** Where a form is not named, the answer is the usage; tabs are no blanks (RFC 1939 §3), so `LIST\t` is no command. */
const inTransaction: Readonly<Record<string, Answers>> = {
  STAT: noArguments,
  LIST: { ...noArguments, ...oneNumber },
  UIDL: { ...noArguments, ...oneNumber },
  RETR: oneNumber,
  DELE: oneNumber,
  TOP: { ' 1 2': '+', ' 1 01': '+' },
  NOOP: noArguments,
  RSET: noArguments,
  CAPA: noArguments,
  // `x` is a language range, and nobody speaks it.
  LANG: { ...noArguments, ' x': 'no' },
  LAST: always('no'),
  XTND: always('no'),
  APOP: always('no'),
}
const beforeLogin: Readonly<Record<string, Answers>> = {
  USER: anyWord,
  // All that follows is the password, in which no control character can be; without USER it is too early.
  PASS: { ...always('no'), '': 'usage', ' ': 'usage', ' 1\t': 'usage' },
  AUTH: {
    ...noArguments,
    ...Object.fromEntries(forms.filter((form) => /^ .*\S/.test(form)).map((form) => [form, 'no'])),
    ' 1 2 3': 'usage',
  },
  CAPA: noArguments,
  STLS: { '': 'no', ' ': 'no', '   ': 'no' },
  UTF8: noArguments,
  LANG: { ...noArguments, ' x': 'no' },
  LAST: always('no'),
  XTND: always('no'),
  APOP: always('no'),
}

const kindOf = (line: string): string => {
  if (line.startsWith('+OK')) return '+'
  if (/^-ERR Usage: /.test(line)) return 'usage'
  if (/^-ERR No such message/.test(line)) return 'none'
  if (/^-ERR Log in first/.test(line)) return 'login'
  if (/^-ERR You are logged in/.test(line)) return 'logged in'
  return /^-ERR Unknown command/.test(line) ? 'unknown' : 'no'
}

/** What must come of it. */
const expected = (name: string, form: Form, transaction: boolean): string => {
  if (form.startsWith('\t')) return 'unknown'
  const answers = (transaction ? inTransaction : beforeLogin)[name]
  if (answers === undefined) return transaction ? 'logged in' : 'login'
  return answers[form] ?? 'usage'
}

const isLong = (name: string, form: Form): boolean =>
  ['CAPA', 'RETR', 'TOP'].includes(name) || (['LIST', 'UIDL', 'LANG', 'AUTH'].includes(name) && form.trim() === '')

describe('POP3: every command, with every kind of arguments, in every state', () => {
  it('is in the table', () => {
    const names = new Set([...Object.keys(inTransaction), ...Object.keys(beforeLogin), 'QUIT'])
    expect([...names]).to.have.members(commands.map(({ name }) => name))
  })

  for (const transaction of [false, true]) {
    for (const lower of [false, true]) {
      it(`${transaction ? 'after' : 'before'} the login, in ${lower ? 'lower' : 'upper'} case`, async () => {
        await using running = await serveInMemory({ mailbox, options: { badCommands: 10_000, commandsBeforeLogin: 10_000 } })
        using client = await Client.connect(running.port)
        await client.line()
        if (transaction) await client.ask(logIn)
        for (const { name } of commands) {
          for (const form of name === 'QUIT' ? [] : forms) {
            const line = `${lower ? name.toLowerCase() : name}${form}`
            const answer = await client.ask(line)
            expect(kindOf(answer), JSON.stringify(line)).to.equal(expected(name, form, transaction))
            if (answer.startsWith('+OK') && isLong(name, form)) while ((await client.line()) !== '.');
            // What one command leaves behind is nothing to the next.
            if (transaction && name === 'DELE') await client.ask('RSET')
            if (name === 'USER' && !transaction) await client.ask('PASS x')
          }
        }
        for (const form of [' 1', ' x', ' now']) expect(await client.ask(`QUIT${form}`)).to.equal('-ERR Usage: QUIT')
        expect(await client.ask('quit  ')).to.match(/^\+OK Goodbye/)
      })
    }
  }
})

describe('POP3: TOP of unusual messages (RFC 1939 §7)', () => {
  const top = (name: string, message: string, lines: string) =>
    memoryDialogue(name, { as: 'alice', mailbox: [Buffer.from(message)], source: 'RFC 1939 §7', lines })

  top('a message without body', 'A: b\r\n\r\n', 'C: TOP 1 0\nS: +OK …\nS: A: b\nS:\nS: .\nC: TOP 1 9\nS: +OK …\nS: A: b\nS:\nS: .')
  top('a message without an empty line', 'A: b\r\nC: d\r\n', 'C: TOP 1 0\nS: +OK …\nS: A: b\nS: C: d\nS: .')
  top('a message without header', '\r\nbody\r\nmore\r\n', 'C: TOP 1 1\nS: +OK …\nS:\nS: body\nS: .\nC: TOP 1 0\nS: +OK …\nS:\nS: .')
  top('a message whose last line has no end', 'A: b\r\n\r\nlast', 'C: TOP 1 1\nS: +OK …\nS: A: b\nS:\nS: last\nS: .')
  top('dots, stuffed', 'A: b\r\n\r\n.\r\n..\r\nx\r\n', 'C: TOP 1 2\nS: +OK …\nS: A: b\nS:\nS: ..\nS: ...\nS: .')
  top('more lines than there are', 'A: b\r\n\r\nx\r\n', 'C: TOP 1 99999999999999999999\nS: +OK …\nS: A: b\nS:\nS: x\nS: .')
  top('an empty message', '', 'C: TOP 1 0\nS: +OK …\nS: .\nC: RETR 1\nS: +OK 0 octets\nS: .')
})

describe('POP3: what CAPA tells (RFC 2449 §5, §6)', () => {
  const capabilities = async (setup: Parameters<typeof serveInMemory>[0], loggedIn: boolean): Promise<string[]> => {
    await using running = await serveInMemory(setup)
    using client = await Client.connect(running.port)
    await client.line()
    if (loggedIn) expect(await client.ask(logIn)).to.match(/^\+OK/)
    await client.ask('CAPA')
    const lines: string[] = []
    for (let line = await client.line(); line !== '.'; line = await client.line()) lines.push(line)
    return lines
  }
  const always = ['TOP', 'UIDL', 'UTF8 USER', 'LANG', 'PIPELINING', 'RESP-CODES', 'AUTH-RESP-CODE', 'EXPIRE NEVER']
  const logins = ['USER', 'SASL PLAIN SCRAM-SHA-256']

  it('is all that there is on a connection where one may log in', async () => {
    expect(await capabilities({}, false)).to.have.members([...logins, ...always])
    expect(await capabilities({ tls: 'starttls' }, false)).to.have.members([...logins, 'STLS', ...always])
    expect(await capabilities({ secure: true }, false)).to.have.members([...logins, ...always])
  })

  it('is no login where a password may not come in clear, but STLS (RFC 2595 §2.3, §4)', async () => {
    expect(await capabilities({ tls: 'starttls', requireTls: 'always' }, false)).to.have.members(['STLS', ...always])
  })

  it('is the version after the login only, and STLS before it only', async () => {
    expect(await capabilities({ tls: 'starttls' }, true)).to.have.members([...logins, ...always, 'IMPLEMENTATION Havre-0.0.0-test'])
  })

  it('is how many days mail stays, where its age decides alone (§6.7)', async () => {
    const expiry = async (retention: { ageMs: number | null; messages: number | null; octets: number | null }) =>
      (await capabilities({ settings: { mail: { retention } } }, false)).filter((line) => line.startsWith('EXPIRE'))
    const day = 86_400_000
    const none = { ageMs: null, messages: null, octets: null }
    expect(await expiry(none)).to.deep.equal(['EXPIRE NEVER'])
    expect(await expiry({ ...none, ageMs: 30 * day })).to.deep.equal(['EXPIRE 30'])
    expect(await expiry({ ...none, ageMs: 36 * 3_600_000 })).to.deep.equal(['EXPIRE 1'])
    expect(await expiry({ ...none, ageMs: 3_600_000 })).to.deep.equal(['EXPIRE 0'])
    expect(await expiry({ ...none, ageMs: 30 * day, messages: 10 })).to.deep.equal([])
    expect(await expiry({ ...none, octets: 10 })).to.deep.equal([])
  })
})
