import process from 'node:process'
import { descriptorLimit, descriptorsFor } from '../../servers/supervisor/descriptors.ts'
import type { ConfiguredService } from '../../shared/config/settings.ts'
import { type Check, type Finding, found, ok, type Patient, statusOf } from './check.ts'

const ofService = (patient: Patient, service: ConfiguredService): Finding[] => {
  const { name, limits, external } = service
  if (external !== null) return []
  const limit = descriptorLimit(statusOf(patient, name)?.pid ?? 'self')
  const needed = descriptorsFor(limits.connections)
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
