import type { Check, Finding, Patient } from '../../../cli/doctor/check.ts'
import type { Seen, ServiceStatus } from '../../../cli/supervisor-status.ts'
import { protocols } from '../../../servers/supervisor/protocols.ts'
import { loadConfiguration } from '../../../shared/config/load.ts'
import type { TemporaryFolder } from '../../kit/folder.ts'

/** How a patient differs from one with the defaults, in a folder of its own, of which nothing runs. */
export interface PatientOptions {
  /** `name=value`, as `--set` takes them. */
  readonly sets?: readonly string[]
  /** Only these services. */
  readonly services?: readonly string[]
  /** A supervisor runs and says this of its services; each is `ready` unless it says otherwise. */
  readonly running?: readonly (Partial<ServiceStatus> & { readonly name: string; readonly port: number })[]
  readonly nowMs?: number
}

export const patientIn = async (folder: TemporaryFolder, options: PatientOptions = {}): Promise<Patient> => {
  const { sets = [], services = ['http', 'ftp', 'smtp', 'pop3'], running, nowMs = Date.now() } = options
  const places = ['ports=any', `data=${folder.at('data')}`, `logs=${folder.at('logs')}`]
  const configuration = await loadConfiguration({ protocols, files: [], sets: [...places, ...sets], env: {} })
  return {
    configuration,
    services: configuration.services.filter(({ name, enabled }) => enabled && services.includes(name)),
    seen: running === undefined ? { kind: 'absent', why: 'no Havre runs' } : runningWith(running),
    nowMs,
  }
}

const runningWith = (services: NonNullable<PatientOptions['running']>): Seen => ({
  kind: 'running',
  status: {
    supervisor: { pid: process.pid, version: '0.0.0', state: 'ready', startedAt: new Date().toISOString() },
    services: services.map((service) => ({
      protocol: service.name,
      host: '127.0.0.1',
      pid: process.pid,
      state: 'ready',
      startedAt: new Date().toISOString(),
      restarts: 0,
      connections: 0,
      served: 0,
      memory: 0,
      lastError: null,
      ...service,
    })),
  },
})

/** What a check finds, in the order of its findings. */
export const findingsOf = async (check: Check, folder: TemporaryFolder, options?: PatientOptions): Promise<readonly Finding[]> =>
  check.look(await patientIn(folder, options))

/** `problem: what, and what to do`: findings other than `ok`, a line each. */
export const troublesOf = async (check: Check, folder: TemporaryFolder, options?: PatientOptions): Promise<readonly string[]> =>
  (await findingsOf(check, folder, options))
    .filter(({ severity }) => severity !== 'ok')
    .map(({ severity, message, suggestion }) => `${severity}: ${message} → ${suggestion}`)
