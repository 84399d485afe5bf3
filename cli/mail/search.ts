/** `havre mail search`: the messages of a mailbox in which words stand. */
import process from 'node:process'
import { Command, type Option, type ParseOptionsResult } from 'commander'
import type { Letter } from '../../shared/mail/keeping/extract.ts'
import { parseQuery, QueryError, type Term } from '../../shared/mail/keeping/query.ts'
import { beginning, snippetOf } from '../../shared/mail/keeping/snippet.ts'
import { indexFile, mailFile } from '../../shared/mail/mail-files.ts'
import type { StoredMessage } from '../../shared/mail/mail-store.ts'
import { PermanentError } from '../../shared/service.ts'
import { type ConfigurationOptions, withConfigurationOptions } from '../configuration-options.ts'
import { minute, rowFor } from './list.ts'
import { type Mailbox, summary, withMailbox } from './mailbox.ts'
import { print, printable, printJson } from './printing.ts'
import { wholeNumber } from './whole-number.ts'

interface SearchOptions extends ConfigurationOptions {
  readonly json?: true
  readonly limit: number
}

/** A message with what of it is shown. */
interface Hit {
  readonly message: StoredMessage
  readonly subject: string | null
  readonly snippet: string | null
}

const usualLimit = 20

/** Takes `-paid` for a word that must not be there, where any other command would take it for four options in one. */
class SearchCommand extends Command {
  override parseOptions(args: string[]): ParseOptionsResult {
    const end = args.includes('--') ? args.indexOf('--') : args.length
    const isWord = (arg: string, at: number): boolean =>
      at < end && /^-[^-]/.test(arg) && arg !== '-h' && this.#option(arg) === undefined && !this.#option(args[at - 1])?.required
    const { operands, unknown } = super.parseOptions(args.filter((arg, at) => !isWord(arg, at)))
    return { operands: [...operands, ...args.filter(isWord)], unknown }
  }

  #option(arg: string | undefined): Option | undefined {
    return arg === undefined ? undefined : this.options.find(({ short, long }) => arg === short || arg === long)
  }
}

/** The subcommand. */
export const searchCommand = (): Command =>
  withConfigurationOptions(
    new SearchCommand('search')
      .description('find messages by words in their sender, recipients, subject, text and names of attachments')
      .argument('<account>', 'alice, or alice@havre.test')
      .argument('<words...>', 'what to look for; quote the whole for your shell')
      .option('--limit <number>', 'show at most so many, the newest first', wholeNumber, usualLimit)
      .option('--json', 'print them as JSON')
      .addHelpText(
        'after',
        `
All words must be there, in any order; upper case and accents do not matter (strasse finds Straße). Of what is searched:
  invoice march              both words, anywhere
  "second reminder"          these words next to each other
  inv*                       words that begin so
  invoice -paid              without the word paid (-c, -s and -h alone are options; behind -- they are words too)
  from:bob to:sales          in the sender, in the recipients (Cc and Bcc too)
  subject:invoice            in the subject
  attachment:pdf             in the names of what is attached

Messages within a message are searched too, as text of it. Mail that came since the last time is indexed first. Of a message the first
16 MiB are searched, and of its text 1 MiB.

Examples:
  $ havre mail search alice invoice
  $ havre mail search alice invoice -paid
  $ havre mail search alice 'from:bob "second reminder" -paid'
  $ havre mail search alice attachment:pdf --limit 5
  $ havre mail search alice invoice --json | jq -r '.messages[].id'

Exit codes: 0 found, 1 nothing found, 100 no such account or wrong use, 111 try again later.`,
      )
      .action(search),
  )

/** As `grep` says it. */
const nothingFound = 1

const search = (name: string, words: readonly string[], options: SearchOptions): Promise<void> => {
  const terms = termsOf(words)
  return withMailbox(name, options, async (mailbox) => {
    const { hits, more } = await hitsOf(mailbox, terms, options.limit)
    if (hits.length === 0) process.exitCode = nothingFound
    if (options.json === true) {
      const messages = hits.map(({ message, subject, snippet }) => ({ ...summary(message), subject, snippet }))
      return printJson({ account: mailbox.account, messages, more })
    }
    if (hits.length === 0) return console.error(`Nothing found in the mail of ${mailbox.account}.`)
    await printHits(hits)
    if (more) console.error(`There are more: --limit ${options.limit * 5} shows them.`)
  })
}

const termsOf = (words: readonly string[]): readonly Term[] => {
  try {
    return parseQuery(words.join(' '))
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    throw new PermanentError(`${error.message}; \`havre mail search --help\` shows what can be asked`, { cause: error })
  }
}

const hitsOf = async (
  { account, settings, store, messages }: Mailbox,
  terms: readonly Term[],
  limit: number,
): Promise<{ hits: readonly Hit[]; more: boolean }> => {
  if (store === null || messages.length === 0) return { hits: [], more: false }
  // Loaded here: no other command has to have SQLite's index, or what takes messages apart.
  const { searchMail } = await import('../../shared/mail/keeping/search.ts')
  const show = progressTo(process.stderr)
  const { found, more } = await searchMail({
    mailFile: mailFile(settings.data),
    indexFile: indexFile(settings.data),
    account,
    terms,
    limit,
    progress: show,
    signal: new AbortController().signal,
  })
  show(0, 0)
  const known = new Map(messages.map((message) => [message.id, message]))
  const hits = found.flatMap(({ id, letter }) => {
    const message = known.get(id)
    return message === undefined ? [] : [{ message, ...shownOf(letter, terms) }]
  })
  return { hits, more }
}

const shownOf = (letter: Letter | null, terms: readonly Term[]): Omit<Hit, 'message'> => {
  if (letter === null) return { subject: null, snippet: null }
  const inText = snippetOf(letter.text, terms)
  const attached = inText === null ? snippetOf(letter.attachments, terms) : null
  return { subject: letter.subject, snippet: inText ?? (attached === null ? beginning(letter.text) : `attached: ${attached}`) }
}

const printHits = async (hits: readonly Hit[]): Promise<void> => {
  const row = rowFor(hits.map(({ message }) => message))
  await print(row('ID', 'DATE', 'SENDER', 'SUBJECT', 'OCTETS', 'FLAGS'))
  for (const { message, subject, snippet } of hits) {
    const { id, date, sender, octets, flags } = summary(message)
    await print(row(id, minute(date), sender === '' ? '<>' : sender, subject ?? '', String(octets), flags))
    if (snippet !== null && snippet !== '') await print(`    ${printable(snippet)}\n`)
  }
}

/** Says on a terminal how far the index is, and at the end takes it away. */
const progressTo = (terminal: NodeJS.WriteStream) => {
  let shown = false
  return (done: number, behind: number): void => {
    if (!terminal.isTTY || (behind === 0 && !shown)) return
    shown = behind > 0
    const counted = (value: number) => value.toLocaleString('en')
    terminal.write(`\r\u001b[K${behind > 0 ? `Indexing: ${counted(done)} of ${counted(done + behind)} messages` : ''}`)
  }
}
