/** `havre mail delete`: removes messages for good. */
import process from 'node:process'
import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import type { Maildrop, StoredMessage } from '../../shared/mail/mail-store.ts'
import { PermanentError } from '../../shared/service.ts'
import { amount, counted } from '../amounts.ts'
import { type ConfigurationOptions, withConfigurationOptions } from '../configuration-options.ts'
import { momentArgument } from '../time-argument.ts'
import { type Mailbox, withMailbox } from './mailbox.ts'
import { codes, print, printJson, quoted } from './printing.ts'

interface DeleteOptions extends ConfigurationOptions {
  readonly all?: true
  readonly before?: string
  readonly yes?: true
  readonly quiet?: true
  readonly json?: true
}

/** The subcommand. */
export const deleteCommand = (): Command =>
  withConfigurationOptions(
    new Command('delete')
      .description('delete messages of an account, all of those named or none')
      .argument('<account>', 'alice, or alice@havre.test')
      .argument('[ids...]', 'as `havre mail list` prints them')
      .option('--all', 'every message that is there now')
      .option('--before <time>', 'those that arrived before: 30d (so long ago), 2026-11-21, 2026-11-21T14:30')
      .option('-y, --yes', 'do not ask; it is asked on a terminal only')
      .option('--quiet', 'no summary')
      .option('--json', 'print the summary as JSON')
      .addHelpText(
        'after',
        `
Takes the mailbox as a POP3 session does: while one has it, nothing is deleted, and the exit code is 111.

Examples:
  $ havre mail delete alice 12 13
  $ havre mail delete alice --before 30d --yes
  $ havre mail delete alice --all

${codes}`,
      )
      .action(deleteMail),
  )

const deleteMail = (name: string, ids: readonly string[], options: DeleteOptions): Promise<void> =>
  withMailbox(name, options, async (mailbox) => {
    const choose = choice(ids, options)
    const maildrop = await taken(mailbox)
    try {
      const chosen = choose(mailbox.account, maildrop?.messages ?? [])
      const octets = chosen.reduce((sum, message) => sum + message.octets, 0)
      const what = `${counted(chosen.length, 'message')} (${amount(octets)}) of ${mailbox.account}`
      if (chosen.length > 0 && options.yes !== true) await confirmed(what)
      await maildrop?.remove(chosen)
      if (options.json === true) await printJson({ account: mailbox.account, deleted: chosen.map(({ id }) => id), octets })
      else if (options.quiet !== true) await print(`deleted ${what}\n`)
    } finally {
      await maildrop?.release()
    }
  })

/** Null where no mail ever was. */
const taken = async ({ account, store }: Mailbox): Promise<Maildrop | null> => {
  if (store === null) return null
  const maildrop = await store.open(account)
  if (maildrop === null)
    throw new Error(`the mailbox of ${account} is held by another session: a mail program (POP3), or another \`havre mail delete\``)
  return maildrop
}

type Choose = (account: string, messages: readonly StoredMessage[]) => readonly StoredMessage[]

/** Exactly one way to say which. @throws {PermanentError} */
const choice = (ids: readonly string[], { all, before }: DeleteOptions): Choose => {
  const ways = [ids.length > 0, all === true, before !== undefined].filter(Boolean).length
  if (ways !== 1) throw new PermanentError('say which messages: their ids, or --all, or --before TIME, and one of these only')
  if (all === true) return (_, messages) => messages
  if (before === undefined) return (account, messages) => named(account, messages, new Set(ids))
  const beforeMs = momentArgument('--before', before)
  return (_, messages) => messages.filter(({ receivedAt }) => receivedAt.getTime() < beforeMs)
}

const named = (account: string, messages: readonly StoredMessage[], ids: ReadonlySet<string>): readonly StoredMessage[] => {
  const chosen = messages.filter(({ id }) => ids.has(id))
  const missing = [...ids.difference(new Set(chosen.map(({ id }) => id)))]
  if (missing.length === 0) return chosen
  const which = missing.slice(0, 10).map(quoted).join(', ')
  throw new PermanentError(`not in the mailbox of ${account}: ${which}${missing.length > 10 ? ', …' : ''}; nothing was deleted`)
}

/** Where somebody sits at a terminal. @throws {PermanentError} they do not want it */
const confirmed = async (what: string): Promise<void> => {
  if (!process.stdin.isTTY) return
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const abort = new AbortController()
  terminal.once('close', () => abort.abort())
  try {
    const answer = await terminal.question(`Delete ${what} for good? [y/N] `, { signal: abort.signal })
    if (/^\s*y(?:es)?\s*$/i.test(answer)) return
  } catch (error) {
    if (!abort.signal.aborted) throw error // Ctrl-D, Ctrl-C: no answer is no
  } finally {
    terminal.close()
  }
  throw new PermanentError('nothing was deleted')
}
