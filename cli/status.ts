import { Command } from 'commander'
import { z } from 'zod'
import { endpointText } from '../shared/net/endpoint.ts'
import { ask } from './ask.ts'
import { configurationFrom, withConfigurationOptions } from './configuration-options.ts'

const journalSchema = z.object({ ok: z.boolean(), error: z.string().nullable(), dropped: z.number() })

const statusSchema = z.object({
  supervisor: z.object({ pid: z.number(), version: z.string(), state: z.string(), startedAt: z.string(), journal: journalSchema }),
  services: z.array(
    z.object({
      name: z.string(),
      protocol: z.string(),
      host: z.string(),
      port: z.number(),
      pid: z.number().nullable(),
      state: z.string(),
      startedAt: z.string().nullable(),
      restarts: z.number(),
      connections: z.number(),
      served: z.number(),
      memory: z.number(),
      lastError: z.string().nullable(),
      journal: journalSchema,
    }),
  ),
})
type Status = z.output<typeof statusSchema>

/** `3 s`, `12 min`, `5 h`, `9 d`: how long since. */
const since = (time: string | null): string => {
  if (time === null) return '-'
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1_000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

const table = ({ supervisor, services }: Status): string => {
  const head = ['SERVICE', 'STATE', 'ADDRESS', 'PID', 'UP', 'OPEN', 'SERVED', 'RESTARTS', 'MEMORY']
  const rows = services.map((service) => [
    service.name,
    service.state,
    endpointText({ address: service.host, port: service.port }),
    String(service.pid ?? '-'),
    since(service.startedAt),
    String(service.connections),
    String(service.served),
    String(service.restarts),
    `${Math.round(service.memory / 2 ** 20)} MiB`,
  ])
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  const errors = services.flatMap(({ name, lastError }) => (lastError === null ? [] : [`${name}: ${lastError}`]))
  const title = `havre ${supervisor.version}, pid ${supervisor.pid}, ${supervisor.state}, up ${since(supervisor.startedAt)}`
  return [title, '', line(head), ...rows.map(line), ...(errors.length > 0 ? ['', ...errors] : [])].join('\n')
}

/** `havre status`: what runs and where, as a table or as JSON. */
export const statusCommand = (): Command => {
  const command = new Command('status')
    .description('what runs: state, address, process, connections, restarts and memory of each service')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  $ havre status\n  $ havre status --json\n  $ havre status --set data=/srv/havre')
    .action(async (options) => {
      const status = statusSchema.parse(await ask(await configurationFrom(options), { command: 'status' }))
      console.log(options.json === true ? JSON.stringify(status) : table(status))
    })
  return withConfigurationOptions(command)
}
