/** Settings that no file says: variables of the environment and `--set`. */
import type { z } from 'zod'
import { dotted } from './plain.ts'
import type { Origin, Problem } from './problem.ts'
import { readYamlValue } from './read-yaml.ts'
import { elementOf, type Fields, fieldsOf, leaves } from './shape.ts'
import { find, type Mapping, mergeMappings, nest } from './tree.ts'

/** What the configuration is with the variables or arguments in it, and what is wrong with them. */
export interface Overridden {
  readonly tree: Mapping
  readonly problems: readonly Problem[]
}

/** What a tree may hold; new services bring settings of their own. */
export type RootOf = (tree: Mapping) => z.core.$ZodType

const prefix = 'HAVRE_'

/** `CONNECTIONS_PER_ADDRESS`, `connectionsPerAddress`, `my-mail`: names are compared without case, dashes and underscores. */
const bare = (name: string): string => name.toLowerCase().replaceAll(/[-_.]/g, '')

const camelCase = (word: string): string =>
  word.toLowerCase().replaceAll(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const variableOf = (path: readonly string[]): string =>
  prefix + path.map((name) => name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])|-/g, '_').toUpperCase()).join('__')

/** The names that the words of a variable stand for; a word that is no known name stands for itself, as a new name. */
const pathOf = (words: readonly string[], root: z.core.$ZodType, tree: Mapping): readonly string[] => {
  const path: string[] = []
  let schema: z.core.$ZodType | null = root
  for (const word of words) {
    const fields: Fields = (schema === null ? null : fieldsOf(schema)) ?? {}
    const element: z.core.$ZodType | null = schema === null ? null : elementOf(schema)
    const part = find(tree, path)?.tree
    const names = [...Object.keys(fields), ...(part?.kind === 'mapping' ? part.entries.keys() : [])]
    const name = names.find((known) => bare(known) === bare(word))
    path.push(name ?? newName(word, path, element !== null))
    schema = fields[name ?? ''] ?? element
  }
  return path
}

/** A name that is not there yet: a service's, one of a mapping with free names, or a mistyped setting's. */
const newName = (word: string, path: readonly string[], isFree: boolean): string => {
  if (dotted(path) === 'services') return word.toLowerCase().replaceAll('_', '-')
  return isFree ? word.toLowerCase() : camelCase(word)
}

/** What a variable that is no setting, but begins like one, was meant to be. */
const hint = (words: readonly string[], root: z.core.$ZodType): string => {
  const meant = leaves(fieldsOf(root) ?? {}).find((leaf) => bare(leaf.path.join('')) === bare(words.join('')))
  return meant === undefined ? 'sections and names are joined by two underscores' : `did you mean ${variableOf(meant.path)}?`
}

/** Services whose protocol is given come first: it says which settings they have. */
const inOrder = (a: string, b: string): number => {
  const late = (name: string) => (name.toUpperCase().endsWith('__PROTOCOL') ? 0 : 1)
  return late(a) - late(b) || (a < b ? -1 : 1)
}

/** `HAVRE_SERVICES__HTTP__PORT=80`. A variable is a setting when its first word is a top-level setting; others are left alone. */
export const readEnvironment = (env: Readonly<Record<string, string | undefined>>, before: Mapping, rootOf: RootOf): Overridden => {
  const top = Object.keys(fieldsOf(rootOf(before)) ?? {}).map(bare)
  const problems: Problem[] = []
  let tree = before
  for (const variable of Object.keys(env)
    .filter((name) => name.startsWith(prefix))
    .sort(inOrder)) {
    const words = variable.slice(prefix.length).split('__')
    const origin: Origin = { source: 'environment', variable }
    if (top.includes(bare(words[0] ?? ''))) {
      const value = readYamlValue(env[variable] ?? '', origin)
      problems.push(...value.problems)
      if (value.tree !== null) tree = mergeMappings(tree, nest(pathOf(words, rootOf(tree), tree), value.tree))
    } else if (top.includes(bare(words[0]?.split('_')[0] ?? ''))) {
      problems.push({ origin, setting: '', message: `there is no such setting; ${hint(words, rootOf(tree))}` })
    }
  }
  return { tree, problems }
}

/** `services.http.port=80`; a name with dots in it stands in double quotes. */
const assignment = /^((?:[^."=]+|"[^"]+")(?:\.(?:[^."=]+|"[^"]+"))*)=(.*)$/s

/** Takes `--set` arguments in. */
export const readSets = (sets: readonly string[], before: Mapping): Overridden => {
  const problems: Problem[] = []
  let tree = before
  for (const argument of sets) {
    const origin: Origin = { source: 'set', argument }
    const [, names, text = ''] = assignment.exec(argument) ?? []
    if (names === undefined) {
      problems.push({ origin, setting: '', message: 'must be written name=value, as in services.http.port=8081' })
      continue
    }
    const value = readYamlValue(text, origin)
    problems.push(...value.problems)
    const path = (names.match(/"[^"]+"|[^."]+/g) ?? []).map((name) => name.trim().replaceAll('"', ''))
    if (value.tree !== null) tree = mergeMappings(tree, nest(path, value.tree))
  }
  return { tree, problems }
}
