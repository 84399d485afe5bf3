/** The commands: what each is called, when it is allowed, what it takes, what carries it out, and which standard says so. */
import type { Telling } from '../../shared/log/transcript.ts'
import * as data from './data-commands.ts'
import * as files from './file-commands.ts'
import type { Grammar } from './grammar.ts'
import * as grammar from './grammar.ts'
import { replies } from './replies.ts'
import * as session from './session-commands.ts'
import type { In, Outcome, State, StateName, Talk } from './session-state.ts'
import * as tls from './tls-commands.ts'
import * as transfers from './transfer-commands.ts'

/** A row as it is written. Its types tie states and grammar to the handler. */
interface Row<Name extends StateName, Argument> {
  readonly name: string
  /** Other names for the same: the old X commands (RFC 1123 §4.1.3.1). */
  readonly also?: readonly string[]
  readonly states: readonly Name[]
  readonly takes: Grammar<Argument>
  readonly run: (session: In<Name>, argument: Argument, talk: Talk) => Outcome | Promise<Outcome>
  /** Unless all of it may be told. */
  readonly telling?: Telling
  /** Acts when it arrives, also during a transfer. */
  readonly duringTransfer?: true
  /** Uses up the data connection that was prepared, and the restart point. */
  readonly transfers?: true
  /** Lines of FEAT (RFC 2389 §3.2). */
  readonly features?: readonly string[]
  readonly source: string
}

/** A command as the session uses it. */
export interface Command {
  readonly name: string
  readonly also: readonly string[]
  /** For HELP and for 501. */
  readonly syntax: string
  /** How much of it the journal tells. */
  readonly telling: Telling
  readonly duringTransfer: boolean
  readonly transfers: boolean
  readonly features: readonly string[]
  readonly source: string
  /** Checks the state, parses the argument, acts. */
  execute(session: State, argument: string | null, talk: Talk): Promise<Outcome>
}

const isIn = <Name extends StateName>(session: State, states: readonly Name[]): session is In<Name> =>
  states.some((name) => name === session.state)

/** What a client reads who is not where the command belongs. */
const outOfOrder = (session: State, states: readonly StateName[]): Outcome => {
  if (session.state === 'login') return { reply: replies.loginFirst }
  return { reply: states.includes('login') ? replies.loggedIn : replies.renameFirst }
}

const command = <Name extends StateName, Argument>(row: Row<Name, Argument>): Command => {
  const syntax = row.takes.syntax === '' ? row.name : `${row.name} ${row.takes.syntax}`
  return {
    name: row.name,
    also: row.also ?? [],
    syntax,
    telling: row.telling ?? (row.takes.syntax === '' ? 'name' : 'whole'),
    duringTransfer: row.duringTransfer ?? false,
    transfers: row.transfers ?? false,
    features: row.features ?? [],
    source: row.source,
    execute: async (state, text, talk) => {
      if (!isIn(state, row.states)) return outOfOrder(state, row.states)
      const argument = row.takes.parse(text)
      return argument.ok ? row.run(state, argument.value, talk) : { reply: replies.badArgument(syntax, argument.why) }
    },
  }
}

const always = ['login', 'ready', 'renaming'] as const
const loggedIn = ['ready', 'renaming'] as const

const help = (_session: State, name: string | null): Outcome => {
  if (name === null) return { reply: replies.help(helpLines) }
  const about = commandOf(name)
  return { reply: about === undefined ? replies.noHelp : replies.helpOn(about.syntax) }
}

/** What is of no use here is not named. */
const feat = (_session: State, _none: null, { context }: Talk): Outcome => ({
  reply: replies.features(context.tls === 'off' ? plainFeatures : features),
})

