import { type ExecOptions, protocol } from '../../servers/exec/options.ts'
import { Run } from '../../servers/exec/run.ts'
import type { ServiceSettings } from '../../shared/config/settings.ts'
import { type CapturedJournal, capturedJournal } from '../kit/captured-journal.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { testSettings } from '../kit/settings.ts'

/** A program as a service runs it, in the test's own process; `await using` ends it. */
export interface ProgramRun extends AsyncDisposable {
  readonly run: Run
  readonly journal: CapturedJournal
  readonly folder: TemporaryFolder
  /** Of the program; 0 before it runs. */
  pid(): number
  /** What it wrote until now. */
  lines(): string[]
}

/** Makes one, on a shell script unless another command is given. */
export const programRun = async (
  script: string,
  options: Partial<Record<keyof ExecOptions, unknown>> = {},
  place: { readonly folder?: TemporaryFolder; readonly port?: number } = {},
): Promise<ProgramRun> => {
  const folder = place.folder ?? (await temporaryFolder())
  const journal = capturedJournal()
  const settings = testSettings(folder.path)
  const checked = protocol.options.parse({ command: ['sh', '-c', script], ready: { output: 'ready' }, ...options })
  const service: ServiceSettings = {
    name: 'thing',
    protocol: 'exec',
    enabled: true,
    host: '127.0.0.1',
    port: place.port ?? 0,
    workers: 1,
    tls: 'off',
    requireTls: 'auto',
    proxyProtocol: null,
    log: { level: 'debug' },
    limits: {
      connections: 1,
      connectionsPerAddress: 1,
      connectionsPerSecond: null,
      idleMs: 1,
      loginMs: null,
      totalMs: null,
      handshakeMs: 1,
      memoryOctets: 1,
    },
    options: checked,
  }
  let pid = 0
  const run = new Run({
    service,
    options: checked,
    settings,
    journal,
    onProgram: (program) => {
      pid = program.pid
    },
  })
  return {
    run,
    journal,
    folder,
    pid: () => pid,
    lines: () => journal.of('program.output').map(({ fields }) => String(fields['text'])),
    [Symbol.asyncDispose]: async () => {
      await run.stop(0)
      if (place.folder === undefined) await folder.remove()
    },
  }
}

/** What a promise was rejected with. @throws when it was not */
export const failureOf = async (work: Promise<unknown>): Promise<Error> => {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it did not fail')
}
