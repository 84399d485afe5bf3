/** `havre doctor`: whether all is well with this machine and what runs on it, and else what to do. */
import process from 'node:process'
import { Command } from 'commander'
import type { Configuration } from '../shared/config/settings.ts'
import { escapeControls } from '../shared/log/render.ts'
import { exitCodes } from '../shared/service.ts'
import { type ConfigurationOptions, configurationFrom, withConfigurationOptions } from './configuration-options.ts'
import type { Severity } from './doctor/check.ts'
import type { Examined } from './doctor/examine.ts'
import { type Colour, isColourful, painter, wrapped } from './terminal.ts'

interface DoctorOptions extends ConfigurationOptions {
  readonly json?: true
  readonly service?: string
  readonly trust?: true
  readonly mail?: true
}

/** Something is wrong, or will be. */
const unwell = 1

const help = `
Looks at the ports, the processes, certificates, permissions, disk, clock, limits, names, folders, accounts and the room for mail, and
speaks with each service as a client does. It changes nothing. While Havre runs, it is looked at as it runs; else whether it could start.
Run it as the user of Havre, or as root, which sees more and then goes on as that user.

Examples:
  $ havre doctor
  $ havre doctor --service smtp                  only what is about one service
  $ havre doctor --config /etc/havre.yaml        the configuration that Havre was started with
  $ havre doctor --json | jq '.findings[] | select(.severity == "problem")'
  $ havre doctor --trust                         how systems and programs come to trust the local authority
  $ havre doctor --mail                          every message: whether it is what was stored

Exit codes: 0 all is well (hints do not count), 1 there is a problem or a warning, 100 the configuration is wrong.`

const titles: Readonly<Record<Severity, { readonly title: string; readonly colour: Colour }>> = {
  ok: { title: 'ok', colour: 'green' },
  hint: { title: 'hint', colour: 'blue' },
  warning: { title: 'warning', colour: 'yellow' },
  problem: { title: 'PROBLEM', colour: 'red' },
}

/** Columns of severity and check, with the blanks behind them. */
const columns = { severity: 9, check: 14 } as const
const indent = ' '.repeat(columns.severity + columns.check)

const findingText = (finding: Examined, width: number, paint: ReturnType<typeof painter>): string => {
  const { title, colour } = titles[finding.severity]
  const room = Math.max(30, width - indent.length)
  const [line = '', ...rest] = wrapped(escapeControls(finding.message), room)
  const head = `${paint(title.padEnd(columns.severity), colour)}${finding.check.padEnd(columns.check)}${line}`
  // Commands stay as they are: they are to be copied.
  const advice = (finding.suggestion ?? '').split('\n').map((each, at) => `${at === 0 ? '→ ' : '  '}${escapeControls(each)}`)
  return [head, ...[...rest, ...(finding.suggestion === null ? [] : advice)].map((each) => indent + each)].join('\n')
}

const countText = (findings: readonly Examined[], severity: Severity): string[] => {
  const count = findings.filter((finding) => finding.severity === severity).length
  return count === 0 ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`]
}

const summary = (findings: readonly Examined[]): string => {
  const wrong = [...countText(findings, 'problem'), ...countText(findings, 'warning')]
  const hints = countText(findings, 'hint')
  return wrong.length === 0 ? ['All is well', ...hints].join('; ') : [...wrong, ...hints].join(', ')
}

const isUnwell = (findings: readonly Examined[]): boolean =>
  findings.some(({ severity }) => severity === 'problem' || severity === 'warning')

const run = async (options: DoctorOptions): Promise<void> => {
  const configuration = await configurationFrom(options)
  if (options.trust) {
    const { trustText } = await import('./doctor/trust.ts')
    process.stdout.write(`${await trustText(configuration.settings)}\n`)
    return
  }
  const findings = await findingsOf(configuration, options)
  const isWell = !isUnwell(findings)
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: isWell, findings })}\n`)
  else {
    const [paint, width] = [painter(isColourful(process.stdout)), process.stdout.columns ?? 120]
    process.stdout.write(`${findings.map((finding) => findingText(finding, width, paint)).join('\n')}\n\n${summary(findings)}\n`)
  }
  process.exitCode = isWell ? exitCodes.done : unwell
}

const findingsOf = async (configuration: Configuration, options: DoctorOptions): Promise<readonly Examined[]> => {
  if (options.mail) {
    const { examineMail } = await import('./doctor/mail.ts')
    return examineMail(configuration.settings, options.json === true)
  }
  const { examine } = await import('./doctor/examine.ts')
  return examine(configuration, options.service ?? null)
}

/** The subcommand. */
export const doctorCommand = (): Command =>
  withConfigurationOptions(new Command('doctor'))
    .description('look whether all is well: ports, certificates, permissions, disk, clock, and a conversation with each service')
    .option('--service <name>', 'only what is about this service')
    .option('--trust', 'print how clients come to trust the local authority, and look at nothing')
    .option('--mail', 'look at every message of every mailbox, and at nothing else; Havre may run meanwhile')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', help)
    .action(run)
