import { once } from 'node:events'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Fields, Level } from '../shared/log/log.ts'
import { allByTime, JournalFollower, journalsIn, type ReadRecord } from '../shared/log/log-reader.ts'
import { escapeControls, plainLine } from '../shared/log/render.ts'
import { PermanentError } from '../shared/service.ts'
import { type ConfigurationOptions, configurationFrom, withConfigurationOptions } from './configuration-options.ts'
import { listConversations, showConversation } from './conversation.ts'

/** How often `-f` looks for what is new. */
const followMs = 200

/** From the most serious to the least. */
const levels: readonly Level[] = ['error', 'warn', 'info', 'debug']

interface LogsOptions extends ConfigurationOptions {
  readonly follow?: true
  readonly service?: readonly string[]
  readonly level?: Level
  readonly json?: true
  readonly lines: number
  readonly conversation?: string
  readonly conversations?: true
}

const help = `
Shows the journals of all services together, in the order of time: each request, login, message and transfer, what was
refused and why. The files themselves are logs/SERVICE.log, one JSON object a line.

Examples:
  $ havre logs                              the last 50 records
  $ havre logs -f                           and then each new one as it comes, until Ctrl-C
  $ havre logs --service smtp --service pop3 --level warn
  $ havre logs --conversations              the last conversations, each with its id
  $ havre logs --conversation 1kzp9pt-1     one of them as a dialogue (recorded at log.level: debug); -f as it goes on
  $ havre logs --json -n all | jq 'select(.account == "alice")'`

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
      .option('--json', 'the records as they are in the files, one JSON object a line')
      .option('-n, --lines <count>', 'begin with so many of the last records, or "all"', lineCount, 50)
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
    process.exitCode = await (id === undefined ? listConversations(options.lines, how) : showConversation(id, how))
    return
  }
  const follower = new JournalFollower(settings.logs, isWanted)
  try {
    const all = !Number.isFinite(options.lines)
    await print(await follower.last(all ? 0 : options.lines, (record) => keeps(record, options)), options)
    if (all) for await (const record of allByTime(follower.files)) await print([record], options)
    while (options.follow) {
      await print(await follower.added(), options)
      await sleep(followMs)
    }
  } finally {
    await follower.close()
  }
}

const isLevel = (value: unknown): value is Level => levels.some((level) => level === value)

/** Whether this record is to be shown; a torn line is, to people. */
const keeps = ({ record }: ReadRecord, { level, json }: LogsOptions): boolean => {
  if (record === null) return json !== true && level === undefined
  if (level === undefined) return true
  return isLevel(record['level']) && levels.indexOf(record['level']) <= levels.indexOf(level)
}

const print = async (records: readonly ReadRecord[], options: LogsOptions): Promise<void> => {
  const lines = records
    .filter((record) => keeps(record, options))
    .map((record) => `${options.json ? record.line : forPeople(record)}\n`)
  if (lines.length > 0 && !process.stdout.write(lines.join(''))) await once(process.stdout, 'drain')
}

const isValue = (value: unknown): value is Fields[string] =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value) || Array.isArray(value)

const forPeople = ({ line, record, timeMs }: ReadRecord): string => {
  if (record === null) return escapeControls(line)
  const { time: _time, level, service, event, ...rest } = record
  const fields = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, isValue(value) ? value : JSON.stringify(value)]),
  )
  const plain = { timeMs, level: isLevel(level) ? level : 'info', service: String(service), event: String(event), fields }
  return plainLine(plain, process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined, 'date and time')
}