export const commands: readonly Command[] = [
  // Access (RFC 959 §4.1.1)
  command({
    name: 'USER',
    states: always,
    takes: grammar.userName,
    run: session.user,
    telling: 'account',
    source: 'RFC 959 §4.1.1',
  }),
  command({
    name: 'PASS',
    states: ['login'],
    takes: grammar.secret,
    run: session.pass,
    telling: 'credentials',
    source: 'RFC 959 §4.1.1',
  }),
  command({ name: 'QUIT', states: always, takes: grammar.nothing, run: session.quit, source: 'RFC 959 §4.1.1' }),
  command({ name: 'CWD', also: ['XCWD'], states: loggedIn, takes: grammar.path, run: files.cwd, source: 'RFC 959 §4.1.1' }),
  command({ name: 'CDUP', also: ['XCUP'], states: loggedIn, takes: grammar.nothing, run: files.cdup, source: 'RFC 959 §4.1.1' }),
  // Encryption (RFC 4217)
  command({
    name: 'AUTH',
    states: always,
    takes: grammar.security,
    run: tls.auth,
    features: ['AUTH TLS'],
    source: 'RFC 4217 §4',
  }),
  command({ name: 'PBSZ', states: always, takes: grammar.bufferSize, run: tls.pbsz, features: ['PBSZ'], source: 'RFC 4217 §8' }),
  command({ name: 'PROT', states: always, takes: grammar.protection, run: tls.prot, features: ['PROT'], source: 'RFC 4217 §9' }),
  // Parameters of transfers (RFC 959 §4.1.2)
  command({ name: 'PORT', states: loggedIn, takes: grammar.hostPort, run: data.port, source: 'RFC 959 §4.1.2' }),
  command({ name: 'PASV', states: loggedIn, takes: grammar.nothing, run: data.pasv, source: 'RFC 959 §4.1.2' }),
  command({
    name: 'EPRT',
    states: loggedIn,
    takes: grammar.extendedHostPort,
    run: data.eprt,
    features: ['EPRT'],
    source: 'RFC 2428 §2',
  }),
  command({
    name: 'EPSV',
    states: loggedIn,
    takes: grammar.extendedPassive,
    run: data.epsv,
    features: ['EPSV'],
    source: 'RFC 2428 §3',
  }),
  command({ name: 'TYPE', states: loggedIn, takes: grammar.type, run: data.type, source: 'RFC 959 §4.1.2' }),
  command({ name: 'MODE', states: loggedIn, takes: grammar.mode, run: data.fixed('MODE'), source: 'RFC 959 §4.1.2' }),
  command({ name: 'STRU', states: loggedIn, takes: grammar.structure, run: data.fixed('STRU'), source: 'RFC 959 §4.1.2' }),
  // Service (RFC 959 §4.1.3)
  command({ name: 'RETR', states: loggedIn, takes: grammar.path, run: transfers.retr, transfers: true, source: 'RFC 959 §4.1.3' }),
  command({ name: 'STOR', states: loggedIn, takes: grammar.path, run: transfers.stor, transfers: true, source: 'RFC 959 §4.1.3' }),
  command({ name: 'APPE', states: loggedIn, takes: grammar.path, run: transfers.appe, transfers: true, source: 'RFC 959 §4.1.3' }),
  command({
    name: 'LIST',
    states: loggedIn,
    takes: grammar.listPath,
    run: transfers.listLong,
    transfers: true,
    source: 'RFC 959 §4.1.3',
  }),
  command({
    name: 'NLST',
    states: loggedIn,
    takes: grammar.listPath,
    run: transfers.listBare,
    transfers: true,
    source: 'RFC 959 §4.1.3',
  }),
  command({ name: 'ALLO', states: loggedIn, takes: grammar.allocation, run: data.allo, source: 'RFC 959 §4.1.3' }),
  command({
    name: 'REST',
    states: loggedIn,
    takes: grammar.restartPoint,
    run: data.rest,
    features: ['REST STREAM'],
    source: 'RFC 3659 §5',
  }),
  command({ name: 'RNFR', states: loggedIn, takes: grammar.path, run: files.rnfr, source: 'RFC 959 §4.1.3' }),
  command({ name: 'RNTO', states: ['renaming'], takes: grammar.path, run: files.rnto, source: 'RFC 959 §4.1.3' }),
  command({
    name: 'ABOR',
    states: loggedIn,
    takes: grammar.nothing,
    run: data.abor,
    duringTransfer: true,
    source: 'RFC 959 §4.1.3',
  }),
  command({ name: 'DELE', states: loggedIn, takes: grammar.path, run: files.dele, source: 'RFC 959 §4.1.3' }),
  command({ name: 'RMD', also: ['XRMD'], states: loggedIn, takes: grammar.path, run: files.rmd, source: 'RFC 959 §4.1.3' }),
  command({ name: 'MKD', also: ['XMKD'], states: loggedIn, takes: grammar.path, run: files.mkd, source: 'RFC 959 §4.1.3' }),
  command({ name: 'PWD', also: ['XPWD'], states: loggedIn, takes: grammar.nothing, run: files.pwd, source: 'RFC 959 §4.1.3' }),
  command({ name: 'SIZE', states: loggedIn, takes: grammar.path, run: files.size, features: ['SIZE'], source: 'RFC 3659 §4' }),
  command({ name: 'MDTM', states: loggedIn, takes: grammar.path, run: files.mdtm, features: ['MDTM'], source: 'RFC 3659 §3' }),
  // The server
  command({ name: 'SYST', states: always, takes: grammar.nothing, run: session.syst, source: 'RFC 959 §4.1.3' }),
  command({
    name: 'STAT',
    states: loggedIn,
    takes: grammar.listPath,
    run: files.stat,
    duringTransfer: true,
    source: 'RFC 959 §4.1.3',
  }),
  command({ name: 'HELP', states: always, takes: grammar.commandName, run: help, source: 'RFC 959 §4.1.3' }),
  command({ name: 'NOOP', states: always, takes: grammar.nothing, run: session.noop, source: 'RFC 959 §4.1.3' }),
  command({ name: 'FEAT', states: always, takes: grammar.nothing, run: feat, source: 'RFC 2389 §3' }),
  command({ name: 'OPTS', states: always, takes: grammar.option, run: session.opts, features: ['UTF8'], source: 'RFC 2389 §4' }),
]

