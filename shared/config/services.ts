/** The services of a configuration: each is the settings that all have and those of its protocol. */
import { z } from 'zod'
import { type LimitedService, limits as table } from '../limits/limits.ts'
import type { Need } from '../need.ts'
import type { Protocol } from '../service.ts'
import { check, shown, words } from './check.ts'
import { type Checking, type Protocols, report, reportName } from './checking.ts'
import { idleSettings } from './idle.ts'
import { nearest } from './nearest.ts'
import { type RawService, type RawSettings, serviceSchema, settingsSchema } from './schema.ts'
import type { ConfiguredService, Limits, Settings } from './settings.ts'
import { type Fields, fieldsOf } from './shape.ts'
import { find, type Tree } from './tree.ts'
import { millisecondsOf } from './units.ts'

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
export const namePattern = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/
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

/** The names of all services in the tree of the whole. */
const serviceNames = (tree: Tree): readonly string[] => {
  const services = find(tree, ['services'])?.tree
  return services?.kind === 'mapping' ? [...services.entries.keys()] : []
}

/** What a tree may hold: the settings of the whole, and those of each service that is in it. */
export const rootSchema = (tree: Tree, protocols: Protocols): z.ZodObject => {
  const each = serviceNames(tree).map((name): [string, z.core.$ZodType] => {
    const protocol = known(protocols, textAt(tree, ['services', name, 'protocol']))
    return [name, z.strictObject(serviceFields(protocol, protocols))]
  })
  return z.strictObject({ ...settingsSchema.shape, services: z.strictObject(Object.fromEntries(each)) })
}

const checkName = (name: string, checking: Checking): void => {
  const isTaken = takenNames.test(name)
  if (namePattern.test(name) && !isTaken) return
  const rule = 'the name of a service has at most 32 lower-case letters, digits and dashes, a letter first'
  reportName(checking, ['services', name], isTaken ? 'this name is taken; give the service another' : rule)
}

/** Its protocol; where it is missing or unknown, what it may be. */
const checkProtocol = (name: string, checking: Checking): Protocol<unknown> | null => {
  const { protocols, whole, isPartial } = checking
  const path = ['services', name, 'protocol']
  const said = find(whole, path)?.tree ?? null
  const text = textAt(whole, path)
  const protocol = known(protocols, text)
  if (protocol !== null || (said === null && isPartial)) return protocol
  const all = Object.keys(protocols)
  const others = serviceNames(whole).filter((other) => textAt(whole, ['services', other, 'protocol']) !== null)
  const meant = said === null ? nearest(name, others) : nearest(text ?? '', all)
  const message =
    said === null
      ? `is missing: a service of a new name needs one (${all.join(', ')})${meant === null ? '' : `; or did you mean services.${meant}?`}`
      : `must be ${words(all)}, not ${shown(said)}${meant === null ? '' : `; did you mean ${meant}?`}`
  report(checking, path, message)
  return null
}

/** What the kinds of encryption cannot be, by the protocol and by each other. */
const checkTls = (
  path: readonly string[],
  protocol: Protocol<unknown>,
  common: CheckedService['common'],
  checking: Checking,
): void => {
  const { tls, requireTls } = common
  if (protocol.startTls === false) {
    const it = protocol.protocol
    if (tls === 'starttls')
      report(checking, [...path, 'tls'], `must be implicit or off: ${it} has no change to TLS in a conversation`)
    if (requireTls !== undefined) report(checking, [...path, 'requireTls'], `${it} services have no such setting`)
  } else if (tls === 'off' && requireTls === 'always') {
    report(checking, [...path, 'requireTls'], 'must be auto or never where tls is off: nobody could log in')
  }
}

/** What the host would do, and nobody does for a program of somebody else. */
const hostSettings = ['tls', 'requireTls', 'workers', 'proxyProtocol', 'limits'] as const

/** The settings that all services of a protocol share. */
export const sharedFields = ({ external }: Protocol<unknown>): Fields => {
  const fields: Fields = serviceSchema.shape
  if (external === undefined) return fields
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !hostSettings.some((each) => each === name)))
}

const checkExternal = (path: readonly string[], entries: readonly (readonly [string, unknown])[], checking: Checking): void => {
  const message = 'is for services of Havre itself; what this program does of the kind is up to its own settings'
  for (const [name] of entries) if (hostSettings.some((each) => each === name)) report(checking, [...path, name], message)
}

/**
 * Checks one service for itself.
 * @param plain what is set of it, without unknown settings
 * @returns null where something is wrong
 */
