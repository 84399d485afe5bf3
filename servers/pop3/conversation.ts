import type { LimitName } from '../../shared/limits/limits.ts'
import { type MailStore, StoreError } from '../../shared/mail/mail-store.ts'
import { DotStuffer } from '../../shared/net/dot-stuffing.ts'
import { type Line as InputLine, LineSplitter } from '../../shared/net/line-splitter.ts'
import { Wire } from '../../shared/net/wire.ts'
import { type Connection, type Context, endingOf } from '../../shared/service.ts'
import { HandshakeError } from '../../shared/tls/service-tls.ts'
import { type Command, commandOf } from './commands.ts'
import * as journal from './journal.ts'
import type { Pop3Options } from './options.ts'
import { goodbyes, type Line, type Listing, type Reply, replies, statusLine, type Text, type Whole } from './replies.ts'
import {
  type Client,
  closed,
  loggedOut,
  type Manner,
  mayLogIn,
  type Outcome,
  plainManner,
  type Session,
  type Tally,
} from './session.ts'

/**
 * One client from greeting to goodbye: reads lines, looks up rows, runs them one after the other, writes, journals. The only
 * place where the session's state is assigned, and where the mailbox is given free, on every path.
 */
export class Conversation implements Client {
  readonly connection: Connection
  readonly context: Context<Pop3Options>
  readonly store: MailStore
  readonly tally: Tally = { messages: 0, octets: 0, deleted: 0 }
  #wire: Wire
  #lines: LineSplitter
  readonly #startedAt = performance.now()
  #session: Session = loggedOut
  #manner: Manner = plainManner
  #log: Connection['log']
  #commands = 0
  #badCommands = 0

  constructor(connection: Connection, context: Context<Pop3Options>, store: MailStore) {
    this.connection = connection
    this.context = context
    this.store = store
    this.#log = connection.log
    this.#wire = new Wire(connection.stream, connection.signal, connection.transcript)
    this.#lines = new LineSplitter(context.options.commandLine)
  }

