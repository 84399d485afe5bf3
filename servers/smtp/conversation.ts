import { DeskError } from '../../shared/accounts/desk.ts'
import type { LimitName } from '../../shared/limits/limits.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Telling } from '../../shared/log/transcript.ts'
import { StoreError } from '../../shared/mail/mail-store.ts'
import type { Line } from '../../shared/net/line-splitter.ts'
import { endingOf } from '../../shared/service.ts'
import { HandshakeError } from '../../shared/tls/service-tls.ts'
import { ChunkReader } from './chunk-reader.ts'
import { refuseChunk } from './chunks.ts'
import { lookUp } from './commands.ts'
import type { Link, Listener } from './engine.ts'
import { Intake } from './intake.ts'
import * as journal from './journal.ts'
import type { Reply } from './replies.ts'
import * as replies from './replies.ts'
import type { Chunk, In, Outcome, Session, Situation } from './session.ts'

/** Web pages can make browsers send these, with mail commands after them; nobody in the world of mail does. */
const httpMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH'])

/** The commands that no message comes without. */
const stepsOfMail: ReadonlySet<string> = new Set(['MAIL', 'RCPT', 'DATA', 'BDAT'])

/** A command's name and, after a blank, its argument; blanks at the end do not count (RFC 5321 §4.1.1). */
const commandPattern = /^(?<name>[^ ]*)(?: +(?<argument>.*?))? *$/s

/** A line that was looked at: how to come to its outcome, and how much of it may be told. */
interface Reading {
  readonly telling: Telling
  readonly run: () => Outcome | Promise<Outcome>
  /** Whether it is a step on the way of a message. */
  readonly bringsMail?: boolean
  /** The command's name, where its answer has to be awaited before anything else is sent. */
  readonly alone?: string
}

/**
 * The loop of one conversation: reads a line, looks up, acts, answers, writes down. Only it says where the conversation stands.
 * It is over when the link is gone.
 */
export class Conversation implements Listener {
  readonly #link: Link
  readonly #over = Promise.withResolvers<void>()
  readonly #startedAt = performance.now()
  /** Without the account. */
  readonly #log: Log
  #situation: Situation
  #session: Session = { state: 'connected' }
  /** As the client introduced itself last. */
  #client: string | null = null
  #intake: Intake | null = null
  /** The chunk whose octets are coming, and what is said after them. */
  #chunk: { readonly chunk: Chunk; readonly outcome: Outcome } | null = null
  /** From 354, or a message's first chunk, to the reply to the message. */
  #receiving: Disposable | null = null
  #finishing: Promise<void> = Promise.resolve()
  #ending: journal.SessionFacts['reason'] | null = null
  /** How to end once the store has decided on the message in hand. */
  #endLater: (() => void) | null = null
  #commands = 0
  #bad = 0
  /** Since the last message. */
  #withoutMail = 0
  #messages = 0
  #transactions = 0
  /** Whether something was sent out of turn: told once. */
  #pipelined = false

