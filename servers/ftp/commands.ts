/** The commands, by the sections of their table, and what is known of them together. */
import { always, type Command, command, type Feature } from './command.ts'
import * as grammar from './grammar.ts'
import { replies } from './replies.ts'
import { accessRows } from './rows/access.ts'
import { encryptionRows } from './rows/encryption.ts'
import { factRows } from './rows/facts.ts'
import { fileRows } from './rows/files.ts'
import { listRows } from './rows/lists.ts'
import { parameterRows } from './rows/parameters.ts'
import { serverRows } from './rows/server.ts'
import { transferRows } from './rows/transfers.ts'
import type { Outcome, State, Talk } from './session-state.ts'

const help = (_session: State, name: string | null): Outcome => {
  if (name === null) return { reply: replies.help(helpLines) }
  const about = commandOf(name) ?? words.get(name)
  if (about !== undefined) return { reply: replies.helpOn(about.syntax) }
  return { reply: notOffered.includes(name) ? replies.notOffered(name) : replies.noHelp }
}

/** What is of no use here is not named. */
const feat = (_session: State, _none: null, { context, parameters }: Talk): Outcome => {
  const lines = features.map((feature) => (typeof feature === 'string' ? feature : feature(parameters))).sort()
  return { reply: replies.features(context.tls === 'off' ? lines.filter((line) => !ofTls.includes(line)) : lines) }
}

/** What tells of the table itself. */
const tableRows: readonly Command[] = [
  command({ name: 'HELP', states: always, takes: grammar.commandName, run: help, source: 'RFC 959 §4.1.3' }),
  command({ name: 'FEAT', states: always, takes: grammar.nothing, run: feat, source: 'RFC 2389 §3' }),
]

export const commands: readonly Command[] = [
  ...accessRows,
  ...encryptionRows,
  ...parameterRows,
  ...transferRows,
  ...listRows,
  ...fileRows,
  ...factRows,
  ...serverRows,
  ...tableRows,
]

/** Known commands that are not offered: 502, where an unknown one gets 500 (RFC 959 §4.2.1). */
export const notOffered: readonly string[] = [
  'SMNT',
  ...['ADAT', 'MIC', 'CONF', 'ENC'],
  ...['LPRT', 'LPSV'],
  ...['CSID', 'RANG', 'COMB', 'THMB', 'DSIZ'],
  ...['MAIL', 'MSND', 'MSOM', 'MSAM', 'MRSQ', 'MRCP', 'MLFL', 'XSEM', 'XSEN', 'XRCP', 'XRSQ'],
]

const byName = new Map(commands.flatMap((row) => [row.name, ...row.also].map((name) => [name, row] as const)))

/** Those of SITE and OPTS, `SITE HELP`. */
const words = new Map(
  commands.flatMap((row) => row.words).flatMap((row) => [row.name, ...row.also].map((name) => [name, row] as const)),
)

/** All names that the dispatcher knows. */
export const commandNames: readonly string[] = [...byName.keys()]

/** The command of a name or other name, in upper case. */
export const commandOf = (name: string): Command | undefined => byName.get(name)

const features: readonly Feature[] = [...commands.flatMap((row) => row.features), 'TVFS']

const ofTls: readonly string[] = ['AUTH TLS', 'PBSZ', 'PROT']

const namesPerLine = 8

const helpLines: readonly string[] = Array.from({ length: Math.ceil(commandNames.length / namesPerLine) }, (_, line) =>
  [...commandNames]
    .sort()
    .slice(line * namesPerLine, (line + 1) * namesPerLine)
    .map((name) => name.padEnd(8))
    .join('')
    .trimEnd(),
)
