/** What supervisor and child say to each other over the channel that `fork` opens between them (plain JSON). */
import type { LoginAnswer, LoginAttempt, RecipientAnswer, ScramAnswer, ScramQuestion } from '../../shared/accounts/desk.ts'
import type { ServiceSettings, Settings } from '../../shared/config/settings.ts'
import type { Verdict } from '../../shared/limits/admission.ts'
import type { LimitCounts } from '../../shared/limits/limits.ts'
import type { JournalHealth } from '../../shared/log/appender.ts'
import type { Level } from '../../shared/log/log.ts'
import type { TlsMaterial } from '../../shared/tls/material.ts'

/** What the children ask the desk, with what it answers. */
export interface DeskCalls {
  login: { question: LoginAttempt; answer: LoginAnswer }
  scram: { question: ScramQuestion; answer: ScramAnswer }
  recipient: { question: string; answer: RecipientAnswer }
  sync: { question: string; answer: null }
  turn: { question: { readonly file: string; readonly token: number }; answer: null }
  /** The token of one that is over; there is no answer. */
  turnOver: { question: number; answer: null }
}
export type DeskCall = keyof DeskCalls
export type Answer = DeskCalls[DeskCall]['answer']

/** The first message: what the child is to be. */
export interface StartMessage {
  readonly type: 'start'
  readonly service: ServiceSettings
  readonly settings: Settings
  readonly version: string
  /** Whether stdout is a terminal: records are shown to people. */
  readonly console: boolean
  /** `accept`: it opens no connections, so that right is given up once it listens. */
  readonly network: 'accept' | 'connect'
}

/** What the desk says to one question. */
export type AnswerMessage =
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answer }
  /** The question could not be answered. */
  | { readonly type: 'failure'; readonly id: number; readonly message: string }

export type ToChild =
  | StartMessage
  /**
   * Stop accepting, carry on what goes on: `replace` until it ends by itself, `stop` until what is under way is done. Clients that
   * wait at the port are left to whoever else listens there, or, where nobody does, served first.
   */
  | { readonly type: 'end'; readonly how: 'replace' | 'stop'; readonly deadlineMs: number; readonly queue: 'leave' | 'serve' }
  | AnswerMessage
  /** Several of one turn of the event loop. */
  | { readonly type: 'answers'; readonly answers: readonly AnswerMessage[] }
  /** Whether the one may come in about whom was asked with this id. */
  | { readonly type: 'admission'; readonly id: number; readonly verdict: Verdict }
  /** Keys for TLS: the first ones, or those to go on with. Never to be logged. */
  | { readonly type: 'tls'; readonly material: TlsMaterial }
  /** The logs were moved away: go on in new ones. What is told next is done after that. */
  | { readonly type: 'reopen' }
  /** Another level of the journal is in force. */
  | { readonly type: 'level'; readonly level: Level }
  /** A connection goes with it, on which the supervisor asks whether the child is well: see `Host.probe`. */
  | { readonly type: 'probe' }
  /** Asks for the counters as they are now. */
  | { readonly type: 'count' }

/** Connections of one child. */
export interface Counters {
  readonly open: number
  /** Conversations that ended. */
  readonly served: number
  /** How often which limit was met, by a client that was turned away or in a conversation. */
  readonly refused: LimitCounts
  /** What the process holds in memory (RSS). */
  readonly memoryOctets: number
}

/** What a child asks the desk; the answer carries the same id. */
export type AskMessage = {
  [Call in DeskCall]: {
    readonly type: 'ask'
    readonly id: number
    readonly call: Call
    readonly question: DeskCalls[Call]['question']
  }
}[DeskCall]

export type ToSupervisor =
  | { readonly type: 'ready'; readonly port: number }
  /** It cannot serve: the exit code that follows says whether trying again may help. */
  | { readonly type: 'failed'; readonly message: string; readonly portTaken: boolean }
  /** A program of somebody else was started; it is what the service's process is told to be from now on. */
  | { readonly type: 'program'; readonly program: { readonly pid: number; readonly startTime: string; readonly tag: string } }
  | AskMessage
  /** Several of one turn of the event loop, in their order. */
  | { readonly type: 'asks'; readonly asks: readonly AskMessage[] }
  /** Asks whether one of this address may come in; sent where a service has several workers. */
  | { readonly type: 'admit'; readonly id: number; readonly group: string }
  /** One that was admitted is gone. */
  | { readonly type: 'release'; readonly group: string }
  /** Sent when they changed, at most a few times a second, and when asked for. */
  | { readonly type: 'counters'; readonly counters: Counters; readonly journal: JournalHealth }

const isTagged = (value: unknown): value is { type: unknown } => typeof value === 'object' && value !== null && 'type' in value

/** Messages come from our own program over a private channel: what is checked is that it is a message at all. */
export const isToChild = (value: unknown): value is ToChild =>
  isTagged(value) &&
  ['start', 'end', 'answer', 'failure', 'answers', 'tls', 'admission', 'reopen', 'level', 'probe', 'count'].includes(
    String(value.type),
  )

/** The same for the other direction. */
export const isToSupervisor = (value: unknown): value is ToSupervisor =>
  isTagged(value) && ['ready', 'failed', 'program', 'ask', 'asks', 'admit', 'release', 'counters'].includes(String(value.type))
