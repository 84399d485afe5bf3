/** SMTP as the child runs it. */
import { join } from 'node:path'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import type { Context, Server, Service } from '../../shared/service.ts'
import { Conversation } from './conversation.ts'
import { Engine } from './engine.ts'
import type { SmtpOptions } from './options.ts'
import { refusals, render } from './replies.ts'

/** Opens the store that messages go to. */
export type OpenStore = (context: Context<SmtpOptions>) => MailStore | Promise<MailStore>

const mailbox: OpenStore = ({ settings }) => openMailStore({ file: join(settings.data, 'mail.db') })

/** A server that delivers into the store that `open` gives it. */
export const smtpServer = (context: Context<SmtpOptions>, open: OpenStore = mailbox): Server => {
  const { settings, options, service, requireTls, tls, desk, journal } = context
  const engine = new Engine(settings.hostname, options.commandLine, () => journal.settle())
  let store: MailStore | null = null
  return {
    start: async () => {
      store = await open(context)
    },
    serve: (connection) => {
      if (store === null) throw new Error('serve before start')
      const situation = { connection, log: connection.log, service, options, settings, requireTls, tls, desk, store }
      return engine.converse(connection, (link) => new Conversation(link, situation)).over
    },
    refuse: (refusal) => render(refusals[refusal]),
    stop: async () => {
      await store?.close()
      store = null
    },
  }
}

export const service: Service<SmtpOptions> = { protocol: 'smtp', create: (context) => smtpServer(context) }
