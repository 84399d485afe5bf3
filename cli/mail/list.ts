/** `havre mail list`: a line for each message of a mailbox. */
import process from 'node:process'
import { Command } from 'commander'
import { escapeControls } from '../../shared/log/render.ts'
import { fieldOf, headerFields } from '../../shared/mail/header.ts'
import type { StoredMessage } from '../../shared/mail/mail-store.ts'
import { amount, count, counted } from '../amounts.ts'
import { type ConfigurationOptions, withConfigurationOptions } from '../configuration-options.ts'
import { type Mailbox, summary, withMailbox } from './mailbox.ts'
import { codes, print, quoted } from './printing.ts'
import { wholeNumber } from './whole-number.ts'

interface ListOptions extends ConfigurationOptions {
  readonly json?: true
  readonly limit?: number
  readonly newest?: true
}

/** The subcommand. */
export const listCommand = (): Command =>
  withConfigurationOptions(
    new Command('list')
      .description('list the messages of an account, oldest first: id, date, sender, subject, octets')
      .argument('<account>', 'alice, or alice@havre.test')
      .option('-n, --limit <count>', 'only so many', wholeNumber)
      .option('--newest', 'the newest first')
      .option('--json', 'print them as JSON, subjects in full')
      .addHelpText(
        'after',
        `
The date is when the message arrived (UTC), the sender that of the envelope. Flags, where messages have some, are the letters that
Maildir has: S seen, R replied, F flagged, P passed on, D draft, T trashed. On a terminal a last line tells the total.

Examples:
  $ havre mail list alice
  $ havre mail list alice --newest --limit 10
  $ havre mail list alice --set data=/srv/havre
  $ havre mail list alice --json | jq -r '.messages[].subject'

${codes}`,
      )
      .action(list),
  )

const list = (name: string, options: ListOptions): Promise<void> =>
  withMailbox(name, options, async (mailbox) => {
    const { account, messages: all } = mailbox
    const messages = (options.newest === true ? all.toReversed() : all).slice(0, options.limit)
    const rows = withSubjects(mailbox, messages)
    if (options.json === true) return listJson(account, rows)
    if (all.length === 0) return console.error(`${account} has no mail.`)
    const row = rowFor(messages)
    await print(row('ID', 'DATE', 'SENDER', 'SUBJECT', 'OCTETS', 'FLAGS'))
    for await (const { message, subject } of rows) {
      const { id, date, sender, octets, flags } = summary(message)
      await print(row(id, minute(date), sender === '' ? '<>' : sender, subject ?? '', String(octets), flags))
    }
    if (process.stdout.isTTY) await print(`${totalOf(messages, all)}\n`)
  })

interface ListedMessage {
  readonly message: StoredMessage
  readonly subject: string | null
}

/** Piece by piece: a large mailbox as one text would take as much memory as all its subjects. */
const listJson = async (account: string, rows: AsyncIterable<ListedMessage>): Promise<void> => {
  let before = `{"account":${quoted(account)},"messages":[`
  for await (const { message, subject } of rows) {
    await print(`${before}${quoted({ ...summary(message), subject })}`)
    before = ','
  }
  await print(`${before === ',' ? '' : before}]}\n`)
}

/** `10 of 1,234 messages, 48 MB in all`. */
const totalOf = (shown: readonly StoredMessage[], all: readonly StoredMessage[]): string => {
  const octets = all.reduce((sum, message) => sum + message.octets, 0)
  const some = shown.length < all.length ? `${count(shown.length)} of ` : ''
  return `${some}${counted(all.length, 'message')}, ${amount(octets)}${some === '' ? '' : ' in all'}`
}

/** A date as the rows have it. */
export const minute = (date: string): string => `${date.slice(0, 16).replace('T', ' ')}Z`

/** Null when there is none, or when the message is damaged, or gone by now. */
async function* withSubjects({ account, store }: Mailbox, messages: readonly StoredMessage[]): AsyncGenerator<ListedMessage> {
  for await (const { message, octets } of store?.heads(account, messages) ?? [])
    yield { message, subject: octets === null ? null : fieldOf(headerFields(octets), 'subject') }
}

/** Lays a row out: the subject takes the room that is left on the terminal. */
export const rowFor = (messages: readonly StoredMessage[]) => {
  const widest = (values: readonly string[], most: number) =>
    Math.min(
      most,
      values.reduce((width, { length }) => Math.max(width, length), 6),
    )
  const ids = widest([messages.at(0)?.id ?? '', messages.at(-1)?.id ?? ''], 20)
  const senders = widest(
    messages.map(({ sender }) => sender),
    32,
  )
  const sizes = widest([String(messages.reduce((most, { octets }) => Math.max(most, octets), 0))], 20)
  const isFlagged = messages.some(({ flags }) => flags !== '')
  const subjects = Math.max(20, (process.stdout.columns ?? 120) - ids - 17 - senders - sizes - (isFlagged ? 16 : 8))
  return (id: string, date: string, sender: string, subject: string, octets: string, flags: string): string => {
    const cells = [id.padStart(ids), date.padEnd(17), fitted(sender, senders), fitted(subject, subjects), octets.padStart(sizes)]
    return `${[...cells, ...(isFlagged ? [flags] : [])].join('  ').trimEnd()}\n`
  }
}

/** Exactly so many characters, none of which drives the terminal. */
const fitted = (text: string, width: number): string => {
  const characters = [...escapeControls(text)]
  if (characters.length > width) return `${characters.slice(0, width - 1).join('')}…`
  return characters.join('') + ' '.repeat(width - characters.length)
}
