/** A row of the command table: what a command is called, when it is allowed, what it takes, what carries it out. */
import type { Telling } from '../../shared/log/transcript.ts'
import { type Grammar, wordAndRest } from './grammar.ts'
import { type Reply, replies } from './replies.ts'
import type { In, Outcome, Parameters, State, StateName, Talk } from './session-state.ts'

/** A line of FEAT: always the same, or as the session's parameters are now. */
export type Feature = string | ((parameters: Parameters) => string)

/** A row as it is written. Its types tie states and grammar to the handler. */
export interface Row<Name extends StateName, Argument> {
  readonly name: string
  /** Other names for the same: the old X commands (RFC 1123 §4.1.3.1). */
  readonly also?: readonly string[]
  /** Where it is allowed. In `transferring` it acts when it arrives; without that state it waits for the transfer's end. */
  readonly states: readonly Name[]
  readonly takes: Grammar<Argument>
  readonly run: (session: In<Name>, argument: Argument, talk: Talk) => Outcome | Promise<Outcome>
  /** Unless all of it may be told. */
  readonly telling?: Telling
  /** Uses up the data connection that was prepared, and the restart point. */
  readonly transfers?: true
  /** Lines of FEAT (RFC 2389 §3.2). */
  readonly features?: readonly Feature[]
  readonly source: string
}

/** A command as the session uses it. */
export interface Command {
  readonly name: string
  readonly also: readonly string[]
  readonly states: readonly StateName[]
  /** For HELP and for 501. */
  readonly syntax: string
  /** How much of a line the journal tells. */
  tells(argument: Buffer | null): Telling
  readonly transfers: boolean
  readonly features: readonly Feature[]
  readonly source: string
  /** Where its argument begins with a word that has a row of its own: these, named with both words, `SITE CHMOD`. */
  readonly words: readonly Command[]
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

/** Makes a command of its row. */
export const command = <Name extends StateName, Argument>(row: Row<Name, Argument>): Command => {
  const syntax = row.takes.syntax === '' ? row.name : `${row.name} ${row.takes.syntax}`
  return {
    name: row.name,
    also: row.also ?? [],
    states: row.states,
    syntax,
    tells: () => row.telling ?? (row.takes.syntax === '' ? 'name' : 'whole'),
    transfers: row.transfers ?? false,
    features: row.features ?? [],
    source: row.source,
    words: [],
    execute: async (state, text, talk) => {
      if (!isIn(state, row.states)) return outOfOrder(state, row.states)
      const argument = row.takes.parse(text)
      return argument.ok ? row.run(state, argument.value, talk) : { reply: replies.badArgument(syntax, argument.why) }
    },
  }
}

/** Whether somebody is logged in or not. */
export const always = ['login', 'ready', 'renaming'] as const

/** Once somebody is logged in. */
export const loggedIn = ['ready', 'renaming'] as const

/** The same, and during a transfer (RFC 959 §4.1.3: ABOR, STAT). */
export const loggedInAnytime = [...loggedIn, 'transferring'] as const

/**
 * Makes a command whose argument begins with a word that has a row of its own: SITE, OPTS.
 * @param words   their rows, named with both words: `SITE CHMOD`
 * @param unknown what a client reads for any other word
 */
export const commandWithWords = <Name extends StateName>(
  row: Pick<Row<Name, never>, 'name' | 'states' | 'source'>,
  words: readonly Command[],
  unknown: (word: string) => Reply,
): Command => {
  const wordOf = (name: string): Command | undefined => words.find((each) => each.name === name || each.also.includes(name))
  const made = command({
    ...row,
    takes: wordAndRest(words.map(({ syntax }) => syntax.slice(row.name.length + 1)).join(' | ')),
    run: (session, { word, rest }, talk) => {
      const found = wordOf(`${row.name} ${word}`)
      return found === undefined ? { reply: unknown(word) } : found.execute(session, rest, talk)
    },
  })
  // What stands behind a word that is not known may be a secret: other servers take passwords so.
  const tells = (argument: Buffer | null): Telling => {
    const [word = ''] = (argument?.toString('latin1') ?? '').trimStart().split(' ', 1)
    return wordOf(`${row.name} ${word.toUpperCase()}`)?.tells(null) ?? 'name'
  }
  return { ...made, tells, words, features: words.flatMap(({ features }) => features) }
}
