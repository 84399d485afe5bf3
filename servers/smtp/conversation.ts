import { DeskError } from '../../shared/accounts/desk.ts'
import type { LimitName } from '../../shared/limits/limits.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Telling } from '../../shared/log/transcript.ts'
import { StoreError } from '../../shared/mail/mail-store.ts'
import type { Line } from '../../shared/net/line-splitter.ts'
import { endingOf } from '../../shared/service.ts'
import { HandshakeError } from '../../shared/tls/service-tls.ts'
import { lookUp } from './commands.ts'
import type { Link, Listener } from './engine.ts'
import { Intake } from './intake.ts'
import * as journal from './journal.ts'
import type { Reply } from './replies.ts'
import * as replies from './replies.ts'
import type { Outcome, Session, Situation } from './session.ts'

/** Web pages can make browsers send these, with mail commands after them; nobody in the world of mail does. */
const httpMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH'])

/** The commands that no message comes without. */
const stepsOfMail: ReadonlySet<string> = new Set(['MAIL', 'RCPT', 'DATA'])

/** A command's name and, after a blank, its argument; blanks at the end do not count (RFC 5321 §4.1.1). */
const commandPattern = /^(?<name>[^ ]*)(?: +(?<argument>.*?))? *$/s

/** A line that was looked at: how to come to its outcome, and how much of it may be told. */
interface Reading {
  readonly telling: Telling
  readonly run: () => Outcome | Promise<Outcome>
  /** Whether it is a step on the way of a message. */
  readonly bringsMail?: boolean
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
  /** From 354 to the reply to the message. */
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

  constructor(link: Link, situation: Situation) {
    this.#link = link
    this.#situation = situation
    this.#log = situation.log
    situation.connection.signal.addEventListener('abort', () => this.#mustEnd(), { once: true })
    link.say(replies.render(replies.greeting(situation.settings.hostname)))
  }

  /** Resolves when nothing of it is left; rejects with what nobody foresaw. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  async line(line: Line): Promise<void> {
    using _busy = this.#situation.connection.busy()
    this.#commands += 1
    const { telling, run, bringsMail = false } = this.#read(line)
    this.#situation.connection.transcript?.client(line, telling)
    const outcome = this.#counted(bringsMail, await this.#outcome(run))
    if (this.#ending !== null) return
    if (outcome.next?.state === 'securing') return this.#secure(outcome.reply)
    this.#link.say(replies.render(outcome.reply))
    if (outcome.next !== undefined) this.#enter(outcome.next)
  }

  async body(octets: Buffer): Promise<void> {
    await this.#intake?.write(octets)
  }

  bodyEnded(): Promise<void> {
    this.#finishing = this.#finish()
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
      return { telling: row.telling, run: () => row.perform(this.#situation, session, argument), bringsMail }
    }
    if (!httpMethods.has(name)) return refuse('unknown', replies.unknownCommand)
    return { telling: 'unknown', run: () => ({ reply: replies.notHttp, next: { state: 'closed', why: 'http' } }) }
  }

  /** Acts; whatever goes wrong becomes a reply. */
  async #outcome(run: Reading['run']): Promise<Outcome> {
    const session = this.#session
    const { log } = this.#situation
    try {
      const outcome = await run()
      if (outcome.next?.state === 'data') this.#begin(outcome.next)
      return outcome
    } catch (error) {
      const next: Session = session.state === 'login' ? { ...session, state: 'ready' } : session
      if (error instanceof DeskError) {
        journal.deskSilent(log, error)
        return { reply: replies.deskSilent, next }
      }
      if (error instanceof StoreError) {
        if (replies.isStoreFault(error.code)) journal.storeFailed(log, error)
        return { reply: replies.storeRefusals[error.code], next }
      }
      // Whatever it is: one command fails, the conversation goes on.
      journal.failed(log, error)
      return { reply: replies.failed, next }
    }
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
    if (!replies.isBadCommand(outcome.reply)) return outcome
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

  #begin(session: Extract<Session, { state: 'data' }>): void {
    const { connection } = this.#situation
    this.#transactions += 1
    this.#intake = new Intake(this.#situation, session, `${connection.id}-${this.#transactions}`)
    this.#receiving = connection.busy()
    this.#link.receive(this.#intake.reader)
  }

  async #finish(): Promise<void> {
    const [intake, receiving, session] = [this.#intake, this.#receiving, this.#session]
    if (intake === null || session.state !== 'data') return
    const reply = await intake.finish()
    this.#intake = null
    if (reply.code === 250) {
      this.#messages += 1
      this.#withoutMail = 0
    }
    if (this.#ending === null) this.#link.say(replies.render(reply))
    const { client, account } = session
    this.#session = { state: 'ready', client, account }
    receiving?.[Symbol.dispose]()
    this.#endLater?.()
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
