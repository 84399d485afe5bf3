/** `havre mail`: what is in a mailbox, whether Havre runs or not. */
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { Readable } from 'node:stream'
import { Command } from 'commander'
import { AccountStoreError } from '../shared/accounts/account-store.ts'
import { createLocalDomains } from '../shared/accounts/local-domains.ts'
import { loginAccountName } from '../shared/accounts/name.ts'
import { openAccountStore } from '../shared/accounts/sqlite-account-store.ts'
import type { Settings } from '../shared/config/settings.ts'
import { escapeControls } from '../shared/log/render.ts'
import { fieldOf, type HeaderField, headerFields } from '../shared/mail/header.ts'
import { type MailStore, type StoredMessage, StoreError } from '../shared/mail/mail-store.ts'
import { type MessageParts, readParts } from '../shared/mail/message-parts.ts'
import { openMailStore } from '../shared/mail/sqlite-mail-store.ts'
import { exitCodes, PermanentError } from '../shared/service.ts'
import { type ConfigurationOptions, configurationFrom, withConfigurationOptions } from './configuration-options.ts'
import { giveUpRoot } from './give-up-root.ts'

interface ListOptions extends ConfigurationOptions {
  readonly json?: true
}

interface ShowOptions extends ListOptions {
  readonly raw?: true
}

const codes = 'Exit codes: 0 done, 100 no such account or message, 111 try again later.'

/** `havre mail list|show`. */
export const mailCommand = (): Command =>
  new Command('mail')
    .description('the mail of an account: what is there, and what it says')
    .addHelpText(
      'after',
      `
Needs no running Havre, and takes no mailbox: a mail program may be reading it meanwhile.

Examples:
  $ havre mail list alice
  $ havre mail show alice 1
  $ havre mail show alice 1 --raw > message.eml`,
    )
    .addCommand(listCommand())
    .addCommand(showCommand())

const listCommand = (): Command =>
  withConfigurationOptions(
    new Command('list')
      .description('list the messages of an account, oldest first: id, date, sender, subject, octets')
      .argument('<account>', 'alice, or alice@havre.test')
      .option('--json', 'print them as JSON, subjects in full')
      .addHelpText(
        'after',
        `
The date is when the message arrived (UTC), the sender that of the envelope.

Examples:
  $ havre mail list alice
  $ havre mail list alice --set data=/srv/havre
  $ havre mail list alice --json | jq -r '.messages[].subject'

${codes}`,
      )
      .action(list),
  )

const showCommand = (): Command =>
  withConfigurationOptions(
    new Command('show')
      .description('show a message: header, text and a list of what is attached')
      .argument('<account>', 'alice, or alice@havre.test')
      .argument('<id>', 'as `havre mail list` prints it')
      .option('--raw', 'the message itself, octet for octet')
      .option('--json', 'print it as JSON')
      .addHelpText(
        'after',
        `
Examples:
  $ havre mail show alice 1
  $ havre mail show alice 1 --raw > message.eml
  $ havre mail show alice 1 --json | jq -r .text

${codes}`,
      )
      .action(show),
  )

/** A mailbox as the command sees it. */
interface Mailbox {
  readonly account: string
  readonly messages: readonly StoredMessage[]
  read(message: StoredMessage): AsyncIterable<Buffer>
}

const list = (name: string, options: ListOptions): Promise<void> =>
  withMailbox(name, options, async (mailbox) => {
    const { account, messages } = mailbox
    if (options.json === true) {
      const rows: object[] = []
      for (const message of messages) rows.push({ ...summary(message), subject: await subjectOf(mailbox, message) })
      return printJson({ account, messages: rows })
    }
    if (messages.length === 0) return console.error(`${account} has no mail.`)
    const row = rowFor(messages)
    await print(row('ID', 'DATE', 'SENDER', 'SUBJECT', 'OCTETS'))
    for (const message of messages) {
      const { id, date, sender, octets } = summary(message)
      const subject = (await subjectOf(mailbox, message)) ?? ''
      await print(row(id, minute(date), sender === '' ? '<>' : sender, subject, String(octets)))
    }
  })

const show = (name: string, id: string, options: ShowOptions): Promise<void> =>
  withMailbox(name, options, async (mailbox) => {
    const message = mailbox.messages.find((each) => each.id === id)
    if (message === undefined) {
      const advice = `\`havre mail list ${mailbox.account}\` shows those that are there`
      throw new PermanentError(`there is no message ${quoted(id)} in the mailbox of ${mailbox.account}; ${advice}`)
    }
    if (options.raw === true) {
      for await (const chunk of mailbox.read(message)) await print(chunk)
      return
    }
    const headers = await headersOf(mailbox, message)
    const parts = await readParts(mailbox.read(message))
    if (options.json === true) await printJson({ account: mailbox.account, ...summary(message), ...parts, headers })
    else await print(messageText(message, headers, parts))
  })

