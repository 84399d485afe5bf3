import { join } from 'node:path'
import { openFileStore } from '../../shared/files/disk-file-store.ts'
import { FileError, type FileStore } from '../../shared/files/file-store.ts'
import { type Context, PermanentError, type Refusal, type Server, type Service } from '../../shared/service.ts'
import { commandNames } from './commands.ts'
import { Engine } from './engine.ts'
import * as journal from './journal.ts'
import type { FtpOptions } from './options.ts'
import { PassivePorts } from './passive-ports.ts'
import { render, replies, turnedAway } from './replies.ts'
import { runSession, socketOf } from './session.ts'
import type { SessionContext } from './session-state.ts'

/** How often is looked for what dead uploads left behind. */
const sweepEveryMs = 24 * 60 * 60 * 1000

/** FTP with the accounts' homes, `data/files/<account>`. */
export const service: Service<FtpOptions> = {
  protocol: 'ftp',
  create: (context) => new FtpServer(context),
}

class FtpServer implements Server {
  /** So that a data connection that resumes a session proves to come from the same client (RFC 4217 §10). */
  readonly ownTickets = true
  readonly #context: Context<FtpOptions>
  readonly #session: SessionContext
  readonly #homes: ReturnType<typeof openFileStore>
  readonly #stopping = new AbortController()
  #engine: Engine | null = null
  #sweeping: Promise<void> = Promise.resolve()
  #nextSweep: NodeJS.Timeout | null = null

  constructor(context: Context<FtpOptions>) {
    this.#context = context
    const { options, settings, desk } = context
    const folder = join(settings.data, 'files')
    const sync = settings.files.sync === 'always' ? (path: string) => desk.sync(path) : null
    this.#homes = openFileStore({ root: folder, sync })
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
      ports: new PassivePorts(options.passive.ports),
      passiveAddress: options.passive.address,
      requireTls: context.requireTls,
      tls: context.tls,
      dataTls: options.dataTls,
      transferLog: context.journal.lines('transfer'),
      journal: context.journal,
      home: (account) => this.#home(account, folder, sync),
    }
  }

  async start(): Promise<void> {
    this.#engine = new Engine(replies.greeting(this.#context.settings.hostname).lines[0] ?? '', commandNames)
    try {
      await this.#homes.stat('/')
    } catch (error) {
      throw new PermanentError(`the folder of the homes cannot be opened (${join(this.#context.settings.data, 'files')})`, {
        cause: error,
      })
    }
    this.#sweep()
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
    this.#stopping.abort()
    if (this.#nextSweep !== null) clearTimeout(this.#nextSweep)
    this.#engine?.close()
    await this.#sweeping
  }

  async #home(account: string, folder: string, sync: ((path: string) => Promise<void>) | null): Promise<FileStore> {
    try {
      await this.#homes.makeFolder(`/${account}`)
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== 'exists') throw error
    }
    const home = openFileStore({ root: join(folder, account), sync })
    if ((await home.stat('/')).kind !== 'folder') throw new FileError('not-folder', 'the home is not a folder')
    return home
  }

  #sweep(): void {
    const { signal } = this.#stopping
    const { log } = this.#context
    const swept = this.#homes.sweep({ signal }).then(
      (files) => files > 0 && journal.swept(log, files),
      (error: unknown) => journal.sweepFailed(log, error),
    )
    this.#sweeping = swept.then(() => {
      if (!signal.aborted) this.#nextSweep = setTimeout(() => this.#sweep(), sweepEveryMs).unref()
    })
  }
}
