/**
 * Makes the configuration: `config/default.yaml`, then files, then `HAVRE_…` variables, then `--set`; later wins. All that is wrong
 * is told at once.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { checkAgreement, checkPorts } from './agreement.ts'
import { bareAliases, bareCatchAll, checkAliases } from './aliases.ts'
import { check } from './check.ts'
import type { Checking, Protocols } from './checking.ts'
import { checkFileAccounts, fileSettings } from './file-settings.ts'
import { checkFolders } from './folders.ts'
import { idleSettings } from './idle.ts'
import { readEnvironment, readSets } from './overrides.ts'
import { Plain } from './plain.ts'
import { ConfigurationError, type Problem } from './problem.ts'
import { readYamlFile } from './read-yaml.ts'
import { type RawSettings, settingsSchema } from './schema.ts'
import { amongOthers, type CheckedService, checkService, rootSchema, serviceSettings } from './services.ts'
import type { Configuration, KeyFiles, Settings } from './settings.ts'
import { type Mapping, mergeMappings } from './tree.ts'

/** Where a configuration comes from. */
export interface Sources {
  readonly protocols: Protocols
  /** YAML files, in order; relative to `cwd`. */
  readonly files?: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  /** `--set` arguments, `services.http.port=80`. */
  readonly sets?: readonly string[]
  /** What relative paths outside of files are relative to; the working directory unless given. */
  readonly cwd?: string
  /** Whether the folders that services serve from have to be there: for a start. */
  readonly startable?: boolean
  /** Read first, in the place of `config/default.yaml`: for tests. */
  readonly defaults?: string
}

/** The file of all defaults, in the folder of the program: the sources and `dist/` lie at different depths below it. */
export const defaultFile = ((): string => {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const file = join(folder, 'config', 'default.yaml')
    if (existsSync(file) || folder === dirname(folder)) return file
  }
})()

/** Names and units of the file → those of the code. */
const settingsOf = (raw: RawSettings): Settings => ({
  host: raw.host,
  ports: raw.ports,
  hostname: raw.hostname,
  data: resolve(dirname(defaultFile), raw.data),
  logs: resolve(dirname(defaultFile), raw.logs),
  user: raw.user,
  domains: [...new Set(raw.domains)],
  demo: raw.demo,
  tls: { ...raw.tls, hosts: [] },
  drainMs: raw.drain,
  mail: {
    aliases: bareAliases(raw),
    catchAll: bareCatchAll(raw),
    maxSizeOctets: raw.mail.maxSize,
    quota: { octets: raw.mail.quota.bytes, messages: raw.mail.quota.messages },
    retention: { ageMs: raw.mail.retention.age, messages: raw.mail.retention.messages, octets: raw.mail.retention.size },
    bareNewlines: raw.mail.bareNewlines,
  },
  files: fileSettings(raw.files),
  logins: {
    delayMs: raw.logins.delay,
    maxDelayMs: raw.logins.maxDelay,
    windowMs: raw.logins.window,
    accountThreshold: raw.logins.accountThreshold,
    blockAfter: raw.logins.blockAfter,
    blockMs: raw.logins.block,
    scram: raw.logins.scram,
  },
  log: {
    level: raw.log.level,
    rotate: {
      sizeOctets: raw.log.rotate.size,
      daily: raw.log.rotate.daily,
      keep: raw.log.rotate.keep,
      totalOctets: raw.log.rotate.total,
      compress: raw.log.rotate.compress,
    },
  },
})

const withService = ({ setting, ...files }: KeyFiles, { name }: CheckedService): KeyFiles => ({
  ...files,
  setting: `services.${name}.${setting}`,
})

