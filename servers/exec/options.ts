/**
 * What the supervisor and the command line know of external programs. A setting added here is described in `config/default.yaml`
 * and `docs/external-services.md` too.
 */
import { z } from 'zod'
import { duration, size, templatePath } from '../../shared/config/units.ts'
import type { Protocol } from '../../shared/service.ts'

/** Signals that programs end at, or that some take for it (postgres: SIGINT, php-fpm and nginx: SIGQUIT). */
const stopSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGKILL'] as const

const isPattern = (text: string): boolean => {
  try {
    new RegExp(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

const readyWrong = 'must be port, { output: PATTERN } or { file: PATH }'

const command = () => z.array(z.string()).min(1)

const options = z.strictObject({
  command: command().meta({
    description:
      'The program and its arguments, as they are: no shell reads them. {data}, {logs}, {host}, {port} stand for the settings.',
  }),
  environment: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of a variable: letters, digits and underscores' }),
      z.string(),
    )
    .default({})
    .meta({
      description: 'Variables of its environment, beside PATH, HOME, USER, LANG and the like; with the same {…} as the command.',
    }),
  user: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ description: 'System account that it runs as; only root can give another than its own.' }),
  folder: templatePath().default('{data}').meta({ description: 'Its working folder; made when missing.' }),
  ready: z
    .union(
      [
        z.literal('port'),
        z.strictObject({
          output: z
            .string()
            .min(1)
            .refine(isPattern, { error: 'must be a regular expression' })
            .meta({ description: 'Ready when a line of its output matches this regular expression.' }),
        }),
        z.strictObject({
          file: templatePath().meta({ description: 'Ready when this file is made or this socket answers.' }),
        }),
      ],
      { error: readyWrong },
    )
    .default('port')
    .meta({ description: 'How it is known that it serves: its port answers (port), a line of its output, or a file or socket.' }),
  readyWithin: duration({ min: 100 })
    .prefault('60s')
    .meta({ description: 'How long it may take to be ready.', over: 'it is ended and tried again later' }),
  prepare: z
    .strictObject({
      path: templatePath().meta({ description: 'What the preparation makes: it runs while this path is missing.' }),
      command: command().meta({
        description: 'Makes it; {new} stands for a path beside it that gets its name when the command has succeeded.',
      }),
      within: duration({ min: 100 })
        .prefault('5m')
        .meta({ description: 'How long it may take.', over: 'it is ended and tried again later' }),
    })
    .nullable()
    .default(null)
    .meta({ description: 'What has to be done once before the first start; null: nothing.' }),
  stopSignal: z.enum(stopSignals).default('SIGTERM').meta({ description: 'The signal that asks it to end.' }),
  stopWithin: duration({ min: 100 })
    .prefault('30s')
    .meta({ description: 'How long it may take to end, within `drain`.', over: 'SIGKILL, to all its processes' }),
  output: z
    .strictObject({
      line: size({ min: 80, max: 8_000 }).prefault('4KiB').meta({
        unit: 'octets',
        over: 'the rest of the line is cut',
        description: 'What the journal keeps of one line of its output.',
      }),
      linesPerSecond: z.int().min(1).default(1_000).meta({
        over: 'dropped, and counted in the journal',
        description: 'Lines of its output that the journal takes in one second.',
      }),
    })
    .prefault({})
    .meta({ description: 'What it writes to stdout and stderr goes to the journal.' }),
  example: z.string().default('curl telnet://{address}').meta({
    description: 'A command to try it with, which the start prints; {address}, {host}, {port}, {data} stand for the settings.',
  }),
})

export type ExecOptions = z.output<typeof options>

/** What the runner takes for itself, beyond preparation and start of the program. */
const ownMs = 20_000

export const protocol: Protocol<ExecOptions> = {
  protocol: 'exec',
  // Every program has its own port: without one in the configuration the system chooses.
  ports: () => ({ high: 0, wellKnown: 0 }),
  startTls: false,
  standards: [],
  options,
  external: ({ prepare, readyWithin, ready }) => ({
    startMs: (prepare?.within ?? 0) + readyWithin + ownMs,
    listens: ready === 'port',
  }),
  // No sandbox of ours holds around it: `user` and the program's own means do.
  grants: () => ({ read: [], write: [], network: 'connect', workers: false }),
  example: 'curl telnet://{address}',
  exampleFor: ({ example }) => example,
}
