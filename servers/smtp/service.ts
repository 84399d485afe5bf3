/** SMTP as the child runs it. */
import { housekeeping } from '../../shared/mail/keeping/housekeeper.ts'
import { mailFile } from '../../shared/mail/mail-files.ts'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import type { Context, Server, Service } from '../../shared/service.ts'
import { Conversation } from './conversation.ts'
import { Engine } from './engine.ts'
import type { SmtpOptions } from './options.ts'
import { refusals, render } from './replies.ts'
import { Room } from './room.ts'

/** Opens the store that messages go to. */
export type OpenStore = (context: Context<SmtpOptions>) => MailStore | Promise<MailStore>

const mailbox: OpenStore = ({ settings, log }) =>
  openMailStore({ file: mailFile(settings.data), create: false, quota: settings.mail.quota, keeping: housekeeping(settings, log) })

/** A server that delivers into the store that `open` gives it. */
export const smtpServer = (context: Context<SmtpOptions>, open: OpenStore = mailbox): Server => {
  const { settings, options, service, requireTls, tls, desk, journal } = context
  const engine = new Engine(settings.hostname, options.commandLine, () => journal.settle())
  let opened: { readonly store: MailStore; readonly room: Room } | null = null
  return {
    start: async () => {
      const store = await open(context)
      opened = { store, room: new Room(store, settings.mail.quota) }
    },
    serve: (connection) => {
      if (opened === null) throw new Error('serve before start')
      const situation = { connection, log: connection.log, service, options, settings, requireTls, tls, desk, ...opened }
      return engine.converse(connection, (link) => new Conversation(link, situation)).over
    },
    refuse: (refusal) => render(refusals[refusal]),
    stop: async () => {
      await opened?.store.close()
      opened = null
    },
  }
}

export const service: Service<SmtpOptions> = { protocol: 'smtp', create: (context) => smtpServer(context) }
