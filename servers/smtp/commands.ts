/** The commands: what each is called, where it may be used, what it takes and who carries it out. EHLO and HELP come from here. */
import { bdat, chunkStates, readChunk } from './chunks.ts'
import { type Command, command, type Mode, type Parsed } from './command.ts'
import { type LoginArguments, logIn, loginExtension, maySecure } from './login.ts'
import * as replies from './replies.ts'
import type { In, Outcome, Situation } from './session.ts'
import { addressLiteral } from './trace.ts'
import { data, mail, rcpt, readMail, readRcpt, rset } from './transaction.ts'

const always = ['connected', 'ready', 'mail', 'rcpt', 'chunks', 'chunks-refused'] as const
type Anywhere = (typeof always)[number]

/** RFC 5321 §4.5.3.1.2, and a little more: what clients really say is not always a domain. */
const maxHelloOctets = 300

const nothing =
  (syntax: string) =>
  (argument: string): Parsed<null> =>
    argument === '' ? { value: null } : { problem: replies.wants(syntax) }

const anything = (argument: string): Parsed<string> => ({ value: argument })

const something =
  (syntax: string) =>
  (argument: string): Parsed<string> =>
    argument === '' ? { problem: replies.wants(syntax) } : { value: argument }

/** One word, whatever it is: machines that call themselves after their owner shall send mail too. */
const helloName =
  (syntax: string) =>
  (argument: string): Parsed<string> =>
    argument === '' || /\s/.test(argument) || Buffer.byteLength(argument) > maxHelloOctets
      ? { problem: replies.badHello(syntax) }
      : { value: argument }

const readLogin = (argument: string): Parsed<LoginArguments> => {
  const [mechanism = '', initial = null, ...more] = argument.split(' ')
  return mechanism === '' || initial === '' || more.length > 0
    ? { problem: replies.wants('AUTH mechanism [response]') }
    : { value: { mechanism: mechanism.toUpperCase(), initial } }
}

/** RFC 3207 §4: forgets all that was said before, once TLS stands. */
const startTls = (situation: Situation): Outcome => {
  if (maySecure(situation)) return { reply: replies.beginTls, next: { state: 'securing' } }
  return { reply: situation.connection.secure ? replies.encryptedAlready : replies.notOffered }
}

/** What EHLO offers on this connection. */
export const extensions = (situation: Situation, loggedIn: boolean): readonly string[] => {
  const login = loggedIn ? null : loginExtension(situation)
  return [
    'PIPELINING',
    `SIZE ${situation.settings.mail.maxSizeOctets}`,
    '8BITMIME',
    'SMTPUTF8',
    'ENHANCEDSTATUSCODES',
    'CHUNKING',
    // In LMTP the client has the queue, and makes the reports: also those that go elsewhere.
    ...(situation.options.mode === 'lmtp' ? [] : ['DSN']),
    ...(login === null ? [] : [login]),
    ...(maySecure(situation) ? ['STARTTLS'] : []),
    'HELP',
  ]
}

/** HELO and EHLO begin anew; a login stays. */
const introduce =
  (extended: boolean) =>
  (situation: Situation, session: In<Anywhere>, name: string): Outcome => {
    const account = session.state === 'connected' ? null : session.account
    const { settings, connection } = situation
    const reply = replies.hello(
      settings.hostname,
      addressLiteral(connection.remote.address),
      extended ? extensions(situation, account !== null) : [],
    )
    return { reply, next: { state: 'ready', client: { name, extended }, account } }
  }

const explain = ({ options }: Situation, _session: In<Anywhere>, topic: string): Outcome => {
  if (topic === '') {
    const names = commands.filter((row) => isOffered(row, options.mode)).map(({ name }) => name)
    return { reply: replies.help([`The commands are ${names.join(' ')}`, 'HELP and one of them tells its syntax']) }
  }
  const row = lookUp(topic)
  return { reply: row !== undefined && isOffered(row, options.mode) ? replies.help([row.syntax]) : replies.noHelp }
}

const isOffered = ({ offered, modes }: Command, mode: Mode): boolean => offered && modes.includes(mode)

/** A command that a standard knows and this server does not offer (RFC 5321 §4.2.4: 502). */
const notOffered = (name: string, source: string): Command => ({
  ...command({
    name,
    states: always,
    syntax: name,
    read: anything,
    run: () => ({ reply: replies.notOffered }),
    source,
  }),
  offered: false,
})