export const checkService = (name: string, plain: unknown, checking: Checking): CheckedService | null => {
  const { protocols, problems } = checking
  const before = problems.length
  const path = ['services', name]
  checkName(name, checking)
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    report(checking, path, 'must be a section of settings; `enabled: false` in it switches a service off')
    return null
  }
  const protocol = checkProtocol(name, checking)
  const entries = Object.entries(plain).filter(([key]) => key !== 'protocol')
  const isShared = ([key]: readonly [string, unknown]) => Object.hasOwn(serviceSchema.shape, key)
  const common = check(commonSchema, Object.fromEntries(entries.filter(isShared)), path, checking)
  if (protocol === null) return null
  const own = Object.fromEntries(entries.filter((entry) => !isShared(entry)))
  const options = check(protocol.options, own, path, checking)
  if (protocol.external !== undefined) checkExternal(path, entries, checking)
  else if (common !== null) checkTls(path, protocol, common, checking)
  if (common === null || problems.length > before || options === null) return null
  const portProblem = common.port === undefined ? null : (protocol.portProblem?.(options, common.port) ?? null)
  if (portProblem !== null) {
    report(checking, [...path, 'port'], portProblem)
    return null
  }
  const idle = common.enabled ? idleSettings(serviceFields(protocol, protocols), plain, path) : []
  return { name, protocol, common, options, idle }
}

/** The limits of a service of this kind, `auto` filled in from the table. */
const limitsOf = (kind: string, own: RawService['limits'], all: RawSettings['limits']): Limits => {
  const byTable = (defaults: Readonly<Partial<Record<LimitedService, string>>>): number | null => {
    const text = Object.entries(defaults).find(([name]) => name === kind)?.[1]
    return text === undefined ? null : millisecondsOf(text)
  }
  const idle = own.idle ?? all.idle
  const login = own.login === undefined ? all.login : own.login
  const loginMs = byTable(table.login.defaults)
  return {
    connections: own.connections ?? all.connections,
    connectionsPerAddress: own.connectionsPerAddress ?? all.connectionsPerAddress,
    connectionsPerSecond: own.connectionsPerSecond === undefined ? all.connectionsPerSecond : own.connectionsPerSecond,
    // A program of somebody else is in no table, and nothing of this is done for it.
    idleMs: idle === 'auto' ? (byTable(table.idle.defaults) ?? 0) : idle,
    loginMs: login === 'auto' || loginMs === null ? loginMs : login,
    totalMs: own.total === undefined ? all.total : own.total,
    handshakeMs: own.handshake ?? all.handshake,
    memoryOctets: own.memory ?? all.memory,
  }
}

/** Each folder once, with the setting that names it first. */
const needsOf = (protocol: CheckedService['protocol'], options: unknown, settings: Settings): readonly Need[] => {
  const folders = new Map<string, Need>()
  for (const { setting, folder } of protocol.folders?.(options) ?? [])
    if (!folders.has(folder)) folders.set(folder, { kind: 'folder', setting: setting.join('.'), path: folder })
  return [...folders.values(), ...(protocol.needs?.(options, settings) ?? [])]
}

/** A service with all that it takes from the settings of the whole. */
export const serviceSettings = (
  { name, protocol, common, options }: CheckedService,
  top: RawSettings,
  settings: Settings,
): ConfiguredService => {
  const tls = common.tls ?? (protocol.startTls === false ? 'off' : 'starttls')
  const ports = protocol.ports(options, tls)
  const standard = { high: ports.high, 'well-known': ports.wellKnown, any: 0 }[top.ports]
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
    log: { level: common.log.level ?? top.log.level },
    limits: limitsOf(protocol.limitedAs?.(options) ?? protocol.protocol, common.limits, top.limits),
    options,
    grants: protocol.grants(options, settings),
    needs: needsOf(protocol, options, settings),
    external: protocol.external?.(options) ?? null,
    probe: protocol.probe ?? null,
    startTlsProbe: protocol.startTlsProbeFor?.(options) ?? protocol.startTlsProbe ?? null,
    example: protocol.exampleFor?.(options, tls) ?? protocol.example,
  }
}

/** The services with what each has to know of the others. */
export const amongOthers = (services: readonly ConfiguredService[], checking: Checking): readonly ConfiguredService[] =>
  services.map((service) => {
    const result = checking.protocols[service.protocol]?.among?.(service.options, services)
    if (result === undefined) return service
    if ('options' in result) return { ...service, options: result.options }
    // Who does not run asks nothing of the others.
    if (service.enabled) report(checking, ['services', service.name, result.setting], result.problem)
    return service
  })
