/** `havre check`: whether the configuration can be used, the keys for TLS included, and where the services would listen. */
import { Command } from 'commander'
import { doubtsOf } from '../shared/config/doubts.ts'
import type { Configuration, ServiceSettings } from '../shared/config/settings.ts'
import { endpointText } from '../shared/net/endpoint.ts'
import { exitCodes } from '../shared/service.ts'
import { type ConfigurationOptions, startableFrom, withConfigurationOptions } from './configuration-options.ts'

interface CheckOptions extends ConfigurationOptions {
  readonly json?: true
}

const examples = `
Examples:
  $ havre check                                  the defaults and the environment
  $ havre check --config office.yaml             a file of your own on top
  $ havre check --set services.http.port=8081    one setting changed
  $ havre check --json | jq .services            for other programs

It reads the files of certificates and keys where a service speaks TLS. What it does not look at, the machine and what clients
would meet, \`havre doctor\` does.

Exit code: 0 when the configuration can be used, 100 when not.
`

const place = ({ enabled, host, port }: ServiceSettings): string => {
  if (!enabled) return 'off'
  return port === 0 ? `${endpointText({ address: host, port })} (any port)` : endpointText({ address: host, port })
}

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What can be used, and may not be what was meant, or not what clients take. */
interface Told {
  readonly doubts: readonly string[]
  readonly warnings: readonly string[]
}

const text = ({ settings, services, idleSettings }: Configuration, { doubts, warnings }: Told): string => {
  const rows = services.map((service) => [service.name, service.protocol, place(service), service.tls === 'implicit' ? 'TLS' : ''])
  const idle = idleSettings.map((setting) => `Does nothing yet: ${setting}`)
  const none = services.some(({ enabled }) => enabled) ? [] : ['No service is enabled.']
  return [
    table(rows),
    '',
    `data  ${settings.data}`,
    `logs  ${settings.logs}`,
    ...idle,
    ...doubts.map((doubt) => `Is this meant? ${doubt}`),
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...none,
    'The configuration is in order.',
  ].join('\n')
}

const json = ({ settings, services, idleSettings }: Configuration, { doubts, warnings }: Told): string =>
  JSON.stringify({
    ok: true,
    services: services.map(({ name, protocol, enabled, host, port, tls }) => ({ name, protocol, enabled, host, port, tls })),
    data: settings.data,
    logs: settings.logs,
    idleSettings,
    doubts,
    warnings,
  })

interface Wrong {
  readonly setting: string
  readonly message: string
}

const linesOf = (problems: readonly Wrong[]): string => problems.map(({ setting, message }) => `${setting}: ${message}`).join('\n')

const refuse = ({ json: asJson }: CheckOptions, problems: readonly Wrong[], lines = linesOf(problems)): void => {
  // The answer to the question that was asked, not a failure of the command: it goes where answers go.
  if (asJson) process.stdout.write(`${JSON.stringify({ ok: false, problems })}\n`)
  else process.stderr.write(`${lines}\n`)
  process.exitCode = exitCodes.permanent
}

const run = async (options: CheckOptions): Promise<void> => {
  const { ConfigurationError } = await import('../shared/config/problem.ts')
  try {
    const configuration = await startableFrom(options)
    const { keyFileFindings } = await import('./key-files.ts')
    const keyFiles = await keyFileFindings(configuration)
    if (keyFiles.problems.length > 0) return refuse(options, keyFiles.problems)
    const told = { doubts: doubtsOf(configuration.settings), warnings: keyFiles.warnings }
    process.stdout.write(`${(options.json ? json : text)(configuration, told)}\n`)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const problems = error.problems.map(({ origin, ...problem }) => ({ ...origin, ...problem }))
    refuse(options, problems, error.message)
  }
}

/** The subcommand. */
export const checkCommand = (): Command =>
  withConfigurationOptions(new Command('check'))
    .description('check the configuration, and tell where the services would listen')
    .option('--json', 'print it as JSON')
    .addHelpText('after', examples)
    .action(run)
