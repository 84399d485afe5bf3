import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { ConfiguredService } from '../../shared/config/settings.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient, statusOf } from './check.ts'

/** A conversation may have a file, a data connection and an upstream beside its own socket. */
const descriptorsPerConnection = 2

/** What a process needs for itself: its program, databases, journals. */
const ownDescriptors = 64

/** The limit of open files of a process, or null where the system does not tell. @see proc_pid_limits(5) */
const descriptorLimit = (pid: number | 'self'): number | null => {
  try {
    const line = /^Max open files\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))
    return line === null ? null : line[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line[1])
  } catch (error) {
    if (codeOf(error) === '') throw error
    return null
  }
}

const ofService = (patient: Patient, service: ConfiguredService): Finding[] => {
  const { name, limits, external } = service
  if (external !== null) return []
  const limit = descriptorLimit(statusOf(patient, name)?.pid ?? 'self')
  const needed = limits.connections * descriptorsPerConnection + ownDescriptors
  if (limit === null || limit >= needed) return []
  const message = `${name} may have ${limits.connections} connections, for which ${needed} open files are needed; the system allows ${limit}`
  const remedy = `Raise the limit (systemd: LimitNOFILE=${needed}; a shell: ulimit -n ${needed}), or lower services.${name}.limits.connections`
  return [found('warning', message, remedy, name)]
}

/** `net.BoundSocket` came with this one. */
const neededNode = [26, 4] as const

const ofNode = (version: string): Finding => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > neededNode[0] || (major === neededNode[0] && minor >= neededNode[1])) return ok(`Node ${version}`)
  return found('problem', `Node ${version} is too old`, `Install Node ${neededNode.join('.')} or newer (https://nodejs.org)`)
}

const look = async (patient: Patient): Promise<Finding[]> => {
  const limits = patient.services.flatMap((service) => ofService(patient, service))
  const fine = ok('enough files may be open for the connections that are allowed')
  return [ofNode(process.versions.node), ...(limits.length > 0 ? limits : [fine])]
}

/** Whether Node is new enough, and as many files may be open as connections are allowed. */
export const resources: Check = { name: 'system', ofServices: true, look }
