/**
 * Makes the configuration: `config/default.yaml`, then files, then `HAVRE_…` variables, then `--set`; later wins. All that is wrong
 * is told at once.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { loops } from './aliases.ts'
import { check } from './check.ts'
import { idleSettings } from './idle.ts'
import { readEnvironment, readSets } from './overrides.ts'
import { dotted, Plain } from './plain.ts'
import { ConfigurationError, type Origin, type Problem } from './problem.ts'
import { readYamlFile } from './read-yaml.ts'
import { type RawSettings, settingsSchema } from './schema.ts'
import { type Checking, checkPorts, checkService, type Protocols, rootSchema, serviceSettings } from './services.ts'
import type { Configuration, Settings } from './settings.ts'
import { find, merge, originOf, type Tree } from './tree.ts'

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
}

/** The file of all defaults, in the folder of the program: the sources and `dist/` lie at different depths below it. */
export const defaultFile = ((): string => {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const file = join(folder, 'config', 'default.yaml')
    if (existsSync(file) || folder === dirname(folder)) return file
  }
})()

const lowerCase = (aliases: Readonly<Record<string, readonly string[]>>): Record<string, readonly string[]> =>
  Object.fromEntries(
    Object.entries(aliases).map(([name, targets]) => [name.toLowerCase(), targets.map((each) => each.toLowerCase())]),
  )

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
  tls: raw.tls,
  drainMs: raw.drain,
  mail: {
    aliases: lowerCase(raw.mail.aliases),
    catchAll: raw.mail.catchAll?.toLowerCase() ?? null,
    maxSizeOctets: raw.mail.maxSize,
    quota: { octets: raw.mail.quota.bytes, messages: raw.mail.quota.messages },
    bareNewlines: raw.mail.bareNewlines,
  },
  files: { sync: raw.files.sync, quota: { octets: raw.files.quota.bytes } },
  logins: {
    delayMs: raw.logins.delay,
    maxDelayMs: raw.logins.maxDelay,
    windowMs: raw.logins.window,
    accountThreshold: raw.logins.accountThreshold,
    blockAfter: raw.logins.blockAfter,
    blockMs: raw.logins.block,
  },
  log: raw.log,
})

const checkAliases = (raw: RawSettings, { whole, problems }: Checking): void => {
  const path = ['mail', 'aliases']
  const seen = new Set<string>()
  for (const name of Object.keys(raw.mail.aliases)) {
    if (seen.has(name.toLowerCase())) {
      const at = [...path, name]
      problems.push({
        origin: find(whole, at)?.name ?? whole.origin,
        setting: dotted(at),
        message: 'is there twice: upper and lower case are one',
      })
    }
    seen.add(name.toLowerCase())
  }
  for (const loop of loops(lowerCase(raw.mail.aliases))) {
    const at = [...path, Object.keys(raw.mail.aliases).find((name) => name.toLowerCase() === loop[0]) ?? '']
    problems.push({ origin: originOf(whole, at), setting: dotted(at), message: `leads back to itself: ${loop.join(' → ')}` })
  }
}

/** All sources as one tree, each beginning with the one before; what cannot be read goes to `problems`. */
const gather = (sources: Sources, cwd: string, problems: Problem[]): Tree => {
  const empty: Tree = { kind: 'mapping', origin: { source: 'file', file: defaultFile, line: 0, column: 0 }, entries: new Map() }
  let tree: Tree = empty
  for (const file of [defaultFile, ...(sources.files ?? []).map((file) => resolve(cwd, file))]) {
    const reading = readYamlFile(file)
    problems.push(...reading.problems)
    if (reading.tree !== null) tree = merge(tree, reading.tree)
  }
  const variables = readEnvironment(sources.env ?? {}, tree, (part) => rootSchema(part, sources.protocols))
  const sets = readSets(sources.sets ?? [], variables.tree)
  problems.push(...variables.problems, ...sets.problems)
  return sets.tree
}

/** In the order of the sources, and of the lines in a file. */
const inOrder = (problems: readonly Problem[], files: readonly string[]): readonly Problem[] => {
  const rank = (origin: Origin): number =>
    origin.source === 'file' ? files.indexOf(origin.file) : files.length + (origin.source === 'environment' ? 0 : 1)
  const line = (origin: Origin): number => (origin.source === 'file' ? origin.line : 0)
  const column = (origin: Origin): number => (origin.source === 'file' ? origin.column : 0)
  return problems.toSorted(({ origin: a }, { origin: b }) => rank(a) - rank(b) || line(a) - line(b) || column(a) - column(b))
}

/**
 * Reads and checks the configuration.
 * @throws {ConfigurationError} with everything that is wrong
 */
export const loadConfiguration = (sources: Sources): Configuration => {
  const cwd = sources.cwd ?? process.cwd()
  const problems: Problem[] = []
  const whole = gather(sources, cwd, problems)
  const unread = problems.length
  const root = rootSchema(whole, sources.protocols)
  const { services = {}, ...rest } = Object(new Plain(root, cwd, problems).of(whole, root)) as { services?: unknown }
  const checking: Checking = { protocols: sources.protocols, whole, problems }
  const top = check(settingsSchema, rest, { whole, path: [] }, problems)
  if (top !== null) checkAliases(top, checking)
  void unread
  const checked = Object.entries(Object(services)).map(([name, plain]) => checkService(name, plain, checking))
  const right = checked.filter((service) => service !== null)
  const settings = top === null ? [] : right.map((service) => serviceSettings(service, top))
  checkPorts(settings, checking)
  if (top === null || problems.length > 0) {
    throw new ConfigurationError(inOrder(problems, [defaultFile, ...(sources.files ?? []).map((file) => resolve(cwd, file))]), cwd)
  }
  const idle = [...idleSettings(settingsSchema.shape, rest), ...right.flatMap((service) => service.idle)]
  return { settings: settingsOf(top), services: settings, idleSettings: idle }
}
