/** The commands, one row each. CAPA, the journal's masks, the tests and the standards page are made from the rows. */
import type { Settings } from '../../shared/config/settings.ts'
import type { Telling } from '../../shared/log/transcript.ts'
import {
  anything,
  authentication,
  type Grammar,
  languageRange,
  lineCount,
  messageNumber,
  name,
  none,
  one,
  optional,
  pair,
  password,
} from './grammar.ts'
import { languageOf, languages } from './languages.ts'
import { auth, mechanisms, pass, user } from './login.ts'
import { dele, list, noop, quit, retr, rset, stat, top, uidl } from './mailbox.ts'
import { type Line, replies } from './replies.ts'
import { type Client, type In, mayLogIn, maySecure, type Outcome, type Session, type State } from './session.ts'

/** What CAPA says of a command; null: nothing, on this connection. */
type Capability = string | ((client: Client) => string)

/** A command of the protocol. */
export interface Command {
  readonly name: string
  /** The states in which it may be given. */
  readonly states: readonly State[]
  /** Name and arguments. */
  readonly usage: string
  /** How much of it the journal tells. */
  readonly telling: Telling
  /** It is part of a login: refused where a password may not come in clear. */
  readonly login: boolean
  /** Nothing may be pipelined behind it before its reply is read (RFC 2449 §6.6): what follows may mean something else. */
  readonly alone: boolean
  /** What CAPA says of it. */
  readonly capability: Capability | null
  readonly source: string
  /** Runs it in the session as it is; `malformed` where the arguments do not fit, `misplaced` in another state. */
  run(session: Session, text: string, client: Client): Outcome | Promise<Outcome> | 'malformed' | 'misplaced'
}

interface Row<S extends State, Value> {
  readonly name: string
  readonly states: readonly S[]
  readonly args: Grammar<Value>
  readonly run: (session: In<S>, value: Value, client: Client) => Outcome | Promise<Outcome>
  /** Its arguments never reach a log. */
  readonly secret?: boolean
  readonly login?: boolean
  readonly alone?: boolean
  readonly capability?: Capability
  readonly source: string
}

/** Ties a row's states and grammar to its handler: a handler gets only what its row lets through. */
const command = <const S extends State, Value>(row: Row<S, Value>): Command => {
  const { name, args, secret = false, login = false, alone = false, capability = null, source } = row
  const states: readonly State[] = row.states
  const fits = (session: Session): session is In<S> => states.includes(session.state)
  const usage = `${name} ${args.usage}`.trim()
  const telling = secret ? 'credentials' : login ? 'account' : args === none || args === anything ? 'name' : 'numbers'
  return {
    ...{ name, states, usage, telling, login, alone, capability, source },
    run: (session, text, client) => {
      if (!fits(session)) return 'misplaced'
      const parsed = args.parse(text)
      return parsed === null ? 'malformed' : row.run(session, parsed.value, client)
    },
  }
}

/** A command that is understood and not offered. */
const refused = (name: string, reply: Line, source: string, secret = false): Command =>
  command({ name, states: ['authorization', 'transaction'], args: anything, run: () => ({ reply }), secret, source })

/**
 * For how many days a message stays at least (RFC 2449 §6.7). Where messages make room for others sooner, nothing can be promised, and
 * nothing is said.
 */
const expiry = ({ ageMs, messages, octets }: Settings['mail']['retention']): readonly string[] => {
  if (messages !== null || octets !== null) return []
  return [`EXPIRE ${ageMs === null ? 'NEVER' : Math.floor(ageMs / 86_400_000)}`]
}

/** What holds for the server as a whole (RFC 2449 §6, RFC 3206 §6). */
const ofServer = ({ context }: Client): readonly string[] => {
  const { loginDelayMs } = context.options
  return [
    ...['PIPELINING', 'RESP-CODES', 'AUTH-RESP-CODE'],
    ...expiry(context.settings.mail.retention),
    ...(loginDelayMs > 0 ? [`LOGIN-DELAY ${Math.ceil(loginDelayMs / 1_000)}`] : []),
  ]
}

/**
 * The same before and after the login (RFC 2449 §5: what is valid before it must not be missing there), but for the version, which is
 * nobody's business before it (§6.9), and STLS, which is over with it. Where no password may come in clear, no login is told of
 * before TLS (RFC 2595 §2.3).
 */
