import { housekeeping } from '../../shared/mail/keeping/housekeeper.ts'
import { mailFile } from '../../shared/mail/mail-files.ts'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import type { Connection, Context, Refusal, Server, Service } from '../../shared/service.ts'
import { Conversation } from './conversation.ts'
import type { Pop3Options } from './options.ts'
import { refusals, statusLine } from './replies.ts'

/** The POP3 server of one child. `start` opens the store, `stop` closes it. */
export class Pop3Server implements Server {
  readonly #context: Context<Pop3Options>
  readonly #openStore: () => Promise<MailStore>
  #store: MailStore | null = null

  /** @param openStore called once, by `start` */
  constructor(context: Context<Pop3Options>, openStore: () => Promise<MailStore>) {
    this.#context = context
    this.#openStore = openStore
  }

  async start(): Promise<void> {
    this.#store = await this.#openStore()
  }

  serve(connection: Connection): Promise<void> {
    if (this.#store === null) throw new Error('serve before start')
    return new Conversation(connection, this.#context, this.#store).run()
  }

  refuse(refusal: Refusal): string {
    return statusLine(refusals[refusal])
  }

  async stop(): Promise<void> {
    await this.#store?.close()
    this.#store = null
  }
}

const openStore = ({ settings, log }: Context<Pop3Options>): Promise<MailStore> =>
  openMailStore({ file: mailFile(settings.data), create: false, keeping: housekeeping(settings, log) })

export const service: Service<Pop3Options> = {
  protocol: 'pop3',
  create: (context) => new Pop3Server(context, () => openStore(context)),
}
