/** The mailbox of an account as the subcommands of `havre mail` see it, without taking it. */
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { Readable } from 'node:stream'
import { AccountStoreError } from '../../shared/accounts/account-store.ts'
import { createLocalDomains } from '../../shared/accounts/local-domains.ts'
import { loginAccountName } from '../../shared/accounts/name.ts'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import type { Settings } from '../../shared/config/settings.ts'
import { type HeaderField, headerFields } from '../../shared/mail/header.ts'
import type { MailStore, StoredMessage } from '../../shared/mail/mail-store.ts'
import { openMailStore, type SqliteMailStoreOptions } from '../../shared/mail/sqlite-mail-store.ts'
import { exitCodes, PermanentError } from '../../shared/service.ts'
import { type ConfigurationOptions, configurationFrom } from '../configuration-options.ts'
import { giveUpRoot } from '../give-up-root.ts'
import { quoted } from './printing.ts'

/** A mailbox as the command sees it. */
export interface Mailbox {
  readonly account: string
  readonly settings: Settings
  /** Null where no mail ever was, and none is to be made. */
  readonly store: MailStore | null
  readonly messages: readonly StoredMessage[]
  read(message: StoredMessage): AsyncIterable<Buffer>
}

/** What the store itself knows of a message. */
export const summary = ({ id, uidl, receivedAt, sender, octets, flags }: StoredMessage) => ({
  id,
  uidl,
  date: receivedAt.toISOString(),
  sender,
  octets,
  flags,
})

/** From the first chunk alone, which is enough for any header but a monstrous one. */
export const headersOf = async (mailbox: Mailbox, message: StoredMessage): Promise<HeaderField[]> => {
  for await (const chunk of mailbox.read(message)) return headerFields(chunk)
  return []
}

/** Opens the mailbox of an account that is there, or was once and left mail, and closes it again. */
export const withMailbox = async (
  name: string,
  options: ConfigurationOptions,
  work: (mailbox: Mailbox) => Promise<void>,
  /** `create`: the store is made when there is none. */
  { create = false } = {},
): Promise<void> => {
  const { settings } = await configurationFrom(options)
  const account = loginAccountName(name, createLocalDomains(settings.domains))
  giveUpRoot(settings)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read has seen enough: `havre mail list alice | head`.
    process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.temporary)
  })
  const file = join(settings.data, 'mail.db')
  const { quota } = settings.mail
  let store = await openIfThere({ file, quota })
  try {
    const messages = account === null ? [] : ((await store?.list(account)) ?? [])
    if (account === null || (messages.length === 0 && !(await isAccount(settings, account))))
      throw new PermanentError(`there is no account ${quoted(name)}; \`havre account list\` shows those that are there`)
    if (create) store ??= await openMailStore({ file, quota })
    await work({ account, settings, store, messages, read: ({ id }) => store?.read(account, id) ?? Readable.from([]) })
  } finally {
    await store?.close()
  }
}

/** Null where no mail ever was; nothing is made then. */
const openIfThere = async (options: SqliteMailStoreOptions): Promise<MailStore | null> => {
  const { file } = options
  try {
    accessSync(file, constants.R_OK | constants.W_OK)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT') return null
    if (code !== 'EACCES' && code !== 'EROFS') throw error
    const advice = 'Does it belong to another user? Run this as that user, or as root'
    throw new PermanentError(`${file} may not be read and written. ${advice}`, { cause: error })
  }
  return openMailStore(options)
}

const isAccount = async ({ data }: Settings, account: string): Promise<boolean> => {
  try {
    const accounts = await openAccountStore(join(data, 'accounts.db'), { create: false })
    try {
      return (await accounts.find(account)) !== null
    } finally {
      await accounts.close()
    }
  } catch (error) {
    if (error instanceof AccountStoreError && error.code === 'absent') return false
    throw error
  }
}
