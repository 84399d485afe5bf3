/** The services of a configuration: each is the settings that all have and those of its protocol. */
import { isIPv4 } from 'node:net'
import { z } from 'zod'
import { endpointText, plainAddress } from '../net/endpoint.ts'
import type { Protocol } from '../service.ts'
import { check } from './check.ts'
import { idleSettings } from './idle.ts'
import { nearest } from './nearest.ts'
import { dotted } from './plain.ts'
import type { Problem } from './problem.ts'
import { type RawService, type RawSettings, serviceSchema, settingsSchema } from './schema.ts'
import type { ServiceSettings } from './settings.ts'
import { type Fields, fieldsOf } from './shape.ts'
import { find, originOf, type Tree } from './tree.ts'

/** The protocols that services may name. */
export type Protocols = Readonly<Record<string, Protocol<unknown>>>

/** What checking a service needs, and where it puts what is wrong. */
export interface Checking {
  readonly protocols: Protocols
  /** The whole configuration. */
  readonly whole: Tree
  readonly problems: Problem[]
}

/** A service whose own settings are right. */
export interface CheckedService {
  readonly name: string
  readonly protocol: Protocol<unknown>
  readonly common: Omit<RawService, 'protocol'>
  readonly options: unknown
  /** Settings of it that nothing reads yet. */
  readonly idle: readonly string[]
}

/** Names become names of files; some are taken, or are devices elsewhere. */
const namePattern = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/
const takenNames = /^(?:supervisor|con|prn|aux|nul|com\d|lpt\d)$/

const commonSchema = serviceSchema.omit({ protocol: true })

const textAt = (tree: Tree, path: readonly string[]): string | null => {
  const found = find(tree, path)?.tree
  return found?.kind === 'scalar' && typeof found.value === 'string' ? found.value : null
}

const known = (protocols: Protocols, name: string | null): Protocol<unknown> | null =>
  name !== null && Object.hasOwn(protocols, name) ? (protocols[name] ?? null) : null

/** The settings that a service of this protocol has; where that is not known, any that some protocol has. */
export const serviceFields = (protocol: Protocol<unknown> | null, protocols: Protocols): Fields => {
  const own = (protocol === null ? Object.values(protocols) : [protocol]).map((each) => fieldsOf(each.options) ?? {})
  return Object.assign({}, ...own, serviceSchema.shape)
}

/** What a tree may hold: the settings of the whole, and those of each service that is in it. */
export const rootSchema = (tree: Tree, protocols: Protocols): z.ZodObject => {
  const services = find(tree, ['services'])?.tree
  const names = services?.kind === 'mapping' ? [...services.entries.keys()] : []
  const each = names.map((name): [string, z.core.$ZodType] => {
    const protocol = known(protocols, textAt(tree, ['services', name, 'protocol']))
    return [name, z.strictObject(serviceFields(protocol, protocols))]
  })
  return z.strictObject({ ...settingsSchema.shape, services: z.strictObject(Object.fromEntries(each)) })
}

const checkName = (name: string, { whole, problems }: Checking): void => {
  const report = (message: string) => {
    const origin = find(whole, ['services', name])?.name ?? whole.origin
    problems.push({ origin, setting: dotted(['services', name]), message })
  }
  if (!namePattern.test(name)) report('the name of a service has at most 32 lower-case letters, digits and dashes, a letter first')
  else if (takenNames.test(name)) report('this name is taken; give the service another')
}

/** Its protocol; where it is missing or unknown, what it may be. */
const checkProtocol = (name: string, { protocols, whole, problems }: Checking): Protocol<unknown> | null => {
  const path = ['services', name, 'protocol']
  const tree = find(whole, path)?.tree
  const text = textAt(whole, path)
  const protocol = known(protocols, text)
  if (protocol !== null) return protocol
  const all = Object.keys(protocols)
  const near = nearest(text ?? name, all)
  const others = find(whole, ['services'])?.tree
  const defined =
    others?.kind === 'mapping'
      ? [...others.entries.keys()].filter((other) => textAt(whole, ['services', other, 'protocol']) !== null)
      : []
  const meant = nearest(name, defined)
  const said = tree?.kind === 'scalar' ? tree.written : ''
  const message =
    tree === undefined
      ? `is missing: a service of a new name needs a protocol (${all.join(', ')})${meant === null ? '' : `; or did you mean services.${meant}?`}`
      : `must be ${all.join(', ')}, not ${JSON.stringify(said)}${near === null ? '' : `; did you mean ${near}?`}`
  problems.push({ origin: originOf(whole, path), setting: dotted(path), message })
  return null
}