  /** Carries the conversation; resolves when our side is ended and the mailbox free. */
  async run(): Promise<void> {
    let failed = false
    try {
      this.#wire.text(statusLine(replies.greeting(this.context.settings.hostname)))
      await this.#listen()
      const ending = endingOf(this.connection.signal)
      const goodbye = ending === null ? null : goodbyes[ending]
      if (this.#session.state !== 'closed' && goodbye !== null) this.#say(goodbye)
    } catch (error) {
      failed = true
      if (this.#session.state !== 'closed') this.#say(replies.failed)
      throw error
    } finally {
      if (this.#session.state === 'transaction') await this.#session.maildrop.release()
      journal.sessionEnded(
        this.#log,
        failed ? 'failed' : this.#reason,
        this.tally,
        this.#commands,
        performance.now() - this.#startedAt,
      )
      // Before QUIT is answered, with which they are gone for good.
      if (this.tally.deleted > 0) this.context.journal.settle()
      await this.#wire.end()
      this.#wire.detach()
    }
  }

  get manner(): Manner {
    return this.#manner
  }

  get #reason(): Parameters<typeof journal.sessionEnded>[1] {
    const ending = endingOf(this.connection.signal)
    if (this.#session.state !== 'closed') return ending ?? 'closed'
    return this.#session.why === 'cut-off' ? (ending ?? 'cut-off') : this.#session.why
  }

  /** Until QUIT, the end of the input, or the end of the connection. */
  async #listen(): Promise<void> {
    if (!(await this.#wire.flush())) return
    for (;;) {
      const chunk = await this.#wire.read()
      if (chunk === null) return
      using _underWay = this.connection.busy()
      for (const line of this.#lines.push(chunk)) {
        const done = this.#take(line)
        if (done !== undefined) await done
        if (this.#session.state === 'closed') return
        // What came with STLS in one packet is not looked at: it was said in clear, by whomever.
        if (this.#session.state === 'securing') break
        if (this.#wire.full && !(await this.#wire.flush())) return
      }
      if (this.#session.state === 'securing' && !(await this.#secure())) return
      // Replies to all that came in one piece leave in one piece.
      if (!(await this.#wire.flush())) return
    }
  }

  /** STLS was answered: nothing of what was before counts any more (RFC 2595 §4). @returns whether the connection is encrypted */
  async #secure(): Promise<boolean> {
    this.#wire.handOver()
    try {
      await this.connection.startTls()
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      this.#session = closed('no-tls')
      return false
    }
    const { stream, signal, transcript } = this.connection
    this.#wire = new Wire(stream, signal, transcript)
    this.#lines = new LineSplitter(this.context.options.commandLine)
    this.#session = loggedOut
    this.#manner = plainManner
    return true
  }

  #take(line: InputLine): Promise<void> | undefined {
    this.#commands += 1
    const text = line.kind === 'line' ? line.octets.toString() : null
    const [keyword = '', rest = ''] = text === null ? [] : splitAtBlank(text)
    const row = commandOf(keyword)
    this.connection.transcript?.client(line, this.#session.state === 'authenticating' ? 'secret' : (row?.telling ?? 'unknown'))
    const outcome = text === null ? this.#tooLong() : this.#answer(text, row, rest)
    // Numbers are no secret.
    const asked = row?.telling === 'numbers' ? `${row.name} ${rest}` : (row?.name ?? '')
    return outcome instanceof Promise ? outcome.then((kept) => this.#follow(asked, kept)) : this.#follow(asked, outcome)
  }

  #answer(text: string, row: Command | undefined, rest: string): Outcome | Promise<Outcome> {
    if (this.#session.state === 'authenticating') return this.#session.answered(text)
    const { commandsBeforeLogin } = this.context.options
    if (this.#session.state === 'authorization' && this.#commands > commandsBeforeLogin) {
      this.#limitReached('commandsBeforeLogin', commandsBeforeLogin)
      return { reply: replies.tooManyBeforeLogin, next: closed('too-many-before-login') }
    }
    return row === undefined ? this.#fault(replies.unknownCommand) : this.#run(row, rest)
  }

  #run(row: Command, rest: string): Outcome | Promise<Outcome> {
    if (row.login && this.#session.state === 'authorization' && !mayLogIn(this)) {
      journal.loginRefused(this.#log, undefined, 'needs-tls')
      return { reply: replies.needsTls }
    }
    const outcome = row.run(this.#session, rest, this)
    if (outcome === 'misplaced') {
      return this.#fault(this.#session.state === 'transaction' ? replies.notAfterLogin : replies.notBeforeLogin)
    }
    return outcome === 'malformed' ? this.#fault(replies.badArguments(row.usage)) : outcome
  }

  #tooLong(): Outcome {
    const limit = this.context.options.commandLine
    this.#limitReached('commandLine', limit)
    const outcome = this.#fault(replies.lineTooLong(limit))
    // An overlong response ends its login (RFC 5034 §4); a session that is over stays so.
    return this.#session.state === 'authenticating' ? { next: loggedOut, ...outcome } : outcome
  }

  #limitReached(limit: LimitName, value: number): void {
    journal.limitReached(this.#log, limit, value)
    this.connection.overLimit(limit)
  }

  /** Counts a command that is none; one too many ends the session. */
  #fault(reply: Line): Outcome {
    const { badCommands } = this.context.options
    this.#badCommands += 1
    if (this.#badCommands <= badCommands) return { reply }
    this.#limitReached('badCommands', badCommands)
    return { reply: replies.tooManyBadCommands, next: closed('too-many-bad-commands') }
  }

  #say(reply: Reply): void {
    const { speech } = this.#manner.language
    if (speech === 'en') this.#wire.text(statusLine(reply))
    else this.#wire.utf8(statusLine(reply, speech))
  }

  #follow(asked: string, { reply, next, manner }: Outcome): Promise<void> | undefined {
    if (manner !== undefined) this.#manner = manner
    if (next !== undefined || reply.kind === 'list' || reply.kind === 'text') return this.#followAtLength(asked, reply, next)
    this.#sayAtOnce(reply)
    return undefined
  }

  async #followAtLength(asked: string, reply: Reply, next: Session | undefined): Promise<void> {
    if (next !== undefined) await this.#enter(next)
    if (reply.kind === 'list') await this.#sayList(reply)
    else if (reply.kind === 'text') await this.#sayText(asked, reply)
    else this.#sayAtOnce(reply)
  }

  #sayAtOnce(reply: Line | Whole): void {
    this.#say(reply)
    if (reply.kind !== 'whole') return
    const stuffer = new DotStuffer()
    this.#wire.octets(stuffer.push(reply.octets))
    this.#wire.text(stuffer.end())
    reply.sent(reply.octets.length)
  }

  /** The next state. Whoever leaves the mailbox gives it free before the client hears of it: it may come again at once. */
  async #enter(next: Session): Promise<void> {
    const before = this.#session
    this.#session = next
    if (next.state === 'transaction') {
      this.connection.loggedIn()
      this.#log = this.connection.log.with({ account: next.maildrop.account })
    } else if (before.state === 'transaction') await before.maildrop.release()
  }

  async #sayList(reply: Listing): Promise<void> {
    this.#say(reply)
    for (const line of reply.lines) {
      this.#wire.text(`${line}\r\n`)
      if (this.#wire.full && !(await this.#wire.flush())) return await this.#enter(closed('cut-off'))
    }
    this.#wire.text('.\r\n')
  }

  /**
   * The first octets are there before `+OK` is said: a message that cannot be read is still answered. Later nothing else can be
   * said, and the connection ends without the last line: the client must not take what it has for the whole.
   */
  async #sayText(asked: string, reply: Text): Promise<void> {
    const stuffer = new DotStuffer()
    let octets = 0
    let begun = false
    try {
      for await (const chunk of reply.octets) {
        if (!begun) this.#say(reply)
        begun = true
        octets += chunk.length
        this.#wire.octets(stuffer.push(chunk))
        if (this.#wire.full && !(await this.#wire.flush())) {
          await this.#enter(closed('cut-off'))
          return
        }
      }
    } catch (error) {
      if (begun) await this.#enter(closed('cut-off'))
      if (!(error instanceof StoreError)) throw error
      journal.storeFailed(this.#log, asked, error.code, error)
      if (!begun) this.#say(replies.store(error.code))
      return
    }
    if (!begun) this.#say(reply)
    this.#wire.text(stuffer.end())
    reply.sent(octets)
  }
}

/** The keyword, and what follows it and one blank. */
const splitAtBlank = (text: string): [string, string] => {
  const blank = text.indexOf(' ')
  return blank === -1 ? [text, ''] : [text.slice(0, blank), text.slice(blank + 1)]
}