const capa = (session: Session, _none: null, client: Client): Outcome => {
  const login = mayLogIn(client)
  const isOffered = (row: Command) =>
    (login || !row.login) && (row.name !== 'STLS' || (session.state === 'authorization' && maySecure(client)))
  const ofRows = commands.flatMap(({ capability, ...row }) => {
    if (capability === null || !isOffered({ capability, ...row })) return []
    return [typeof capability === 'string' ? capability : capability(client)]
  })
  const version = session.state === 'transaction' ? [`IMPLEMENTATION Havre-${client.context.version}`] : []
  return { reply: replies.capabilities([...ofRows, ...ofServer(client), ...version]) }
}

/** RFC 6856 §2.1: it holds for the session, whoever logs in. */
const utf8 = (_session: Session, _none: null, { manner }: Client): Outcome => ({
  reply: replies.utf8,
  manner: { ...manner, utf8: true },
})

/** RFC 6856 §3.2. */
const lang = (_session: Session, range: string | null, { manner }: Client): Outcome => {
  if (range === null) return { reply: replies.languages(languages) }
  const language = languageOf(range)
  return language === null
    ? { reply: replies.unknownLanguage }
    : { reply: replies.language(language), manner: { ...manner, language } }
}

const stls = (_session: Session, _none: null, client: Client): Outcome => {
  // RFC 6856 §2.1: a client must not, and a server may say so.
  if (client.manner.utf8 && maySecure(client)) return { reply: replies.noTlsAfterUtf8 }
  if (maySecure(client)) return { reply: replies.beginTls, next: { state: 'securing' } }
  return { reply: client.connection.secure ? replies.alreadySecure : replies.noTls }
}

export const commands: readonly Command[] = [
  command({
    name: 'USER',
    states: ['authorization'],
    args: one(name),
    run: user,
    login: true,
    capability: 'USER',
    source: 'RFC 1939 §7',
  }),
  command({ name: 'PASS', states: ['authorization'], args: password, run: pass, login: true, secret: true, source: 'RFC 1939 §7' }),
  command({
    name: 'AUTH',
    states: ['authorization'],
    args: authentication,
    run: auth,
    ...{ login: true, secret: true, alone: true },
    capability: (client) => `SASL ${mechanisms(client).join(' ')}`,
    source: 'RFC 5034 §4',
  }),
  command({ name: 'CAPA', states: ['authorization', 'transaction'], args: none, run: capa, source: 'RFC 2449 §5' }),
  command({
    name: 'STLS',
    states: ['authorization'],
    args: none,
    run: stls,
    alone: true,
    capability: 'STLS',
    source: 'RFC 2595 §4',
  }),
  command({ name: 'STAT', states: ['transaction'], args: none, run: stat, source: 'RFC 1939 §5' }),
  command({ name: 'LIST', states: ['transaction'], args: optional(messageNumber), run: list, source: 'RFC 1939 §5' }),
  command({ name: 'RETR', states: ['transaction'], args: one(messageNumber), run: retr, source: 'RFC 1939 §5' }),
  command({ name: 'DELE', states: ['transaction'], args: one(messageNumber), run: dele, source: 'RFC 1939 §5' }),
  command({ name: 'NOOP', states: ['transaction'], args: none, run: noop, source: 'RFC 1939 §5' }),
  command({ name: 'RSET', states: ['transaction'], args: none, run: rset, source: 'RFC 1939 §5' }),
  command({
    name: 'TOP',
    states: ['transaction'],
    args: pair(messageNumber, lineCount),
    run: top,
    capability: 'TOP',
    source: 'RFC 1939 §7',
  }),
  command({
    name: 'UIDL',
    states: ['transaction'],
    args: optional(messageNumber),
    run: uidl,
    capability: 'UIDL',
    source: 'RFC 1939 §7',
  }),
  command({
    name: 'UTF8',
    states: ['authorization'],
    args: none,
    run: utf8,
    capability: 'UTF8 USER',
    source: 'RFC 6856 §2.1',
  }),
  command({
    name: 'LANG',
    states: ['authorization', 'transaction'],
    args: optional(languageRange),
    run: lang,
    capability: 'LANG',
    source: 'RFC 6856 §3',
  }),
  command({
    name: 'QUIT',
    states: ['authorization', 'transaction'],
    args: none,
    run: quit,
    alone: true,
    source: 'RFC 1939 §4, §6',
  }),
  refused('APOP', replies.noApop, 'RFC 1939 §7', true),
  refused('LAST', replies.noLast, 'RFC 1460 §5'),
  refused('XTND', replies.noXtnd, 'RFC 1082'),
]

const byName: ReadonlyMap<string, Command> = new Map(commands.map((row) => [row.name, row]))

/** The row of a keyword, in whatever case it is written (RFC 1939 §3). */
export const commandOf = (keyword: string): Command | undefined => byName.get(keyword.toUpperCase())