/** The table. */
export const commands: readonly Command[] = [
  command({
    name: 'HELO',
    states: always,
    modes: ['mta', 'submission'],
    syntax: 'HELO name',
    read: helloName('HELO name'),
    run: introduce(false),
    alone: true,
    source: 'RFC 5321 §4.1.1.1',
  }),
  command({
    name: 'EHLO',
    states: always,
    modes: ['mta', 'submission'],
    syntax: 'EHLO name',
    read: helloName('EHLO name'),
    run: introduce(true),
    alone: true,
    source: 'RFC 5321 §4.1.1.1',
  }),
  command({
    name: 'LHLO',
    states: always,
    modes: ['lmtp'],
    syntax: 'LHLO name',
    read: helloName('LHLO name'),
    run: introduce(true),
    alone: true,
    source: 'RFC 2033 §4.1',
  }),
  command({
    name: 'STARTTLS',
    states: ['connected', 'ready'],
    syntax: 'STARTTLS',
    read: nothing('STARTTLS'),
    run: startTls,
    alone: true,
    source: 'RFC 3207 §4',
  }),
  command({
    name: 'AUTH',
    states: ['ready'],
    syntax: 'AUTH PLAIN [response], AUTH LOGIN [response]',
    read: readLogin,
    run: logIn,
    telling: 'credentials',
    alone: true,
    source: 'RFC 4954 §4',
  }),
  command({
    name: 'MAIL',
    states: ['ready', 'chunks-refused'],
    syntax: 'MAIL FROM:<address> [SIZE=octets] [BODY=8BITMIME] [SMTPUTF8] [RET=FULL|HDRS] [ENVID=id]',
    read: readMail,
    run: mail,
    source: 'RFC 5321 §4.1.1.2',
  }),
  command({
    name: 'RCPT',
    states: ['mail', 'rcpt'],
    syntax: 'RCPT TO:<address> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] [ORCPT=type;address]',
    read: readRcpt,
    run: rcpt,
    source: 'RFC 5321 §4.1.1.3',
  }),
  command({
    name: 'DATA',
    states: ['mail', 'rcpt'],
    syntax: 'DATA',
    read: nothing('DATA'),
    run: data,
    alone: true,
    source: 'RFC 5321 §4.1.1.4',
  }),
  command({
    name: 'BDAT',
    states: chunkStates,
    syntax: 'BDAT octets [LAST]',
    read: readChunk,
    run: bdat,
    telling: 'chunk',
    source: 'RFC 3030 §2',
  }),
  command({ name: 'RSET', states: always, syntax: 'RSET', read: nothing('RSET'), run: rset, source: 'RFC 5321 §4.1.1.5' }),
  command({
    name: 'VRFY',
    states: always,
    syntax: 'VRFY address',
    read: something('VRFY address'),
    run: () => ({ reply: replies.notVerified }),
    alone: true,
    source: 'RFC 5321 §4.1.1.6',
  }),
  command({ name: 'HELP', states: always, syntax: 'HELP [command]', read: anything, run: explain, source: 'RFC 5321 §4.1.1.8' }),
  command({
    name: 'NOOP',
    states: always,
    syntax: 'NOOP [text]',
    read: anything,
    run: () => ({ reply: replies.ok }),
    alone: true,
    source: 'RFC 5321 §4.1.1.9',
  }),
  command({
    name: 'QUIT',
    states: always,
    syntax: 'QUIT',
    read: nothing('QUIT'),
    run: () => ({ reply: replies.bye, next: { state: 'closed', why: 'quit' } }),
    alone: true,
    source: 'RFC 5321 §4.1.1.10',
  }),
  notOffered('EXPN', 'RFC 5321 §4.1.1.7'),
  notOffered('ETRN', 'RFC 1985'),
  notOffered('SEND', 'RFC 5321 appendix F.6'),
  notOffered('SOML', 'RFC 5321 appendix F.6'),
  notOffered('SAML', 'RFC 5321 appendix F.6'),
  notOffered('TURN', 'RFC 5321 appendix F.1'),
]

const byName: ReadonlyMap<string, Command> = new Map(commands.map((row) => [row.name, row]))

/** The row of a name, in whatever case (RFC 5321 §2.4). */
export const lookUp = (name: string): Command | undefined => byName.get(name.toUpperCase())
