/** What a row of the command table is. */

import type { Telling } from '../../shared/log/transcript.ts'
import type { SmtpOptions } from './options.ts'
import type { Reply } from './replies.ts'
import * as replies from './replies.ts'
import type { In, Outcome, Session, Situation, StateName } from './session.ts'

/** What a service is for. */
export type Mode = SmtpOptions['mode']
const allModes: readonly Mode[] = ['mta', 'submission', 'lmtp']

/** An argument that was read, or what is wrong with it. */
export type Parsed<T> = { readonly value: T } | { readonly problem: Reply }

/** A row as it is written: its types tie the states and the grammar to the handler. */
interface Row<State extends StateName, Arguments> {
  readonly name: string
  readonly states: readonly State[]
  /** The services that have it; all unless given. */
  readonly modes?: readonly Mode[]
  /** `SYNTAX` as HELP shows it. */
  readonly syntax: string
  /** Reads what stands after the name and a blank; empty where nothing does. */
  read(argument: string): Parsed<Arguments>
  run(situation: Situation, session: In<State>, args: Arguments): Outcome | Promise<Outcome>
  /** What is said in a state that is none of them; else what the order of commands calls for. */
  readonly misplaced?: Partial<Record<StateName, Reply>>
  /** How much of it the journal tells; its name where it takes nothing, else all, unless given. */
  readonly telling?: Telling
  /** Ends a pipelined group: nothing may be sent after it before it was answered (RFC 2920 §3.1). */
  readonly alone?: true
  readonly source: string
}

/** A row as the conversation uses it. */
export interface Command {
  readonly name: string
  readonly states: readonly StateName[]
  readonly modes: readonly Mode[]
  readonly syntax: string
  /** How much of it the journal tells. */
  readonly telling: Telling
  readonly alone: boolean
  readonly source: string
  /** Whether HELP names it. */
  readonly offered: boolean
  /** Checks the state, reads the argument, acts. */
  perform(situation: Situation, session: Session, argument: string): Outcome | Promise<Outcome>
}

const isIn = <State extends StateName>(session: Session, states: readonly State[]): session is In<State> =>
  (states as readonly StateName[]).includes(session.state)

/** The order of commands (RFC 5321 §4.1.4). */
const misplaced = ({ state }: Session, mode: Mode): Reply => {
  if (state === 'connected') return replies.helloFirst(mode)
  if (state === 'chunks') return replies.messageInChunks
  return state === 'ready' || state === 'chunks-refused' ? replies.senderFirst : replies.messageBegun
}

/** Makes a row. */
export const command = <State extends StateName, Arguments>({ modes = allModes, ...row }: Row<State, Arguments>): Command => ({
  name: row.name,
  states: row.states,
  modes,
  syntax: row.syntax,
  telling: row.telling ?? (row.syntax === row.name ? 'name' : 'whole'),
  alone: row.alone ?? false,
  source: row.source,
  offered: true,
  perform: (situation, session, argument) => {
    const { mode } = situation.options
    if (!modes.includes(mode)) return { reply: replies.otherProtocol(mode) }
    if (!isIn(session, row.states)) return { reply: row.misplaced?.[session.state] ?? misplaced(session, mode) }
    const parsed = row.read(argument)
    return 'problem' in parsed ? { reply: parsed.problem } : row.run(situation, session, parsed.value)
  },
})
