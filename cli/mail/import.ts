/** `havre mail import`: mail of other programs, or what `export` wrote, into a mailbox. */
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { type MailStore, StoreError, storeErrors } from '../../shared/mail/mail-store.ts'
import { PermanentError } from '../../shared/service.ts'
import { amount, count, counted } from '../amounts.ts'
import { type ConfigurationOptions, withConfigurationOptions } from '../configuration-options.ts'
import { interruptible } from '../interrupt.ts'
import { Progress } from '../progress.ts'
import { explained, explanationOf } from './file-errors.ts'
import { type FolderReader, type Format, formats, type IncomingMessage, targetAt } from './folder.ts'
import { type Mailbox, withMailbox } from './mailbox.ts'
import { isMaildir, readMaildir } from './maildir/reader.ts'
import { readMbox } from './mbox/reader.ts'
import { codes, print, printJson, quoted } from './printing.ts'
import { wholeNumber } from './whole-number.ts'

interface ImportOptions extends ConfigurationOptions {
  readonly format?: Format
  readonly folders?: true
  readonly skip: number
  readonly dryRun?: true
  readonly respectQuota?: true
  readonly quiet?: true
  readonly json?: true
}

/** Messages on their way to the disk: they share a sync. */
const mostAtOnce = 64

/** Larger ones are waited for: parts of them go ahead, and smaller ones behind them could overtake. */
const smallOctets = 32 * 1024

/** The subcommand. */
export const importCommand = (): Command =>
  withConfigurationOptions(
    new Command('import')
      .description('put the messages of a Maildir or an mbox into the mailbox of an account')
      .argument('<account>', 'alice, or alice@havre.test')
      .argument('<path>', 'a Maildir folder or an mbox file')
      .addOption(new Option('--format <format>', 'how it is written; seen from what is there unless given').choices(formats))
      .option('--folders', 'maildir: also the folders in it (.Sent, .Archive.2025), all into this one mailbox')
      .option('--skip <count>', 'without so many messages at the beginning: an import that failed says how many', wholeNumber, 0)
      .option('--dry-run', 'read all of it, and store nothing')
      .option('--respect-quota', 'stop where the quota of the account is reached')
      .option('--quiet', 'no progress and no summary')
      .option('--json', 'print the summary as JSON')
      .addHelpText(
        'after',
        `
Messages come behind those that are there, in the order of the folder, with the date of their arrival, the sender of their envelope
and their flags, as far as the folder tells. Their octets stay; only lines of a message that has no CRLF at all get CRLF. The folder
does not change. Other programs, Havre too, may work with both meanwhile. The account's quota does not count here unless you say so.

maildir: new/ and cur/; the earlier of the file's time and that in its name is the arrival; in order of arrival.
mbox: any of its forms; dates without a zone are UTC; where a Content-Length leads to the next message it counts (mboxcl2).

Examples:
  $ havre mail import alice ~/Maildir
  $ havre mail import alice ~/Maildir --folders --dry-run
  $ havre mail import alice /var/mail/alice
  $ havre mail import alice alice.mbox --skip 12000

${codes}`,
      )
      .action(importMail),
  )

const importMail = (name: string, path: string, options: ImportOptions): Promise<void> =>
  withMailbox(
    name,
    options,
    async (mailbox) => {
      const source = resolve(path)
      const reader = await explained(source, () => openReader(source, options))
      try {
        const done = await explained(source, () => interruptible((signal) => importFrom(mailbox, source, reader, options, signal)))
        await summarize(mailbox, source, reader, options, done)
      } finally {
        await reader.close()
      }
    },
    { create: options.dryRun !== true },
  )

const openReader = async (path: string, { format, folders }: ImportOptions): Promise<FolderReader> => {
  const target = await targetAt(path)
  if (target === 'absent') throw new PermanentError(`${quoted(path)} is not there`)
  const isFolder = target === 'folder' || target === 'empty-folder'
  if (isFolder ? format === 'mbox' : format === 'maildir')
    throw new PermanentError(
      `${quoted(path)} is ${isFolder ? 'a folder, and an mbox is a file' : 'a file, and a Maildir is a folder'}`,
    )
  if (!isFolder && target === 'other') throw new PermanentError(`${quoted(path)} is neither a file nor a folder`)
  if (!isFolder) return readMbox(path)
  if (!(await isMaildir(path))) throw new PermanentError(`${quoted(path)} is no Maildir: there is neither "cur" nor "new" in it`)
  return readMaildir(path, { subfolders: folders === true })
}

interface Imported {
  readonly messages: number
  readonly octets: number
  readonly skipped: number
}