/** With the hosts of the services that run, and the certificates that these have. */
const withHosts = (settings: Settings, services: readonly CheckedService[]): Settings => {
  const running = services.filter(({ common }) => common.enabled)
  const hostsOf = ({ protocol, options }: CheckedService) => protocol.hosts?.(options) ?? []
  const own = running.flatMap((service) =>
    hostsOf(service).flatMap(({ keyFiles }) => (keyFiles === null ? [] : [withService(keyFiles, service)])),
  )
  // A site has several names, and two services may have one site: the first that names the files tells of them.
  const different = new Map<string, KeyFiles>()
  for (const files of own) {
    const both = `${files.certificate}\0${files.key}`
    if (!different.has(both)) different.set(both, files)
  }
  const certificates = [...settings.tls.certificates, ...different.values()]
  const all = running.flatMap(hostsOf)
  const hosts = [...new Set(all.filter(({ keyFiles }) => keyFiles === null).map(({ name }) => name))]
  return { ...settings, tls: { ...settings.tls, certificates, hosts } }
}

/** What the sources say together, and whether all of them could be read. */
interface Gathered {
  readonly whole: Mapping
  readonly isPartial: boolean
}

/** All sources as one tree; what cannot be read goes to `problems`. */
const gather = (sources: Sources, files: readonly string[], problems: Problem[]): Gathered => {
  let whole: Mapping = { kind: 'mapping', origin: { source: 'file', file: files[0] ?? '', line: 0, column: 0 }, entries: new Map() }
  let isPartial = false
  for (const file of files) {
    const reading = readYamlFile(file)
    problems.push(...reading.problems)
    if (reading.tree === null) isPartial = true
    else whole = mergeMappings(whole, reading.tree)
  }
  const variables = readEnvironment(sources.env ?? {}, whole, (tree) => rootSchema(tree, sources.protocols))
  const sets = readSets(sources.sets ?? [], variables.tree)
  problems.push(...variables.problems, ...sets.problems)
  return { whole: sets.tree, isPartial }
}

/** When something was said: by the order of the sources, then by the lines of a file. */
const ranking =
  (files: readonly string[]): Checking['rank'] =>
  (origin) =>
    origin.source === 'file'
      ? [files.lastIndexOf(origin.file), origin.line, origin.column]
      : [files.length + (origin.source === 'environment' ? 0 : 1), 0, 0]

const inOrder = ({ problems, rank }: Checking): readonly Problem[] =>
  problems.toSorted((one, two) => {
    const [a, b] = [rank(one.origin), rank(two.origin)]
    return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
  })

/**
 * Reads and checks the configuration.
 * @throws {ConfigurationError} with everything that is wrong
 */
export const loadConfiguration = (sources: Sources): Configuration => {
  const { protocols, cwd = process.cwd() } = sources
  const problems: Problem[] = []
  const files = [sources.defaults ?? defaultFile, ...(sources.files ?? [])].map((file) => resolve(cwd, file))
  const { whole, isPartial } = gather(sources, files, problems)
  const checking: Checking = { protocols, whole, isPartial, problems, rank: ranking(files) }
  const { services = {}, ...rest } = new Plain(rootSchema(whole, protocols), cwd, problems).whole(whole)
  const top = check(settingsSchema, rest, [], checking)
  if (top !== null) {
    checkAliases(top, checking)
    checkFileAccounts(top, checking)
    checkAgreement(top, checking)
  }
  const plain = check(z.record(z.string(), z.unknown()), services, ['services'], checking) ?? {}
  const checked = Object.entries(plain).map(([name, each]) => checkService(name, each, checking))
  const right = checked.filter((service) => service !== null)
  const settings = top === null ? null : withHosts(settingsOf(top), right)
  const alone = top === null || settings === null ? [] : right.map((service) => serviceSettings(service, top, settings))
  const configured = amongOthers(alone, checking)
  checkPorts(configured, checking)
  if (sources.startable === true) checkFolders(right, checking)
  if (settings === null || problems.length > 0) throw new ConfigurationError(inOrder(checking), cwd)
  const idle = [...idleSettings(settingsSchema.shape, rest), ...right.flatMap((service) => service.idle)]
  return { settings, services: configured, idleSettings: idle }
}
