/** `havre mail show`: one message, as people read it or as it came. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import type { HeaderField } from '../../shared/mail/header.ts'
import type { StoredMessage } from '../../shared/mail/mail-store.ts'
import { type MessageParts, readParts } from '../../shared/mail/message-parts.ts'
import { PermanentError } from '../../shared/service.ts'
import { amount } from '../amounts.ts'
import { type ConfigurationOptions, withConfigurationOptions } from '../configuration-options.ts'
import { explained } from './file-errors.ts'
import { headersOf, type Mailbox, summary, withMailbox } from './mailbox.ts'
import { codes, print, printable, printJson, quoted } from './printing.ts'
import { savingInto } from './saving.ts'

interface ShowOptions extends ConfigurationOptions {
  readonly json?: true
  readonly raw?: true
  readonly save?: string
}

/** The subcommand. */
export const showCommand = (): Command =>
  withConfigurationOptions(
    new Command('show')
      .description('show a message: header, text and a list of what is attached')
      .argument('<account>', 'alice, or alice@havre.test')
      .argument('<id>', 'as `havre mail list` prints it')
      .option('--raw', 'the message itself, octet for octet')
      .option('--save <folder>', 'write what is attached into files there, and list them')
      .option('--json', 'print it as JSON')
      .addHelpText(
        'after',
        `
Files that are saved have safe names (no path, no control characters, no device of Windows), and numbers where two have one name;
nothing is overwritten. Pictures within a text and messages within a message are attachments too.

Examples:
  $ havre mail show alice 1
  $ havre mail show alice 1 --raw > message.eml
  $ havre mail show alice 1 --save ./attachments
  $ havre mail show alice 1 --json | jq -r .text

${codes}`,
      )
      .action(show),
  )

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
    if (options.save !== undefined) return save(mailbox, message, resolve(options.save), options)
    const headers = await headersOf(mailbox, message)
    const parts = await readParts(mailbox.read(message))
    if (options.json === true) await printJson({ account: mailbox.account, ...summary(message), ...parts, headers })
    else await print(messageText(message, headers, parts))
  })

const save = (mailbox: Mailbox, message: StoredMessage, folder: string, { json }: ShowOptions): Promise<void> =>
  explained(folder, async () => {
    const { saved, save } = await savingInto(folder)
    const { incomplete } = await readParts(mailbox.read(message), save)
    if (json === true) return printJson({ account: mailbox.account, id: message.id, saved, incomplete })
    if (incomplete === 'structure') console.error(notes.structure)
    if (saved.length === 0) return console.error(`nothing is attached to message ${message.id}`)
    for (const { path, contentType, octets } of saved)
      await print(`${printable(path)}  ${printable(contentType)}  ${octets} octets\n`)
  })

/** What to say of a message that is not shown whole. */
const notes = {
  'text-cut': '(The text goes on; --raw prints all of it.)',
  html: '(The HTML of this message is out of the ordinary: this is its bare text.)',
  structure: '(This message cannot be taken apart, as it has too many parts or too large headers: --raw prints all of it.)',
} as const

const messageText = (message: StoredMessage, headers: readonly HeaderField[], parts: MessageParts): string => {
  const { id, date, sender, octets, flags } = summary(message)
  const attached = parts.attachments.map(
    ({ filename, contentType, octets }) => `  ${filename ?? '(without a name)'}, ${contentType}, ${octets} octets`,
  )
  const total = parts.attachments.reduce((sum, part) => sum + part.octets, 0)
  const title = attached.length < 2 ? `${attached.length} attached:` : `${attached.length} attached, ${amount(total)}:`
  const lines = [
    `Message ${id}, received ${date} from <${sender}>, ${octets} octets${flags === '' ? '' : `, flags ${flags}`}`,
    '',
    ...headers.map(({ name, value }) => `${name}: ${value}`),
    '',
    ...(parts.text ?? '').trimEnd().split(/\r\n|\r|\n/),
    ...(parts.incomplete === null ? [] : ['', notes[parts.incomplete]]),
    ...(attached.length === 0 ? [] : ['', title, ...attached]),
  ]
  return `${lines.map(printable).join('\n')}\n`
}