/** What the store itself knows of a message. */
const summary = ({ id, uidl, receivedAt, sender, octets }: StoredMessage) => ({
  id,
  uidl,
  date: receivedAt.toISOString(),
  sender,
  octets,
})

const minute = (date: string): string => `${date.slice(0, 16).replace('T', ' ')}Z`

/** From the first chunk alone, which is enough for any header but a monstrous one. */
const headersOf = async (mailbox: Mailbox, message: StoredMessage): Promise<HeaderField[]> => {
  for await (const chunk of mailbox.read(message)) return headerFields(chunk)
  return []
}

/** Null when there is none, or when the message is damaged, or gone by now. */
const subjectOf = async (mailbox: Mailbox, message: StoredMessage): Promise<string | null> => {
  try {
    return fieldOf(await headersOf(mailbox, message), 'subject')
  } catch (error) {
    if (error instanceof StoreError && (error.code === 'missing' || error.code === 'damaged')) return null
    throw error
  }
}

/** Lays a row out: the subject takes the room that is left on the terminal. */
const rowFor = (messages: readonly StoredMessage[]) => {
  const widest = (values: readonly string[], most: number) =>
    Math.min(
      most,
      values.reduce((width, { length }) => Math.max(width, length), 6),
    )
  const ids = widest([messages.at(-1)?.id ?? ''], 20)
  const senders = widest(
    messages.map(({ sender }) => sender),
    32,
  )
  const sizes = widest([String(messages.reduce((most, { octets }) => Math.max(most, octets), 0))], 20)
  const subjects = Math.max(20, (process.stdout.columns ?? 120) - ids - 17 - senders - sizes - 8)
  return (id: string, date: string, sender: string, subject: string, octets: string): string =>
    `${[id.padStart(ids), date.padEnd(17), fitted(sender, senders), fitted(subject, subjects), octets.padStart(sizes)].join('  ')}\n`
}

/** Exactly so many characters, none of which drives the terminal. */
const fitted = (text: string, width: number): string => {
  const characters = [...escapeControls(text)]
  if (characters.length > width) return `${characters.slice(0, width - 1).join('')}…`
  return characters.join('') + ' '.repeat(width - characters.length)
}

const messageText = (message: StoredMessage, headers: readonly HeaderField[], parts: MessageParts): string => {
  const { id, date, sender, octets } = summary(message)
  const attached = parts.attachments.map(
    ({ filename, contentType, octets }) => `  ${filename ?? '(without a name)'}, ${contentType}, ${octets} octets`,
  )
  const lines = [
    `Message ${id}, received ${date} from <${sender}>, ${octets} octets`,
    '',
    ...headers.map(({ name, value }) => `${name}: ${value}`),
    '',
    ...(parts.text ?? '').trimEnd().split(/\r\n|\r|\n/),
    ...(attached.length === 0 ? [] : ['', `${attached.length} attached:`, ...attached]),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

/** A line that cannot drive the terminal; tabs stay. */
const printable = (line: string): string => line.split('\t').map(escapeControls).join('\t')

/** As JSON, which itself escapes C0 only. */
const quoted = (value: string | object): string => escapeControls(JSON.stringify(value))

const printJson = (value: object): Promise<void> => print(`${quoted(value)}\n`)

const print = async (data: string | Buffer): Promise<void> => {
  if (!process.stdout.write(data)) await once(process.stdout, 'drain')
}

/** Opens the mailbox of an account that is there, or was once and left mail, and closes it again. */
const withMailbox = async (
  name: string,
  options: ConfigurationOptions,
  work: (mailbox: Mailbox) => Promise<void>,
): Promise<void> => {
  const { settings } = await configurationFrom(options)
  const account = loginAccountName(name, createLocalDomains(settings.domains))
  giveUpRoot(settings)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read has seen enough: `havre mail list alice | head`.
    process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.temporary)
  })
  const store = await openIfThere(join(settings.data, 'mail.db'))
  try {
    const messages = account === null ? [] : ((await store?.list(account)) ?? [])
    if (account === null || (messages.length === 0 && !(await isAccount(settings, account))))
      throw new PermanentError(`there is no account ${quoted(name)}; \`havre account list\` shows those that are there`)
    await work({ account, messages, read: ({ id }) => store?.read(account, id) ?? Readable.from([]) })
  } finally {
    await store?.close()
  }
}

/** Null where no mail ever was; nothing is made then. */
const openIfThere = async (file: string): Promise<MailStore | null> => {
  try {
    accessSync(file, constants.R_OK | constants.W_OK)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT') return null
    if (code !== 'EACCES' && code !== 'EROFS') throw error
    const advice = 'Does it belong to another user? Run this as that user, or as root'
    throw new PermanentError(`${file} may not be read and written. ${advice}`, { cause: error })
  }
  return openMailStore({ file })
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
