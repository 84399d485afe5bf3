import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isLoopback } from '../../shared/net/endpoint.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient } from './check.ts'

/** A resolver that does not answer is as good as none. */
const lookupMs = 5_000

/** Whether other machines reach a service. */
export const isExposed = ({ services }: Patient): boolean => services.some(({ host }) => !isLoopback(host))

const addressesOf = async (name: string): Promise<readonly string[] | string> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('ETIMEOUT'), lookupMs)
  })
  const asked = lookup(name, { all: true }).then(
    (found) => found.map(({ address }) => address),
    (error: unknown) => codeOf(error) || 'unknown',
  )
  const answer = await Promise.race([asked, late])
  clearTimeout(timer)
  return answer
}

const ownAddresses = (): ReadonlySet<string> =>
  new Set(Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address)))

const look = async (patient: Patient): Promise<Finding[]> => {
  const { hostname } = patient.configuration.settings
  const exposed = isExposed(patient)
  if (exposed && (hostname === 'localhost' || isLoopback(hostname))) {
    const message = `the servers call themselves ${hostname}, though other machines reach them`
    return [
      found('warning', message, 'Set hostname to the name by which clients call this machine: other mail servers refuse localhost'),
    ]
  }
  if (isIP(hostname) !== 0) return [ok(`${hostname} is an address, no name`)]
  const addresses = await addressesOf(hostname)
  if (typeof addresses === 'string') {
    const remedy = `Give it an address in the DNS, or in /etc/hosts of each machine; or set hostname to a name that has one`
    return [found(exposed ? 'warning' : 'hint', `hostname ${hostname} has no address (${addresses})`, remedy)]
  }
  const own = ownAddresses()
  if (addresses.some((address) => own.has(address) || isLoopback(address)))
    return [ok(`hostname ${hostname} is ${addresses.join(', ')}`)]
  const message = `hostname ${hostname} is ${addresses.join(', ')}, which is no address of this machine`
  return [found('hint', message, 'Behind a router that passes connections on that is right; else the name is another machine’s')]
}

/** Whether the name that the servers call themselves leads to them. */
export const names: Check = { name: 'name', ofServices: false, look }
