import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'
import { type Ended, type RunOptions, runNode } from './run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The command line of the program under test: the built one as `npm test` has it, else the sources as they are. */
export const havreProgram: readonly string[] =
  process.env['HAVRE_TEST_BUILT'] === '1' ? [`${root}bin/havre.js`] : [`${root}cli/main.ts`]

/** Settings that would come from the shell of whoever runs the tests. */
const cleanEnvironment = (): Record<string, undefined> =>
  Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => name.startsWith('HAVRE_') && !name.startsWith('HAVRE_TEST_'))
      .map((name) => [name, undefined]),
  )

/** Runs `havre ARGS` to its end. */
export const havre = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  runNode([...havreProgram, ...args], { ...options, env: { ...cleanEnvironment(), ...options.env } })

/** One process of a service as `havre status --json` tells it. */
export interface WorkerStatus {
  readonly pid: number | null
  readonly state: string
  readonly startedAt: string | null
  readonly restarts: number
  readonly connections: number
  readonly served: number
  /** How often which limit was met, by its name. */
  readonly refused: Readonly<Record<string, number>>
  readonly memory: number
  readonly lastError: string | null
  readonly nextTry: string | null
}
/** One service: its numbers are those of its workers together. */
export interface ServiceStatus extends WorkerStatus {
  readonly name: string
  readonly protocol: string
  readonly host: string
  readonly port: number
  readonly workers: readonly WorkerStatus[]
}
export interface Status {
  readonly supervisor: { readonly pid: number; readonly version: string; readonly state: string; readonly startedAt: string }
  readonly services: readonly ServiceStatus[]
}