/** What cannot be, by the protocol: a change to TLS where the protocol knows none. */
const checkTls = (
  name: string,
  protocol: Protocol<unknown>,
  common: Omit<RawService, 'protocol'>,
  { whole, problems }: Checking,
): void => {
  if (protocol.startTls !== false) return
  const report = (setting: string, message: string) => {
    const path = ['services', name, setting]
    problems.push({ origin: originOf(whole, path), setting: dotted(path), message })
  }
  if (common.tls === 'starttls')
    report('tls', `must be implicit or off: ${protocol.protocol} knows no change to TLS in a conversation`)
  if (common.requireTls !== undefined) report('requireTls', `${protocol.protocol} services have no such setting`)
}

/**
 * Checks one service for itself.
 * @param plain what is set of it, without unknown settings
 * @returns null where something is wrong
 */
export const checkService = (name: string, plain: unknown, checking: Checking): CheckedService | null => {
  const { protocols, whole, problems } = checking
  const before = problems.length
  const path = ['services', name]
  checkName(name, checking)
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    const message = 'must be a section of settings; `enabled: false` in it switches a service off'
    problems.push({ origin: originOf(whole, path), setting: dotted(path), message })
    return null
  }
  const protocol = checkProtocol(name, checking)
  const entries = Object.entries(plain).filter(([key]) => key !== 'protocol')
  const isShared = ([key]: readonly [string, unknown]) => Object.hasOwn(serviceSchema.shape, key)
  const common = check(commonSchema, Object.fromEntries(entries.filter(isShared)), { whole, path }, problems)
  if (protocol === null) return null
  const own = Object.fromEntries(entries.filter((entry) => !isShared(entry)))
  const options = check(protocol.options, own, { whole, path }, problems)
  if (common !== null) checkTls(name, protocol, common, checking)
  if (common === null || problems.length > before) return null
  const idle = common.enabled ? idleSettings(serviceFields(protocol, protocols), plain, path) : []
  return {
    name,
    protocol,
    common,
    options,
    idle: idle.filter((setting) => setting !== `${dotted(path)}.tls` || common.tls !== 'starttls'),
  }
}

/** A service with all that it takes from the settings of the whole. */
export const serviceSettings = ({ name, protocol, common, options }: CheckedService, top: RawSettings): ServiceSettings => {
  const tls = common.tls ?? (protocol.startTls === false ? 'off' : 'starttls')
  const ports = protocol.ports(options, tls)
  const standard = { high: ports.high, 'well-known': ports.wellKnown, any: 0 }[top.ports]
  const { connections, connectionsPerAddress, connectionsPerSecond, idle } = common.limits
  return {
    name,
    protocol: protocol.protocol,
    enabled: common.enabled,
    host: common.host ?? top.host,
    port: common.port ?? standard,
    workers: common.workers,
    tls,
    requireTls: common.requireTls ?? 'auto',
    proxyProtocol: common.proxyProtocol,
    limits: {
      connections: connections ?? top.limits.connections,
      connectionsPerAddress: connectionsPerAddress ?? top.limits.connectionsPerAddress,
      connectionsPerSecond: connectionsPerSecond === undefined ? top.limits.connectionsPerSecond : connectionsPerSecond,
      idleMs: idle ?? top.limits.idle,
    },
    options,
  }
}

/** Whether two sockets on these addresses, bound to one port, would meet; `::` takes IPv4 clients too. */
const overlap = (a: string, b: string): boolean => {
  const [one, two] = [plainAddress(a), plainAddress(b)]
  if (one === two || one === '::' || two === '::') return true
  return (one === '0.0.0.0' && isIPv4(two)) || (two === '0.0.0.0' && isIPv4(one))
}

/** Tells of services that would listen on one port. */
export const checkPorts = (services: readonly ServiceSettings[], { whole, problems }: Checking): void => {
  const bound: ServiceSettings[] = []
  for (const service of services.filter(({ enabled, port }) => enabled && port !== 0)) {
    const other = bound.find(({ host, port }) => port === service.port && overlap(host, service.host))
    if (other !== undefined) {
      const path = ['services', service.name, 'port']
      const where = endpointText({ address: service.host, port: service.port })
      const origin = originOf(whole, path)
      problems.push({
        origin,
        setting: dotted(path),
        message: `${where} is the port of services.${other.name} already; give one of them another`,
      })
    }
    bound.push(service)
  }
}