const importFrom = async (
  mailbox: Mailbox,
  path: string,
  reader: FolderReader,
  options: ImportOptions,
  signal: AbortSignal,
): Promise<Imported> => {
  const { account, store, settings } = mailbox
  const into = {
    account,
    address: `${account}@${settings.domains[0] ?? settings.hostname}`,
    respectQuota: options.respectQuota === true,
  }
  const line = store === null || options.dryRun === true ? null : new DeliveryLine(store, into)
  const progress = new Progress(
    { label: 'import', messages: reader.messages, octets: reader.octets },
    { quiet: options.quiet === true },
  )
  const done = { messages: 0, octets: 0, skipped: 0 }
  try {
    for await (const message of reader.read()) {
      if (done.skipped < options.skip) done.skipped += 1
      else {
        signal.throwIfAborted()
        done.octets += (await line?.take(message)) ?? message.octets
        done.messages += 1
      }
      progress.add(1, message.octets)
    }
    await line?.end()
    return done
  } catch (error) {
    progress.end()
    throw line === null ? error : await line.failure(explanationOf(error, path), done.skipped)
  } finally {
    progress.end()
  }
}

const summarize = async (
  mailbox: Mailbox,
  path: string,
  reader: FolderReader,
  options: ImportOptions,
  done: Imported,
): Promise<void> => {
  const { account } = mailbox
  const { leftOut } = reader
  if (options.json === true) return printJson({ account, path, ...done, leftOut, stored: options.dryRun !== true })
  for (const { what, messages } of leftOut) console.error(`left out: ${counted(messages, 'message')}, ${quoted(what)}`)
  if (options.quiet === true) return
  const would = options.dryRun === true ? 'would import' : 'imported'
  const skipped = done.skipped === 0 ? '' : `; the first ${count(done.skipped)} skipped`
  await print(`${would} ${counted(done.messages, 'message')} (${amount(done.octets)}) into the mailbox of ${account}${skipped}\n`)
}

interface Into {
  readonly account: string
  readonly address: string
  readonly respectQuota: boolean
}

interface OnTheWay {
  readonly name: string
  readonly stored: Promise<unknown>
}

/** Messages on their way into the store, in order. */
class DeliveryLine {
  readonly #store: MailStore
  readonly #into: Into
  readonly #waiting: OnTheWay[] = []
  /** Stored, of those that were taken: the first ones, and the name of the last. */
  #stored = 0
  #lastName: string | null = null
  #current: string | null = null

  constructor(store: MailStore, into: Into) {
    this.#store = store
    this.#into = into
  }

  /** @returns its octets, as the store has them; it is stored later, behind those before it */
  async take(message: IncomingMessage): Promise<number> {
    const { name, sender, receivedAt, flags, utf8 } = message
    const { account, address, respectQuota } = this.#into
    this.#current = name
    const envelope = { sender, recipients: [{ address, account }], ...(utf8 ? { utf8: true } : {}) }
    const delivery = this.#store.deliver(envelope, { receivedAt, flags, ...(respectQuota ? {} : { ignoreQuota: true }) })
    let octets = 0
    try {
      for await (const chunk of message.open()) {
        octets += chunk.length
        await delivery.write(chunk)
      }
    } catch (error) {
      await delivery.abort()
      throw error
    }
    const stored = delivery.commit()
    stored.catch(() => undefined) // told in its turn
    this.#waiting.push({ name, stored })
    this.#current = null
    if (octets > smallOctets) await this.#drain()
    else if (this.#waiting.length >= mostAtOnce) await this.#first()
    return octets
  }

  /** Resolves when all are stored. */
  end(): Promise<void> {
    return this.#drain()
  }

  /** What to say when it ends in the middle. Waits for what is on its way. */
  async failure(error: unknown, skipped: number): Promise<Error> {
    const failed = this.#current ?? null
    while (
      this.#waiting.length > 0 &&
      (await this.#first().then(
        () => true,
        () => false,
      ))
    );
    const later = await Promise.allSettled(this.#waiting.slice(1).map(({ stored }) => stored))
    const beyond = this.#waiting.slice(1).filter((_, at) => later[at]?.status === 'fulfilled')
    const where = this.#waiting[0]?.name ?? failed
    const reason = error instanceof Error ? error.message : String(error)
    const total = skipped + this.#stored
    const text = [
      `${reason}${where === null ? '' : ` (at ${quoted(where)})`}`,
      this.#stored === 0
        ? 'No message was imported'
        : `${counted(this.#stored, 'message')} imported${this.#lastName === null ? '' : `, the last one was ${quoted(this.#lastName)}`}`,
      ...(beyond.length === 0 ? [] : [`also imported: ${beyond.map(({ name }) => quoted(name)).join(', ')}`]),
      `To go on later, give --skip ${total}`,
    ].join('. ')
    const isPermanent = error instanceof PermanentError || (error instanceof StoreError && storeErrors[error.code] === 'permanent')
    return isPermanent ? new PermanentError(text, { cause: error }) : new Error(text, { cause: error })
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#first()
  }

  async #first(): Promise<void> {
    const [first] = this.#waiting
    if (first === undefined) return
    await first.stored
    this.#waiting.shift()
    this.#stored += 1
    this.#lastName = first.name
  }
}