  constructor(link: Link, situation: Situation) {
    this.#link = link
    this.#situation = situation
    this.#log = situation.log
    situation.connection.signal.addEventListener('abort', () => this.#mustEnd(), { once: true })
  }

  /** Resolves when nothing of it is left; rejects with what nobody foresaw. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  /** RFC 5321 §4.3.1: the client waits for the greeting. */
  begin(early: boolean): void {
    if (this.#ending !== null) return
    const { settings, options, log } = this.#situation
    const refused = early && options.earlyTalkers === 'refuse'
    if (early) journal.spokeEarly(log, refused)
    if (refused) this.#end('early', replies.spokeEarly(settings.hostname))
    else this.#link.say(replies.render(replies.greeting(settings.hostname, options.mode)))
  }

  async line(line: Line, more: boolean): Promise<void> {
    using _busy = this.#situation.connection.busy()
    this.#commands += 1
    const { telling, run, bringsMail = false, alone } = this.#read(line)
    this.#situation.connection.transcript?.client(line, telling)
    const mayAct = alone === undefined || !more || this.#bearsPipelining(alone)
    const outcome = mayAct ? this.#counted(bringsMail, await this.#outcome(run)) : outOfTurn
    if (this.#ending !== null) return
    if (outcome.next?.state === 'securing') return this.#secure(outcome.reply)
    const { next, chunk } = outcome
    if (this.#session.state === 'chunks' && next !== undefined && next.state !== 'chunks') await this.#giveUp()
    if (chunk !== undefined) return this.#receiveChunk(outcome, chunk)
    this.#settle(outcome)
  }

  async body(octets: Buffer): Promise<void> {
    if (this.#chunk === null || this.#chunk.chunk.taken) await this.#intake?.write(octets)
  }

  bodyEnded(): Promise<void> {
    const ended = this.#chunk
    this.#chunk = null
    this.#finishing = ended === null ? this.#finish(true) : this.#chunkEnded(ended.outcome, ended.chunk)
    return this.#finishing
  }

  inputEnded(): void {
    this.#end('closed', this.#intake === null ? null : replies.unfinished)
  }

  gone(error: Error | null): void {
    this.#ending ??= 'closed'
    this.#finishing
      .then(() => this.#intake?.abort())
      .then(() => {
        this.#receiving?.[Symbol.dispose]()
        journal.sessionEnded(this.#situation.log, this.#facts())
        if (error !== null) throw error
      })
      .then(this.#over.resolve, this.#over.reject)
  }

  #read(line: Line): Reading {
    const session = this.#session
    // RFC 5321 §2.3.8: nothing but CRLF ends a line; what a sender takes for part of a line must not be a command here.
    if (line.kind === 'line' && line.bare && this.#situation.settings.mail.bareNewlines === 'reject') return bareLine(session)
    if (session.state === 'login') return { telling: 'secret', run: () => session.answer(line) }
    const limit = this.#situation.options.commandLine
    if (line.kind === 'too-long') {
      this.#limitReached('commandLine', limit)
      return refuse('unknown', replies.lineTooLong(limit))
    }
    const text = line.octets.toString()
    const { name = '', argument = '' } = commandPattern.exec(text)?.groups ?? {}
    const row = lookUp(name)
    if (/[\u0000-\u001f\u007f]/.test(text)) return refuse(row === undefined ? 'unknown' : 'credentials', replies.garbledLine)
    if (row !== undefined) {
      const bringsMail = stepsOfMail.has(row.name)
      // What comes behind QUIT is nobody's business.
      const alone = row.alone && row.name !== 'QUIT' ? { alone: row.name } : {}
      return { telling: row.telling, run: () => row.perform(this.#situation, session, argument), bringsMail, ...alone }
    }
    if (!httpMethods.has(name)) return refuse('unknown', replies.unknownCommand)
    return { telling: 'unknown', run: () => ({ reply: replies.notHttp, next: { state: 'closed', why: 'http' } }) }
  }

  /** Something was sent behind a command that had to be answered first (RFC 2920 §3.1). @returns whether that is borne */
  #bearsPipelining(command: string): boolean {
    const { options, log } = this.#situation
    const refused = options.pipelining === 'strict'
    if (!this.#pipelined) journal.pipelined(log, command, refused)
    this.#pipelined = true
    return !refused
  }

  /** Acts; whatever goes wrong becomes a reply. */
  async #outcome(run: Reading['run']): Promise<Outcome> {
    const session = this.#session
    let chunk: Chunk | undefined
    try {
      const outcome = await run()
      chunk = outcome.chunk
      if (outcome.next?.state === 'data' || (outcome.next?.state === 'chunks' && this.#intake === null)) this.#begin(outcome.next)
      return outcome
    } catch (error) {
      const reply = this.#failure(error)
      // Its octets come all the same.
      if (chunk !== undefined) return refuseChunk(this.#situation, session, chunk, reply)
      return { reply, next: session.state === 'login' ? { ...session, state: 'ready' } : session }
    }
  }

  #failure(error: unknown): Reply {
    const { log } = this.#situation
    if (error instanceof DeskError) {
      journal.deskSilent(log, error)
      return replies.deskSilent
    }
    if (error instanceof StoreError) {
      if (replies.isStoreFault(error)) journal.storeFailed(log, error)
      return replies.storeRefusals[error.code]
    }
    // Whatever it is: one command fails, the conversation goes on.
    journal.failed(log, error)
    return replies.failed
  }

  /** Counts bad commands, and those that bring no mail; one too many ends the conversation. */
  #counted(bringsMail: boolean, outcome: Outcome): Outcome {
    const { commandsWithoutMail } = this.#situation.options
    // An orderly end is none.
    if (!bringsMail && outcome.next?.state !== 'closed') this.#withoutMail += 1
    if (this.#withoutMail > commandsWithoutMail) {
      this.#limitReached('commandsWithoutMail', commandsWithoutMail)
      return { reply: replies.tooManyWithoutMail, next: { state: 'closed', why: 'too-many-without-mail' } }
    }
    if (outcome.excused || !replies.isBadCommand(outcome.reply)) return outcome
    this.#bad += 1
    const { badCommands } = this.#situation.options
    if (this.#bad <= badCommands) return outcome
    this.#limitReached('badCommands', badCommands)
    return { reply: replies.tooManyBadCommands, next: { state: 'closed', why: 'bad-commands' } }
  }

  #limitReached(limit: LimitName, value: number): void {
    journal.limitReached(this.#situation.log, limit, value)
    this.#situation.connection.overLimit(limit)
  }

  #enter(next: Session): void {
    const loggedIn = 'account' in next && next.account !== null && !('account' in this.#session && this.#session.account !== null)
    if (loggedIn) {
      this.#situation.connection.loggedIn()
      this.#situation = { ...this.#situation, log: this.#log.with({ account: next.account }) }
    }
    this.#session = next
    if ('client' in next) this.#client = next.client.name
    if (next.state === 'closed') this.#end(next.why, null)
  }

  /** RFC 3207 §4.2: once TLS stands, nothing that was said before counts. */
  async #secure(reply: Reply): Promise<void> {
    this.#session = { state: 'securing' }
    try {
      await this.#link.encrypt(replies.render(reply), this.#situation.connection)
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      this.#ending ??= 'no-tls'
      return
    }
    this.#session = { state: 'connected' }
    this.#situation = { ...this.#situation, log: this.#log }
    this.#client = null
  }

  #settle({ reply, more = [], next }: Outcome): void {
    this.#link.say([reply, ...more].map(replies.render).join(''))
    if (next !== undefined) this.#enter(next)
  }

  #begin(session: In<'data' | 'chunks'>): void {
    const { connection } = this.#situation
    this.#transactions += 1
    const intake = new Intake(this.#situation, session, `${connection.id}-${this.#transactions}`)
    this.#intake = intake
    this.#receiving = connection.busy()
    if (session.state === 'data') this.#link.receive(intake.message())
  }

  async #receiveChunk(outcome: Outcome, chunk: Chunk): Promise<void> {
    if (chunk.taken && outcome.next !== undefined) this.#enter(outcome.next)
    this.#chunk = { chunk, outcome }
    this.#receiving ??= this.#situation.connection.busy()
    if (chunk.octets === 0) return this.bodyEnded()
    this.#link.receive(
      this.#intake !== null && chunk.taken ? this.#intake.chunk(chunk.octets) : new ChunkReader(chunk.octets, null),
    )
  }

  async #chunkEnded(outcome: Outcome, chunk: Chunk): Promise<void> {
    if (chunk.taken && (chunk.last || this.#intake?.refused)) return this.#finish(chunk.last)
    if (this.#ending === null) this.#settle(outcome)
    if (!chunk.taken) this.#received()
  }

  /** @param whole otherwise more chunks may come, which are refused like this one */
  async #finish(whole: boolean): Promise<void> {
    const [intake, session] = [this.#intake, this.#session]
    if (intake === null || (session.state !== 'data' && session.state !== 'chunks')) return
    const [reply, ...more] = await intake.finish()
    this.#intake = null
    if (intake.kept) {
      this.#messages += 1
      this.#withoutMail = 0
    }
    const { client, account } = session
    const chunk: Chunk = { octets: 0, last: whole, taken: false }
    const { next } = whole
      ? { next: { state: 'ready', client, account } as const }
      : refuseChunk(this.#situation, session, chunk, reply)
    if (this.#ending === null) this.#settle({ reply, more: whole ? more : [], next: next ?? session })
    this.#received()
    this.#endLater?.()
  }

  /** The client gives up a message of which chunks have come. */
  async #giveUp(): Promise<void> {
    await this.#intake?.abort()
    this.#intake = null
    this.#received()
  }

  #received(): void {
    this.#receiving?.[Symbol.dispose]()
    this.#receiving = null
  }

  /** The host says that the conversation has to end. */
  #mustEnd(): void {
    const why = endingOf(this.#situation.connection.signal)
    if (why === null || why === 'closed') return
    const end = () => this.#end(why, replies.goodbyes[why])
    if (this.#intake?.committing) this.#endLater = end
    else end()
  }

  #end(ending: journal.SessionFacts['reason'], goodbye: Reply | null): void {
    if (this.#ending !== null) return
    this.#ending = ending
    if (goodbye !== null) this.#link.say(replies.render(goodbye))
    this.#link.end()
  }

  #facts(): journal.SessionFacts {
    return {
      client: this.#client,
      commands: this.#commands,
      messages: this.#messages,
      badCommands: this.#bad,
      durationMs: performance.now() - this.#startedAt,
      reason: this.#ending ?? 'closed',
    }
  }
}

const refuse = (telling: Telling, reply: Reply): Reading => ({ telling, run: () => ({ reply }) })

/** A login that is under way is over with it. */
const bareLine = (session: Session): Reading => {
  const next: Partial<Outcome> = session.state === 'login' ? { next: { ...session, state: 'ready' } } : {}
  return { telling: session.state === 'login' ? 'secret' : 'unknown', run: () => ({ reply: replies.bareLine, ...next }) }
}

const outOfTurn: Outcome = { reply: replies.outOfTurn, next: { state: 'closed', why: 'out-of-turn' } }
