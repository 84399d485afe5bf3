import type { Socket } from 'node:net'
import { FileError, fileErrors } from '../../shared/files/file-store.ts'
import type { LimitName } from '../../shared/limits/limits.ts'
import type { Log } from '../../shared/log/log.ts'
import { plainAddress } from '../../shared/net/endpoint.ts'
import { type Connection, endingOf } from '../../shared/service.ts'
import { HandshakeError } from '../../shared/tls/service-tls.ts'
import type { Command } from './command.ts'
import { CommandReader, type Said, type SaidCommand } from './command-reader.ts'
import { commandOf, notOffered } from './commands.ts'
import { endedWell, socketOf } from './control-socket.ts'
import { DataChannel, DataTlsError } from './data-connection.ts'
import type { Frame } from './engine.ts'
import type { Protection } from './grammar.ts'
import { InterruptibleWork } from './interruptible-work.ts'
import * as journal from './journal.ts'
import { type NameCodec, nameCodec } from './name-encoding.ts'
import { goodbyes, type Reply, refusals, render, replies } from './replies.ts'
import { RunningTransfer, type TransferEnd } from './running-transfer.ts'
import {
  initialParameters,
  type Outcome,
  type Parameters,
  type SessionContext,
  type State,
  type Talk,
  withoutRename,
} from './session-state.ts'
import { statusLines } from './status.ts'
import type { TransferPlan } from './transfer-plan.ts'
import { recordTransfer } from './transfer-record.ts'

/** Replies that count as a bad command: unknown, bad argument, wrong order. */
const badCodes: readonly number[] = [500, 501, 503]

/** One client's session: reads commands, carries them out one after the other, answers. */
export class Session implements Talk {
  readonly context: SessionContext
  readonly connection: Connection
  readonly data: DataChannel
  readonly #frame: Frame
  #reader: CommandReader
  #log: Log
  #state: State = { state: 'login', user: null }
  #parameters: Parameters
  readonly #work = new InterruptibleWork()
  #badCommands = 0
  #badLogins = 0
  /** Commands in a row without a login. */
  #withoutLogin = 0
  readonly #counts = { commands: 0, uploads: 0, downloads: 0, octetsIn: 0, octetsOut: 0 }
  /** What was noted before its turn came. */
  #heard: WeakSet<Said> | null = null
  /** What an aborted transfer still does behind its reply. */
  #behind: Promise<void> = Promise.resolve()
  /** Replies that were said between the others, during a transfer. */
  #aside: Promise<void> = Promise.resolve()

  /** @param local our numeric address of the control connection, which data connections use too */
  constructor(context: SessionContext, connection: Connection, frame: Frame, local: string) {
    this.context = context
    this.connection = connection
    this.#frame = frame
    this.#log = connection.log
    this.#parameters = initialParameters(context)
    const { ports, limits } = context
    this.data = new DataChannel({
      client: connection.remote.address,
      peerOf: async (socket) => (await connection.peerOf(socket)).address,
      local,
      ports,
      waitMs: limits.dataWaitMs,
      encrypt: (socket) => this.#encryptData(socket),
      onStranger: (address) => journal.stranger(this.#log, address),
    })
    this.#reader = this.#read()
  }

  #read(): CommandReader {
    const { stream, signal } = this.connection
    return new CommandReader(
      stream,
      this.context.limits,
      (said) => this.#arrived(said),
      () => this.#noMoreComes(),
      signal,
    )
  }

  get log(): Log {
    return this.#log
  }

  get parameters(): Parameters {
    return this.#parameters
  }