/** How a family is started. */
export interface FamilyOptions {
  /** Further arguments: `--set`, `services.ftp.enabled=false`, … */
  readonly args?: readonly string[]
  /** Only these services; all four unless given. */
  readonly services?: readonly string[]
  /** With the accounts and files that a newcomer finds at the first start; without unless said so. */
  readonly demo?: true
  /** A folder that another family has used, to start on its data; the caller removes it. */
  readonly folder?: TemporaryFolder
  /** Node and program; those of this checkout unless given. */
  readonly command?: readonly string[]
  readonly deadlineMs?: number
  /** A program, with its arguments, that runs the supervisor: `strace`. */
  readonly under?: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** The supervisor with its children, as a user starts them. `await using` ends it. */
export interface Family extends AsyncDisposable {
  readonly host: string
  /** The supervisor's process (the launcher's, where there is one). */
  readonly process: ChildProcess
  readonly folder: TemporaryFolder
  /** From the start to the line `ready`. */
  readonly startMs: number
  /** The port of a service. @throws when there is none of that name */
  port(service: string): number
  /** All it printed. */
  output(): string
  status(): Promise<Status>
  /** `havre ARGS` with the same configuration. */
  havre(args: readonly string[], options?: RunOptions): Promise<Ended>
  /** The records of one service's journal. */
  records(service: string): Promise<Record<string, unknown>[]>
  /** All that lies in the logs' folder, and all that was printed, as one text. */
  everythingLogged(): Promise<string>
  /** Resolves when the process has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** SIGTERM, and waits for the end. @throws when it does not end in time */
  stop(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** The family could not be started, or did not end. The message holds all it printed. */
export class FamilyError extends Error {
  override readonly name = 'FamilyError'
  /** Its exit code, when it ended. */
  readonly code: number | null
  constructor(message: string, code: number | null = null) {
    super(message)
    this.code = code
  }
}

const within = async <T>(deadlineMs: number, promise: Promise<T>, late: () => Error): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), deadlineMs)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** The arguments that keep a family within one folder, on ports that the system chooses. */
export const familyArgs = (folder: TemporaryFolder): readonly string[] => [
  '--set',
  'ports=any',
  '--set',
  `data=${folder.at('data')}`,
  '--set',
  `logs=${folder.at('logs')}`,
]

const allServices = ['http', 'ftp', 'smtp', 'pop3']

/** The arguments that start what the test needs, and nothing else: a process costs half a second of the machine. */
const chosen = ({ services = allServices, demo }: FamilyOptions): readonly string[] => {
  const off = allServices.filter((name) => !services.includes(name)).map((name) => `services.${name}.enabled=false`)
  return [...off, ...(demo ? [] : ['demo=false'])].flatMap((setting) => ['--set', setting])
}

/** Starts `havre start` in a temporary folder and resolves when it has said `ready`. @throws {FamilyError} */
export const startFamily = async (options: FamilyOptions = {}): Promise<Family> => {
  const { deadlineMs = 90_000 } = options
  const folder = options.folder ?? (await temporaryFolder())
  const configuration = [...familyArgs(folder), ...chosen(options), ...(options.args ?? [])]
  const startedAt = performance.now()
  const under = options.under ?? []
  const [program = process.execPath, ...args] = [...under, ...(options.command ?? [process.execPath, ...havreProgram])]
  const child = spawn(program, [...args, 'start', ...configuration], {
    cwd: folder.path,
    env: { ...process.env, ...cleanEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let readyMs: number | null = null
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  const removeFolder = async () => {
    if (options.folder === undefined) await folder.remove()
  }
  const ready = new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      output += chunk.toString()
      if (readyMs === null && /^ready$/m.test(output)) {
        readyMs = performance.now() - startedAt
        resolve()
      }
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.once('error', (error) => reject(new FamilyError(`it cannot be started: ${error.message}`)))
    // 'close' and not 'exit': by then all it printed has been read.
    child.once('close', (code) => reject(new FamilyError(`it ended with ${code} before it was ready:\n${output}`, code)))
  })
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    const outcome = await within(deadlineMs, ended, () => {
      child.kill('SIGKILL')
      return new FamilyError(`it did not end within ${deadlineMs} ms of ${signal}:\n${output}`)
    })
    return outcome
  }
  const command = (args: readonly string[], run: RunOptions = {}) =>
    havre([...args, ...configuration], { cwd: folder.path, ...run, env: { ...options.env, ...run.env } })
  const status = async (): Promise<Status> => {
    const { code, stdout, stderr } = await command(['status', '--json'])
    if (code !== 0) throw new FamilyError(`havre status --json ended with ${code}:\n${stderr}\n${output}`)
    return JSON.parse(stdout.toString())
  }
  try {
    await within(deadlineMs, ready, () => new FamilyError(`it was not ready within ${deadlineMs} ms:\n${output}`))
    const { services } = await status()
    const ports = new Map(services.map(({ name, port }) => [name, port]))
    return {
      host: '127.0.0.1',
      process: child,
      folder,
      startMs: readyMs ?? Number.NaN,
      ended,
      status,
      havre: command,
      output: () => output,
      port: (service) => {
        const port = ports.get(service)
        if (port === undefined) throw new FamilyError(`there is no service ${service}, only ${[...ports.keys()].join(', ')}`)
        return port
      },
      records: async (service) => {
        const text = await readFile(folder.at('logs', `${service}.log`), 'utf8')
        // What has no end yet is still being written.
        return text
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line))
      },
      everythingLogged: async () => {
        const names = await readdir(folder.at('logs'))
        const files = await Promise.all(names.map((name) => readFile(folder.at('logs', name), 'utf8')))
        return [output, ...files].join('\n')
      },
      stop: () => end('SIGTERM'),
      [Symbol.asyncDispose]: async () => {
        if (child.exitCode === null && child.signalCode === null) await end('SIGTERM')
        await removeFolder()
      },
    }
  } catch (error) {
    child.kill('SIGKILL')
    await ended
    await removeFolder()
    throw error
  }
}

/** Prints what a family printed and journalled if this test failed: for `afterEach`. */
export const showWhereFailed = async (family: Family, test: Mocha.Test | undefined): Promise<void> => {
  if (test?.state !== 'failed') return
  const text = await family.everythingLogged()
  console.error(`── the family of "${test.fullTitle()}" said, at last:\n${text.split('\n').slice(-60).join('\n')}\n──`)
}

/**
 * One family for all tests of a group: started before the first, ended after the last. When a test fails, what the family printed
 * and journalled is shown.
 */
export const useFamily = (given: FamilyOptions | (() => FamilyOptions) = {}): (() => Family) => {
  let family: Family | null = null
  before('start the family', async function () {
    this.timeout(120_000)
    family = await startFamily(typeof given === 'function' ? given() : given)
  })
  afterEach('show the family where a test failed', async function () {
    if (family !== null) await showWhereFailed(family, this.currentTest)
  })
  after('end the family', async function () {
    this.timeout(120_000)
    await family?.[Symbol.asyncDispose]()
  })
  return () => {
    if (family === null) throw new FamilyError('the family was not started')
    return family
  }
}
