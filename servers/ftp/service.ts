import { join } from 'node:path'
import { idleClock } from '../../shared/clock.ts'
import { accountFiles } from '../../shared/config/account-files.ts'
import { AccountTransfers } from '../../shared/files/account-transfers.ts'
import { openFileStore } from '../../shared/files/disk-file-store.ts'
import type { FileStore } from '../../shared/files/file-store.ts'
import { Homes } from '../../shared/files/homes.ts'
import { Sweeper } from '../../shared/files/sweeper.ts'
import { type Context, PermanentError, type Refusal, type Server, type Service } from '../../shared/service.ts'
import { commandNames } from './commands.ts'
import { socketOf } from './control-socket.ts'
import { Engine } from './engine.ts'
import type { FtpOptions } from './options.ts'
import { PassivePorts } from './passive-ports.ts'
import { render, replies, turnedAway } from './replies.ts'
import { runSession } from './session.ts'
import type { SessionContext } from './session-state.ts'
import { UploadsUnderWay } from './uploads-under-way.ts'

/** So long PASV waits for a port where all are in use: one is free again as soon as its client has come. */
const mostPortWaitMs = 3_000

/** FTP with the accounts' homes, `data/files/<account>`. */
export const service: Service<FtpOptions> = {
  protocol: 'ftp',
  create: (context) => new FtpServer(context),
}

class FtpServer implements Server {
  /** So that a data connection that resumes a session proves to come from the same client (RFC 4217 §10). */
  readonly ownTickets = true
  /**
   * What TLS 1.3 sends behind the handshake, tickets, and that each is good once, do not suit data connections. A client that only uploads
   * (ftp-ssl, lftp, Net::FTP) never reads its ticket: when it closes, its system resets the connection, and octets that it had sent are lost.
   * A client that gets no ticket there (curl, PHP) has none for its next data connection.
   */
  readonly prefersOlderTls = true
  readonly #context: Context<FtpOptions>
  readonly #session: SessionContext
  readonly #homes: Homes
  readonly #sweeper: Sweeper
  /** What guests may read. */
  readonly #guests: FileStore | null
  #engine: Engine | null = null

  constructor(context: Context<FtpOptions>) {
    this.#context = context
    const { options, settings, desk } = context
    const folder = join(settings.data, 'files')
    // Whether or not a service of HTTP looks at files before it changes them: one may begin to while sessions of this one go on.
    this.#homes = new Homes(
      folder,
      settings.files,
      (path) => desk.sync(path),
      (file) => desk.turn(file),
    )
    this.#sweeper = new Sweeper(this.#homes, context.log)
    const { anonymous } = options
    this.#guests = anonymous === null ? null : openFileStore({ root: anonymous, sync: null, access: 'read-only' })
    this.#session = {
      service: context.service,
      hostname: settings.hostname,
      limits: {
        commandLineOctets: options.commandLine,
        pipelinedCommands: options.pipelined,
        badCommands: options.badCommands,
        badLogins: options.badLogins,
        commandsBeforeLogin: options.commandsBeforeLogin,
        dataWaitMs: options.dataWait,
      },
      desk,
      ports: new PassivePorts(options.passive.ports, Math.min(mostPortWaitMs, options.dataWait)),
      passiveAddress: options.passive.address,
      requireTls: context.requireTls,
      tls: context.tls,
      dataTls: options.dataTls,
      names: options.names,
      transferLog: context.journal.lines('transfer'),
      transfers: new AccountTransfers((account) => accountFiles(settings.files, account), idleClock),
      uploads: new UploadsUnderWay(),
      guests: this.#guests,
      home: (account) => this.#homes.open(account),
    }
  }

  async start(): Promise<void> {
    const { settings, journal } = this.#context
    // What was done is on record before the client hears of it; what several clients did shares a write.
    this.#engine = new Engine(replies.greeting(settings.hostname).lines[0] ?? '', commandNames, () => journal.settle())
    await this.#engine.rehearse('NOOP')
    try {
      await this.#homes.check()
    } catch (error) {
      throw new PermanentError(`the folder of the homes cannot be opened (${join(settings.data, 'files')})`, {
        cause: error,
      })
    }
    try {
      await this.#guests?.stat('/')
    } catch (error) {
      throw new PermanentError(`the folder of anonymous cannot be opened (${this.#context.options.anonymous})`, { cause: error })
    }
    this.#sweeper.start()
  }

  async serve(connection: Parameters<Server['serve']>[0]): Promise<void> {
    if (this.#engine === null) throw new Error('serve before start')
    const socket = socketOf(connection)
    await runSession(this.#session, connection, socket, this.#engine.open(socket))
  }

  refuse(refusal: Refusal): string {
    return `${render(turnedAway[refusal])}\r\n`
  }

  async stop(): Promise<void> {
    this.#engine?.close()
    await this.#sweeper.stop()
  }
}
