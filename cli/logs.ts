import { once } from 'node:events'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Fields, Level } from '../shared/log/log.ts'
import { JournalFollower, journalsIn } from '../shared/log/log-reader.ts'
import { anyTime, type ReadRecord, type TimeRange } from '../shared/log/read-record.ts'
import { escapeControls, plainLine } from '../shared/log/render.ts'
import { PermanentError } from '../shared/service.ts'
import { type ConfigurationOptions, configurationFrom, withConfigurationOptions } from './configuration-options.ts'
import { listConversations, showConversation } from './conversation.ts'
import { Search } from './record-search.ts'
import { momentArgument } from './time-argument.ts'

/** How often `-f` looks for what is new. */
const followMs = 200

/** So many records are shown where neither a number nor a time is asked for. */
const usualLines = 50

/** From the most serious to the least. */
const levels: readonly Level[] = ['error', 'warn', 'info', 'debug']

interface LogsOptions extends ConfigurationOptions {
  readonly follow?: true
  readonly service?: readonly string[]
  readonly level?: Level
  readonly account?: string
  readonly since?: string
  readonly until?: string
  readonly utc?: true
  readonly json?: true
  readonly lines?: number
  readonly conversation?: string
  readonly conversations?: true
}

const help = `
Shows the journals of all services together, in the order of time: each request, login, message and transfer, what was
refused and why; also out of files that were put away and compressed. Times are local, with their distance from UTC. The
files themselves are logs/SERVICE.log, one JSON object a line.

A TIME is how long ago (90s, 10m, 2h, 7d), a time of today (14:30), a day (2026-11-21), or a day with a time, local
(2026-11-21T14:30) or with its zone (2026-11-21T14:30:00Z).

Examples:
  $ havre logs                              the last 50 records
  $ havre logs -f                           and then each new one as it comes, until Ctrl-C
  $ havre logs -f --service smtp --level warn --account alice --since 10m
  $ havre logs --since 14:00 --until 14:30 --service smtp --service pop3
  $ havre logs --level error -n 5           the last 5 errors, however long ago
  $ havre logs --conversations              the last conversations, each with its id
  $ havre logs --conversation 1kzp9pt-1     one of them as a dialogue (recorded at log.level: debug); -f as it goes on
  $ havre logs --json --since 1d | jq -r .event | sort | uniq -c`

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

const lineCount = (value: string): number => {
  if (value === 'all') return Number.POSITIVE_INFINITY
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('It is a number, or "all".')
  return Number(value)
}

/** `havre logs`: what happened, and what happens. */
export const logsCommand = (): Command =>
  withConfigurationOptions(
    new Command('logs')
      .description('what happened on all services, in the order of time, and with -f what happens')
      .option('-f, --follow', 'go on with each new record until Ctrl-C')
      .option('--service <name>', 'only the records of this service, or of the supervisor (repeatable)', collect)
      .addOption(new Option('--level <level>', 'only this level and more serious ones').choices(levels))
      .option('--account <name>', 'only the records of this account')
      .option('--since <time>', 'only what happened since then: 10m, 14:30, 2026-11-21T14:30')
      .option('--until <time>', 'only what happened until then')
      .option(
        '-n, --lines <count>',
        'begin with so many of the last records, or "all" (50; all with --since or --until)',
        lineCount,
      )
      .option('--utc', 'times in UTC, not local ones')
      .option('--json', 'the records as they are in the files, one JSON object a line')
      .option('--conversation <id>', 'one conversation as a dialogue: what the client and the server said, secrets blotted out')
      .option('--conversations', 'the last conversations: id, service, client, account, lines, when')
      .addHelpText('after', help)
      .action(show),
  )

const show = async (options: LogsOptions): Promise<void> => {
  const { settings, services } = await configurationFrom(options)
  const known = new Set(['supervisor', ...services.map(({ name }) => name), ...(await journalsIn(settings.logs))])
  const unknown = options.service?.find((name) => !known.has(name))
  if (unknown !== undefined) throw new PermanentError(`there is no service "${unknown}", only ${[...known].join(', ')}`)

  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read has seen enough: `havre logs | head`.
    process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
  const isWanted = (service: string) => options.service?.includes(service) ?? true
  if (options.conversation !== undefined || options.conversations === true) {
    const how = { settings, isWanted, json: options.json === true, follow: options.follow === true }
    const { conversation: id } = options
    process.exitCode = await (id === undefined ? listConversations(options.lines ?? usualLines, how) : showConversation(id, how))
    return
  }
  await showRecords(new JournalFollower(settings.logs, isWanted), options, settings.domains)
}

const showRecords = async (follower: JournalFollower, options: LogsOptions, domains: readonly string[]): Promise<void> => {
  const { since, until } = options
  const isBounded = since !== undefined || until !== undefined
  const range: TimeRange = {
    fromMs: since === undefined ? anyTime.fromMs : momentArgument('--since', since),
    toMs: until === undefined ? anyTime.toMs : momentArgument('--until', until, true),
  }
  const count = options.lines ?? (isBounded ? Number.POSITIVE_INFINITY : usualLines)
  const search = new Search({ range, level: options.level, account: accountOf(options.account, domains) })
  try {
    await follower.begin()
    if (Number.isFinite(count)) await print(await follower.last(count, search), options)
    else for await (const some of inBatches(follower.all(search))) await print(some, options)
    tellBroken(search)
    // What comes later than asked for will not come.
    while (options.follow && Date.now() <= range.toMs) {
      await sleep(followMs)
      const added = await follower.added()
      await print(
        added.filter((record) => search.wants(record)),
        options,
      )
      tellBroken(search)
    }
  } finally {
    await follower.close()
  }
}

/** `alice`, `Alice@havre.test` → `alice`. */
const accountOf = (text: string | undefined, domains: readonly string[]): string | undefined => {
  const [name, domain] = text?.normalize('NFC').toLowerCase().split('@') ?? []
  return domain === undefined || domains.includes(domain) ? name : text
}

const tellBroken = (search: Search): void => {
  const lines = search.takeBroken()
  if (lines === 0) return
  const what = lines === 1 ? '1 line that is no record (it was cut) was' : `${lines} lines that are no records (they were cut) were`
  process.stderr.write(`havre: ${what} skipped\n`)
}

/** So many records go to the terminal, or to a pipe, in one write. */
const batchRecords = 500

async function* inBatches(records: AsyncIterable<ReadRecord>): AsyncGenerator<readonly ReadRecord[]> {
  let some: ReadRecord[] = []
  for await (const record of records) {
    if (some.push(record) < batchRecords) continue
    yield some
    some = []
  }
  yield some
}

const print = async (records: readonly ReadRecord[], options: LogsOptions): Promise<void> => {
  const lines = records.map((record) => `${options.json ? escapeControls(record.line) : forPeople(record, options)}\n`)
  if (lines.length > 0 && !process.stdout.write(lines.join(''))) await once(process.stdout, 'drain')
}

const isLevel = (value: unknown): value is Level => levels.some((level) => level === value)

const isValue = (value: unknown): value is Fields[string] =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value) || Array.isArray(value)

const forPeople = ({ record, timeMs }: ReadRecord, { utc }: LogsOptions): string => {
  const { time: _time, level, service, event, ...rest } = record ?? {}
  const fields = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, isValue(value) ? value : JSON.stringify(value)]),
  )
  const plain = { timeMs, level: isLevel(level) ? level : 'info', service: String(service), event: String(event), fields }
  return plainLine(plain, process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined, utc ? 'utc' : 'local')
}
