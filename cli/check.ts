/** `havre check`: whether the configuration can be used, and where the services would listen. */
import { Command } from 'commander'
import type { Configuration, ServiceSettings } from '../shared/config/settings.ts'
import { endpointText } from '../shared/net/endpoint.ts'
import { exitCodes } from '../shared/service.ts'
import { type ConfigurationOptions, configurationFrom, withConfigurationOptions } from './configuration-options.ts'

interface CheckOptions extends ConfigurationOptions {
  readonly json?: true
}

const examples = `
Examples:
  $ havre check                                  the defaults and the environment
  $ havre check --config office.yaml             a file of your own on top
  $ havre check --set services.http.port=8081    one setting changed
  $ havre check --json | jq .services            for other programs

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

const text = ({ settings, services, idleSettings }: Configuration): string => {
  const rows = services.map((service) => [service.name, service.protocol, place(service), service.tls === 'implicit' ? 'TLS' : ''])
  const idle = idleSettings.map((setting) => `Does nothing yet: ${setting}`)
  const none = services.some(({ enabled }) => enabled) ? [] : ['No service is enabled.']
  return [
    table(rows),
    '',
    `data  ${settings.data}`,
    `logs  ${settings.logs}`,
    ...idle,
    ...none,
    'The configuration is in order.',
  ].join('\n')
}

const json = ({ settings, services, idleSettings }: Configuration): string =>
  JSON.stringify({
    ok: true,
    services: services.map(({ name, protocol, enabled, host, port, tls }) => ({ name, protocol, enabled, host, port, tls })),
    data: settings.data,
    logs: settings.logs,
    idleSettings,
  })

const run = async (options: CheckOptions): Promise<void> => {
  const { ConfigurationError } = await import('../shared/config/problem.ts')
  try {
    const configuration = await configurationFrom(options)
    process.stdout.write(`${options.json ? json(configuration) : text(configuration)}\n`)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    // The answer to the question that was asked, not a failure of the command: it goes where answers go.
    if (options.json)
      process.stdout.write(
        `${JSON.stringify({ ok: false, problems: error.problems.map(({ origin, ...problem }) => ({ ...origin, ...problem })) })}\n`,
      )
    else process.stderr.write(`${error.message}\n`)
    process.exitCode = exitCodes.permanent
  }
}

/** The subcommand. */
export const checkCommand = (): Command =>
  withConfigurationOptions(new Command('check'))
    .description('check the configuration, and tell where the services would listen')
    .option('--json', 'print it as JSON')
    .addHelpText('after', examples)
    .action(run)