  get names(): NameCodec {
    return nameCodec(this.#parameters.names)
  }

  /** Carries the session to its end. */
  async run(): Promise<void> {
    const startedAt = performance.now()
    const end = () => {
      this.#running?.abort('ended')
      this.#work.abort()
    }
    this.connection.signal.addEventListener('abort', end)
    let reason: string = 'closed'
    try {
      this.#tell(replies.greeting(this.context.hostname))
      await this.#frame.greeted
      reason = await this.#converse()
    } finally {
      this.connection.signal.removeEventListener('abort', end)
      this.#reader.close()
      this.data.close()
      await this.#aside
      await this.#behind
      journal.sessionEnded(this.#log, { reason, ...this.#counts, durationMs: Math.round(performance.now() - startedAt) })
    }
  }

  /** @returns why the session is over */
  async #converse(): Promise<string> {
    for (;;) {
      const said = await this.#reader.next()
      if (said === null) break
      using _busy = this.connection.busy()
      const ends = await this.#answer(said)
      if (ends !== undefined) return ends
    }
    const ending = endingOf(this.connection.signal) ?? 'closed'
    if (ending !== 'closed') await this.say(goodbyes[ending])
    return ending
  }

  /** @returns why the session ends, if it does */
  async #answer(said: Said): Promise<string | undefined> {
    this.#hear(said)
    const outcome = await this.#outcome(said)
    this.#counts.commands += 1
    this.#state = outcome.next ?? withoutRename(this.#state)
    if (this.#state.state === 'login') this.#log = this.connection.log
    if (outcome.parameters !== undefined) this.#parameters = { ...this.#parameters, ...outcome.parameters }
    // Told that it has to end in the middle of a transfer, the session says that instead of how the transfer ended.
    if (this.connection.signal.aborted) return undefined
    if (outcome.secures !== undefined) return this.#secure(outcome.reply, outcome.secures)
    await this.say(outcome.reply)
    if (badCodes.includes(outcome.reply.code)) this.#badCommands += 1
    // Who may not try again hears first that this was wrong, too.
    if (outcome.ends === 'bad-logins') await this.say(replies.tooManyLogins)
    if (outcome.ends !== undefined) return outcome.ends
    this.#withoutLogin = this.#state.state === 'login' ? this.#withoutLogin + 1 : 0
    if (this.#withoutLogin > this.context.limits.commandsBeforeLogin) {
      this.#limitReached('commandsBeforeLogin', this.context.limits.commandsBeforeLogin)
      await this.say(replies.tooManyBeforeLogin)
      return 'too-many-before-login'
    }
    if (this.#badCommands < this.context.limits.badCommands) return undefined
    this.#limitReached('badCommands', this.context.limits.badCommands)
    await this.say(replies.tooManyBad)
    return 'bad-commands'
  }

  /** What came behind AUTH in clear is dropped with the reader, and all that was said before it. @returns why the session ends */
  async #secure(reply: Reply, protection: Protection): Promise<'no-tls' | undefined> {
    const { connection } = this
    // All in this turn: what comes from now on is part of the handshake.
    this.#reader.close()
    this.#tell(reply)
    connection.stream.write(`${render(reply)}\r\n`)
    try {
      await connection.startTls()
    } catch (error) {
      if (error instanceof HandshakeError) return 'no-tls'
      throw error
    }
    this.#frame.moveTo(socketOf(connection))
    this.#reader = this.#read()
    this.data.close()
    this.#state = { state: 'login', user: null }
    this.#log = connection.log
    this.#parameters = { ...initialParameters(this.context), protection }
    return undefined
  }

  async #encryptData(socket: Socket): Promise<Socket> {
    if (this.#parameters.protection === 'clear') return socket
    try {
      const { stream, resumed } = await this.connection.secureOther(socket)
      if (resumed || this.context.dataTls === 'any') return stream
      // Ended by the rules of TLS: a client that sees it cut (Python's ftplib) never reads the reply that tells why.
      await endedWell(stream)
    } catch (error) {
      throw error instanceof HandshakeError ? new DataTlsError('handshake', { cause: error }) : error
    }
    journal.dataNotResumed(this.#log)
    throw new DataTlsError('not-resumed')
  }

  /** Finds the command's row, and carries it out through the frame's dispatcher. */
  async #outcome(said: Said): Promise<Outcome> {
    if (said.kind === 'too-long') {
      this.#limitReached('commandLine', this.context.limits.commandLineOctets)
      return { reply: replies.tooLong(this.context.limits.commandLineOctets) }
    }
    const { name, argument } = said.command
    const row = commandOf(name)
    if (row === undefined) {
      return { reply: notOffered.includes(name) ? replies.notOffered(name) : replies.unknown }
    }
    const text = argument === null ? null : this.names.decode(argument)
    if (text === undefined) {
      return { reply: replies.badArgument(row.syntax, `Names are ${this.names.title}`) }
    }
    if (!row.states.includes('transferring')) await this.#behind
    let outcome: Outcome = { reply: replies.unforeseen }
    await this.#frame.dispatch(row.name, async () => {
      outcome = await this.#execute(row, text)
    })
    return outcome
  }

  #limitReached(limit: LimitName, value: number): void {
    journal.limitReached(this.#log, limit, value)
    this.connection.overLimit(limit)
  }

  async #execute(row: Command, text: string | null): Promise<Outcome> {
    try {
      return await row.execute(this.#state, text, this)
    } catch (error) {
      return { reply: this.#replyTo(error, row) }
    } finally {
      if (row.transfers) this.#spent()
    }
  }

  /** What was prepared for a transfer is used up by it, and also by one that did not begin. */
  #spent(): void {
    this.data.close()
    this.#parameters = { ...this.#parameters, restart: 0, told: null }
  }

  #replyTo(error: unknown, row: Command): Reply {
    if (!(error instanceof FileError)) {
      journal.failed(this.#log, row.name, error)
      return replies.unforeseen
    }
    this.#storeRefused(row.name, error)
    return refusals[error.code]
  }

  /** What the operator may have to look after is told. */
  #storeRefused(doing: string, error: FileError): void {
    if (fileErrors[error.code] === 'temporary') journal.storeFailed(this.#log, doing, error.code, error)
  }

  /** Notes a line of the client. */
  #hear(said: Said): void {
    if (this.connection.transcript === null || this.#heard?.has(said)) return
    this.#heard ??= new WeakSet()
    this.#heard.add(said)
    const telling = said.kind === 'command' ? commandOf(said.command.name)?.tells(said.command.argument) : undefined
    this.connection.transcript.client(said.line, telling ?? 'unknown')
  }

  /** Notes a reply. */
  #tell(reply: Reply): void {
    this.connection.transcript?.server(`${render(reply)}\r\n`)
  }

  async say(reply: Reply): Promise<void> {
    this.#tell(reply)
    await this.#frame.reply(reply.code, render(reply), this.names)
  }

  async loggedIn(account: string): Promise<void> {
    await this.#frame.login(account)
    this.connection.loggedIn()
    this.#log = this.connection.log.with({ account })
  }

  badLogin(): boolean {
    this.#badLogins += 1
    if (this.#badLogins < this.context.limits.badLogins) return false
    this.#limitReached('badLogins', this.context.limits.badLogins)
    return true
  }

  status(): readonly string[] {
    return statusLines(this.connection, this.#state, this.#parameters)
  }

  get #running(): RunningTransfer | null {
    return this.#state.state === 'transferring' ? this.#state.running : null
  }

  async transfer(plan: TransferPlan): Promise<Outcome> {
    const before = this.#state
    if (before.state === 'login' || before.state === 'transferring') throw new Error('a transfer out of turn')
    const { account, guest, files, folder } = before
    const running = new RunningTransfer(plan, account, this.context, {
      onProgress: (octets) => this.#progress(plan, octets),
      isLost: () => this.#isLost(),
    })
    let end: TransferEnd | null = null
    try {
      if (running.tooMany !== null) return this.#tooMany(running.tooMany)
      const inClear = this.#parameters.protection === 'clear'
      if (inClear && this.context.requireTls === 'always') return { reply: replies.dataNeedsTls }
      this.#state = { state: 'transferring', running, account, guest, files, folder }
      if (this.connection.signal.aborted) running.abort('ended')
      // It may have come in one packet with the command.
      if (this.#reader.waits('ABOR')) running.abort('client')
      // So may the end of the commands: the upload would count for nothing, whatever comes of it.
      else if (plan.direction === 'upload' && this.#isLost()) running.abort('lost')
      end = await running.run(this.data, (reply) => this.say(reply))
      this.#record(running, end)
      return { reply: end.reply }
    } finally {
      this.#state = before
      const released = running.release(end)
      // Who says ABOR is answered at once, whatever the disk does; what follows has to wait.
      if (end?.why === 'client') this.#behind = released.catch((error: unknown) => journal.failed(this.#log, 'ABOR', error))
      else await released
    }
  }

  #tooMany(most: number): Outcome {
    journal.limitReached(this.#log, 'transfers', most)
    return { reply: replies.tooManyTransfers }
  }

  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    // ABOR may have come in one packet with the command.
    return this.#work.run(work, this.connection.signal.aborted || this.#reader.waits('ABOR'))
  }

  #progress({ direction }: TransferPlan, octets: number): void {
    this.#counts[direction === 'upload' ? 'octetsIn' : 'octetsOut'] += octets
    this.connection.touch()
  }

  #record({ plan, octets }: RunningTransfer, end: TransferEnd): void {
    const { direction } = plan
    if (end.refused !== null) this.#storeRefused(direction, end.refused)
    if (direction !== 'list') this.#counts[direction === 'upload' ? 'uploads' : 'downloads'] += 1
    const { type, protection } = this.#parameters
    recordTransfer(this.context, this.connection, this.#log, {
      ...{ plan, octets, end, type, data: this.data.last },
      account: this.#state.state === 'login' ? '*' : this.#state.account,
      guest: this.#state.state === 'login' ? null : this.#state.guest,
      secure: protection === 'private',
    })
  }

  /** Shown each command as it arrives: those whose rows allow it act during a transfer. @returns whether it has been dealt with */
  #arrived(said: SaidCommand): boolean {
    const { name, argument } = said.command
    const running = this.#running
    if ((running === null && !this.#work.underWay) || commandOf(name)?.states.includes('transferring') !== true) return false
    if (name === 'ABOR') {
      // It takes effect now, also before others that wait; its own reply comes in its turn, behind the transfer's.
      for (const waiting of this.#reader.waiting) this.#hear(waiting)
      this.#hear(said)
      running?.abort('client')
      this.#work.abort()
    }
    if (name !== 'STAT' || (argument !== null && argument.length > 0) || !this.#reader.empty) return false
    this.#counts.commands += 1
    this.#hear(said)
    this.#aside = this.#aside.then(() => this.say(replies.status(this.status())))
    return true
  }

  /** The client sends no more commands. Who did not say QUIT behind an upload is gone, and its last octets may be missing. */
  #noMoreComes(): void {
    if (this.#isLost()) this.#work.abort()
    if (this.#running?.plan.direction === 'upload' && this.#isLost()) this.#running.abort('lost')
  }

  #isLost(): boolean {
    return this.#reader.ended && !this.#reader.waits('QUIT')
  }
}

/** Takes over one client. The stream is a socket: nothing else has addresses that data connections can use. */
export const runSession = (context: SessionContext, connection: Connection, socket: Socket, frame: Frame): Promise<void> =>
  new Session(context, connection, frame, plainAddress(socket.localAddress ?? connection.local.address)).run()
