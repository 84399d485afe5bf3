/** `havre mail export`: a mailbox as a folder of other mail programs. */
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { type StoredMessage, StoreError } from '../../shared/mail/mail-store.ts'
import { amount, counted } from '../amounts.ts'
import { withConfigurationOptions } from '../configuration-options.ts'
import { interruptible } from '../interrupt.ts'
import { Progress } from '../progress.ts'
import { explained } from './file-errors.ts'
import { formats, type OutgoingMessage } from './folder.ts'
import { inOrder } from './in-order.ts'
import { type Mailbox, withMailbox } from './mailbox.ts'
import { type ExportOptions, openWriter } from './open-writer.ts'
import { codes, print, printJson, quoted } from './printing.ts'

/** Messages that are read ahead, and up to which size. */
const ahead = { messages: 16, octets: 64 * 1024 } as const

/** The subcommand. */
export const exportCommand = (): Command =>
  withConfigurationOptions(
    new Command('export')
      .description('write the mail of an account into a folder of other mail programs')
      .argument('<account>', 'alice, or alice@havre.test')
      .argument('<path>', 'a folder (maildir) or a file (mbox) that is not there yet, or is empty')
      .addOption(new Option('--format <format>', 'how it is written').choices(formats).makeOptionMandatory())
      .option('--append', 'add to a folder that has mail already')
      .option('--plain', 'mbox: without the line that keeps what an mbox cannot hold')
      .option('--salvage', 'read what can be read of a damaged store; Havre must not run')
      .option('--quiet', 'no progress and no summary')
      .option('--json', 'print the summary as JSON')
      .addHelpText(
        'after',
        `
\`havre mail import\` brings all of it back: each octet, the moment of arrival, the sender of the envelope, flags and order. Nothing in
the mailbox changes, and it may be in use meanwhile. What ends in the middle leaves nothing behind.

maildir: a file for each message, in new/ or, with flags, in cur/. Lines end with LF, as programs that read a Maildir expect; a message
that has other line ends than CRLF is written octet for octet.
mbox: one file, lines that begin with "From " quoted with ">" (mboxrd). On top of each message stands a line X-Havre-Export with what
an mbox cannot hold, and Status and X-Status for the flags; import takes them away again. With --plain they are not written: then
flags, milliseconds and odd line ends are lost.

--salvage: reads past the store what its file still holds, when \`havre doctor --mail\` finds damage. A message that is not whole begins
with a line X-Havre-Salvage that says so. What may be of the account, while nothing tells whose it is, goes to PATH-lost. It exits with 1
when there is any of either.

Examples:
  $ havre mail export alice ./alice-mail --format maildir
  $ havre mail export alice alice.mbox --format mbox
  $ havre mail export alice ~/Mail/archive --format maildir --append
  $ neomutt -f alice.mbox

${codes}`,
      )
      .action(exportMail),
  )

const exportMail = async (name: string, path: string, options: ExportOptions): Promise<void> => {
  if (options.salvage === true) {
    const { exportSalvaged } = await import('./salvage-export.ts')
    return exportSalvaged(name, path, options)
  }
  await exportWhole(name, path, options)
}

const exportWhole = (name: string, path: string, options: ExportOptions): Promise<void> =>
  withMailbox(name, options, async (mailbox) => {
    const target = resolve(path)
    const done = await explained(target, () => interruptible((signal) => exportInto(mailbox, target, options, signal)))
    if (options.json === true) await printJson({ account: mailbox.account, path: target, format: options.format, ...done })
    else if (options.quiet !== true) {
      const gone = done.removedMeanwhile === 0 ? '' : `; ${counted(done.removedMeanwhile, 'message')} removed meanwhile`
      await print(
        `exported ${counted(done.messages, 'message')} (${amount(done.octets)}) of ${mailbox.account} to ${quoted(target)}${gone}\n`,
      )
    }
  })

interface Exported {
  readonly messages: number
  readonly octets: number
  readonly removedMeanwhile: number
}

const exportInto = async (mailbox: Mailbox, path: string, options: ExportOptions, signal: AbortSignal): Promise<Exported> => {
  const { messages } = mailbox
  const writer = await openWriter(path, options)
  const work = { label: 'export', messages: messages.length, octets: messages.reduce((sum, { octets }) => sum + octets, 0) }
  const progress = new Progress(work, { quiet: options.quiet === true })
  const done = { messages: 0, octets: 0, removedMeanwhile: 0 }
  try {
    for await (const message of inOrder(messages, ahead.messages, (each) => outgoing(mailbox, each))) {
      signal.throwIfAborted()
      if (message === null) done.removedMeanwhile += 1
      else {
        await writer.add(message)
        done.messages += 1
        done.octets += message.octets
        progress.add(1, message.octets)
      }
    }
    await writer.finish()
    return done
  } catch (error) {
    await writer.abandon()
    throw error
  } finally {
    progress.end()
  }
}

/** Null when it is gone by now: a POP3 session may delete meanwhile. */
const outgoing = async (mailbox: Mailbox, message: StoredMessage): Promise<OutgoingMessage | null> => {
  const { receivedAt, sender, flags, utf8, octets } = message
  const facts = { receivedAt, sender, flags, utf8, octets }
  if (octets > ahead.octets) return { ...facts, open: () => told(message, mailbox.read(message)) }
  try {
    const chunks = await Array.fromAsync(told(message, mailbox.read(message)))
    return { ...facts, open: () => inMemory(chunks) }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'missing') return null
    throw error
  }
}

/** What cannot be read is named. */
async function* told(message: StoredMessage, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* chunks
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'damaged') throw error
    throw new StoreError('damaged', `message ${message.id} is damaged: ${error.message}`, { cause: error })
  }
}

async function* inMemory(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks
}