/** Known commands that are not offered: 502, where an unknown one gets 500 (RFC 959 §4.2.1). */
export const notOffered: readonly string[] = [
  ...['ACCT', 'SMNT', 'REIN', 'STOU', 'SITE'],
  ...['ADAT', 'CCC', 'MIC', 'CONF', 'ENC'],
  ...['LPRT', 'LPSV', 'LANG', 'HOST', 'MLST', 'MLSD', 'MFMT', 'MFCT', 'MFF'],
  ...['HASH', 'XSHA1', 'XSHA256', 'XMD5', 'XCRC', 'AVBL', 'CLNT', 'CSID', 'RANG', 'COMB', 'THMB', 'DSIZ'],
  ...['MAIL', 'MSND', 'MSOM', 'MSAM', 'MRSQ', 'MRCP', 'MLFL', 'XSEM', 'XSEN', 'XRCP', 'XRSQ'],
]

const byName = new Map(commands.flatMap((row) => [row.name, ...row.also].map((name) => [name, row] as const)))

/** All names that the dispatcher knows. */
export const commandNames: readonly string[] = [...byName.keys()]

/** The command of a name or other name, in upper case. */
export const commandOf = (name: string): Command | undefined => byName.get(name)

const features: readonly string[] = [...commands.flatMap((row) => row.features), 'TVFS'].sort()

const plainFeatures = features.filter((feature) => !['AUTH TLS', 'PBSZ', 'PROT'].includes(feature))

const namesPerLine = 8

const helpLines: readonly string[] = Array.from({ length: Math.ceil(commandNames.length / namesPerLine) }, (_, line) =>
  [...commandNames]
    .sort()
    .slice(line * namesPerLine, (line + 1) * namesPerLine)
    .map((name) => name.padEnd(5))
    .join('')
    .trimEnd(),
)
