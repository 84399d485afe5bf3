/** Settings that are right each by itself must agree with each other too. */
import { isIPv4 } from 'node:net'
import { endpointText, plainAddress } from '../net/endpoint.ts'
import { type Checking, report } from './checking.ts'
import type { RawSettings } from './schema.ts'
import type { ServiceSettings } from './settings.ts'
import { originOf } from './tree.ts'
import { durationText } from './units.ts'

/** Of two settings that do not agree the one that was said later is to be changed; the other has held until then. */
const later = (one: readonly string[], two: readonly string[], { whole, rank }: Checking): boolean => {
  const [a, b] = [rank(originOf(whole, one)), rank(originOf(whole, two))]
  return (a[0] - b[0] || a[1] - b[1] || a[2] - b[2]) > 0
}

const checkTls = ({ tls }: RawSettings, checking: Checking): void => {
  if ((tls.certificate === 'auto') === (tls.key === 'auto')) return
  const [file, auto] = tls.key === 'auto' ? ['certificate', 'key'] : ['key', 'certificate']
  report(checking, ['tls', file], `is a file of its own: tls.${auto} must be one too, not auto`)
}

const checkLogins = ({ logins }: RawSettings, checking: Checking): void => {
  if (logins.delay <= logins.maxDelay) return
  const [delay, most] = [
    ['logins', 'delay'],
    ['logins', 'maxDelay'],
  ]
  if (later(delay, most, checking))
    report(checking, delay, `must be at most logins.maxDelay, which is ${durationText(logins.maxDelay)}`)
  else report(checking, most, `must be at least logins.delay, which is ${durationText(logins.delay)}`)
}

/** Tells of settings of the whole that do not agree. */
export const checkAgreement = (raw: RawSettings, checking: Checking): void => {
  checkTls(raw, checking)
  checkLogins(raw, checking)
}

/** Whether two sockets on these addresses, bound to one port, would meet; `::` takes IPv4 clients too. */
const overlap = (a: string, b: string): boolean => {
  const [one, two] = [plainAddress(a), plainAddress(b)]
  if (one === two || one === '::' || two === '::') return true
  return (one === '0.0.0.0' && isIPv4(two)) || (two === '0.0.0.0' && isIPv4(one))
}

const portPath = ({ name }: ServiceSettings): readonly string[] => ['services', name, 'port']

/** Tells of services that would listen on one port. */
export const checkPorts = (services: readonly ServiceSettings[], checking: Checking): void => {
  const bound: ServiceSettings[] = []
  for (const service of services.filter(({ enabled, port }) => enabled && port !== 0)) {
    const other = bound.find(({ host, port }) => port === service.port && overlap(host, service.host))
    bound.push(service)
    if (other === undefined) continue
    const [moved, there] = later(portPath(other), portPath(service), checking) ? [other, service] : [service, other]
    const where = endpointText({ address: there.host, port: there.port })
    report(checking, portPath(moved), `services.${there.name} is on ${where} already; give one of them another port`)
  }
}
