/** Plain data → checked values, by a zod schema; what is wrong is told with the place where it was said. */
import type { z } from 'zod'
import type { Checking } from './checking.ts'
import { nearest } from './nearest.ts'
import { dotted } from './plain.ts'
import type { Origin } from './problem.ts'
import { find, originOf, type Tree } from './tree.ts'

/** `a, b or c`. */
export const words = (values: readonly unknown[]): string => {
  const all = values.map(String)
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a section of settings',
  record: 'a section of names, each with its value',
  array: 'a list, written [one, two]',
}

const sized = (kind: string, limit: string): string => {
  if (kind === 'string') return limit === 'at least 1' ? 'must not be empty' : `must have ${limit} characters`
  if (kind === 'array') return limit === 'at least 1' ? 'must not be an empty list' : `must have ${limit} items`
  return `must be ${limit}`
}

/** What a value should have been, where its schema does not say so itself. */
const expected = (issue: z.core.$ZodRawIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be ${words(issue.values)}`
    case 'too_small':
      return sized(issue.origin, `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`)
    case 'too_big':
      return sized(issue.origin, `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`)
    case 'invalid_format':
      return `must be of the form ${issue.pattern ?? issue.format}`
    default:
      return 'must be of another kind'
  }
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text)

/** A value in a message: short and on one line. */
export const shown = (tree: Tree): string => {
  if (tree.kind !== 'scalar') return tree.kind === 'list' ? 'a list' : 'a section'
  if (typeof tree.value === 'string') return JSON.stringify(shortened(tree.value))
  return tree.value === null ? 'null' : shortened(tree.written)
}

/** What is wrong with this value, or with its absence. */
const sentence = (issue: z.core.$ZodIssue, tree: Tree | null): string => {
  if (tree === null) return `is missing; it ${issue.message}`
  if (!issue.message.startsWith('must be ')) return issue.message
  const near = issue.code === 'invalid_value' && tree.kind === 'scalar' ? nearest(tree.written, issue.values.map(String)) : null
  return `${issue.message}, not ${shown(tree)}${near === null ? '' : `; did you mean ${near}?`}`
}

/**
 * Where to change what is wrong: where it was said. What is wrong only because of a setting beside it, which was said later than the
 * defaults, is to be changed there.
 */
const placeOf = (path: readonly PropertyKey[], { whole, rank }: Checking): Origin => {
  const origin = originOf(whole, path)
  const section = find(whole, path.slice(0, -1))?.tree
  if (rank(origin)[0] > 0 || section?.kind !== 'mapping') return origin
  return [...section.entries.values()].map(({ value }) => value.origin).find((beside) => rank(beside)[0] > 0) ?? origin
}

/**
 * Applies a schema.
 * @param plain what is to be checked
 * @param path  where it is in the whole
 * @returns null when something is wrong; it is among the problems then
 */
export const check = <T>(schema: z.ZodType<T>, plain: unknown, path: readonly string[], checking: Checking): T | null => {
  const { whole, problems } = checking
  const result = schema.safeParse(plain, { error: expected })
  const told = new Set(problems.map(({ setting }) => setting))
  const mistyped = new Set([...told].map((setting) => setting.slice(0, setting.lastIndexOf('.'))))
  for (const issue of result.error?.issues ?? []) {
    const full = [...path, ...issue.path]
    const found = find(whole, full)
    // What is missing in a section may be what has been told as unknown there.
    if (told.has(dotted(full)) || mistyped.has(dotted(found === null ? full.slice(0, -1) : full))) continue
    // A wrong name among free names is told by the schema of the names.
    const isName = issue.code === 'invalid_key'
    const message = isName ? (issue.issues[0]?.message ?? issue.message) : sentence(issue, found?.tree ?? null)
    problems.push({ origin: isName && found !== null ? found.name : placeOf(full, checking), setting: dotted(full), message })
  }
  return result.success ? result.data : null
}
