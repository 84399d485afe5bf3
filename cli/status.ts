import process from 'node:process'
import { Command, InvalidArgumentError } from 'commander'
import { exitCodes, PermanentError } from '../shared/service.ts'
import { startItHint } from './ask.ts'
import { type ConfigurationOptions, configurationFrom, withConfigurationOptions } from './configuration-options.ts'
import { statusText } from './status-table.ts'
import { watchStatus } from './status-watch.ts'
import { type Status, seeSupervisor } from './supervisor-status.ts'
import { isColourful } from './terminal.ts'

interface StatusOptions extends ConfigurationOptions {
  readonly json?: true
  readonly watch?: true | number
}

/** Something runs, and not all of it serves. */
const notReady = 1

const help = `
Columns that do not fit the terminal are left out, the least telling ones first; --json has everything.

Examples:
  $ havre status
  $ havre status --watch                   drawn anew every 2 seconds, until Ctrl-C
  $ havre status --watch 10 >> status.txt  a table every 10 seconds
  $ havre status --json | jq -r '.services[] | select(.state != "ready") | .name'
  $ havre status --set data=/srv/havre     of the Havre that runs on this data folder

Exit codes: 0 all services are ready (with --json: it answered), 1 one is not, 100 none runs, 111 it does not answer.`

const seconds = (value: string): number => {
  const number = Number(value)
  if (!(number >= 0.1 && number <= 86_400)) throw new InvalidArgumentError('It is a number of seconds, from 0.1 to 86400.')
  return number
}

const isReady = ({ supervisor, services }: Status): boolean =>
  supervisor.state === 'ready' && services.every(({ state }) => state === 'ready')

const run = async ({ json, watch, ...options }: StatusOptions): Promise<void> => {
  const { settings } = await configurationFrom(options)
  if (watch !== undefined) return watchStatus(settings.data, (watch === true ? 2 : watch) * 1_000)
  const seen = await seeSupervisor(settings.data)
  if (seen.kind === 'absent') throw new PermanentError(`${seen.why}. ${startItHint}`)
  if (seen.kind === 'silent') throw new Error(seen.why)
  if (json) process.stdout.write(`${JSON.stringify(seen.status)}\n`)
  else {
    const look = { width: process.stdout.columns ?? null, colourful: isColourful(process.stdout), nowMs: Date.now() }
    process.stdout.write(`${statusText(seen.status, look)}\n`)
    process.exitCode = isReady(seen.status) ? exitCodes.done : notReady
  }
}

/** `havre status`: what runs and where, as a table or as JSON. */
export const statusCommand = (): Command =>
  withConfigurationOptions(
    new Command('status')
      .description('what runs: state, address, process, connections, restarts and memory of each service')
      .option('-w, --watch [seconds]', 'draw it anew every so many seconds (2), until Ctrl-C', seconds)
      .option('--json', 'print it as JSON')
      .addHelpText('after', help)
      .action(run),
  )
