import { BoundSocket } from 'node:net'
import { type Holder, holderOf, holderText } from '../../servers/supervisor/holder.ts'
import type { ConfiguredService } from '../../shared/config/settings.ts'
import { endpointText } from '../../shared/net/endpoint.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient, statusOf } from './check.ts'
import { isOfFamily } from './family-processes.ts'

/** Why an address cannot be bound, and what to do. */
const bindProblem = (service: ConfiguredService, code: string, data: string): Finding => {
  const { name, host, port } = service
  const where = `${name}: port ${port} on ${host}`
  if (code === 'EADDRINUSE') return taken(service, holderOf(port), data)
  if (code === 'EACCES') {
    const ways = [
      'Start as root with the setting `user`;',
      'or under systemd with AmbientCapabilities=CAP_NET_BIND_SERVICE (examples/havre.service), where this does not matter;',
      `or allow it: setcap cap_net_bind_service=+ep $(readlink -f $(which node)), or sysctl net.ipv4.ip_unprivileged_port_start=${port};`,
      'or set ports: high',
    ]
    return found('problem', `${where} needs privilege that this user has not`, ways.join('\n'), name)
  }
  if (code === 'EADDRNOTAVAIL') {
    return found('problem', `${where}: this machine has no address ${host}`, `Set services.${name}.host to one that it has`, name)
  }
  return found('problem', `${where} cannot be bound (${code})`, `Choose another: --set services.${name}.port=NUMBER`, name)
}

const taken = ({ name, host, port }: ConfiguredService, holder: Holder | null, data: string): Finding => {
  const where = `${name}: port ${port} on ${host}`
  if (holder === null) {
    const suggestion = `Run \`havre doctor\` as root to see which; or choose another port: --set services.${name}.port=NUMBER`
    return found('problem', `${where} is in use by a program that cannot be seen from here`, suggestion, name)
  }
  if (isOfFamily(data, holder.args)) {
    const suggestion = `A start waits for it up to 10 s; if it stays, end it: kill ${holder.pid}`
    return found('warning', `${where} is still held by what is left of an earlier Havre (pid ${holder.pid})`, suggestion, name)
  }
  const suggestion = `Stop that program, or choose another port: --set services.${name}.port=NUMBER`
  return found('problem', `${where} is in use by ${holderText(holder)}`, suggestion, name)
}

/** A service that is to start: can its port be had? */
const lookAtFree = (service: ConfiguredService, data: string): Finding => {
  const { name, host, port } = service
  if (port === 0) return ok(`${name} gets a port from the system`, name)
  try {
    new BoundSocket({ host, port }).close()
    return ok(`${name}: ${endpointText({ address: host, port })} is free`, name)
  } catch (error) {
    const code = codeOf(error)
    if (code === '') throw error
    return bindProblem(service, code, data)
  }
}

/** A service of the family that runs: is it where the configuration says, and is its port really its own? */
const lookAtOurs = (patient: Patient, service: ConfiguredService, supervisor: number): Finding => {
  const { name, host, port } = service
  const { data } = patient.configuration.settings
  const status = statusOf(patient, name)
  if (status === null) return lookAtFree(service, data)
  const where = endpointText({ address: status.host, port: status.port })
  if (status.host !== host || (port !== 0 && status.port !== port)) {
    const wanted = endpointText({ address: host, port })
    return found('warning', `${name} runs on ${where}, the configuration says ${wanted}`, '`havre reload` moves it', name)
  }
  const holder = holderOf(status.port)
  const ours = holder === null || holder.pid === supervisor || holder.pid === status.pid || isOfFamily(data, holder.args)
  if (!ours && service.external === null) return taken({ ...service, port: status.port }, holder, data)
  return ok(`${name}: ${where} is held by this Havre${status.pid === null ? '' : ` (pid ${status.pid})`}`, name)
}

const look = async (patient: Patient): Promise<Finding[]> => {
  const { services, seen, configuration } = patient
  if (seen.kind === 'running') return services.map((service) => lookAtOurs(patient, service, seen.status.supervisor.pid))
  // One that does not answer holds its ports all the same: that is no further finding.
  return seen.kind === 'silent' ? [] : services.map((service) => lookAtFree(service, configuration.settings.data))
}

/** Whether each port is free or the family's own, and else who holds it. */
export const ports: Check = { name: 'ports', ofServices: true, look }
