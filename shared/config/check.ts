/** Plain data → checked values, by a zod schema; what is wrong is told with the place where it was said. */
import type { z } from 'zod'
import { valueAt } from './idle.ts'
import { nearest } from './nearest.ts'
import { dotted } from './plain.ts'
import type { Problem } from './problem.ts'
import { originOf, type Tree } from './tree.ts'

const words = (values: readonly unknown[]): string => {
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
  return kind === 'array' ? `must have ${limit} items` : `must be ${limit}`
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

/** A value in a message: short and on one line. */
const shown = (value: unknown): string => {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'a section' : String(value)
}

const sentence = (issue: z.core.$ZodIssue, value: unknown): string => {
  if (value === undefined) return `is missing: ${issue.message}`
  if (!issue.message.startsWith('must be ')) return issue.message
  const near = issue.code === 'invalid_value' && typeof value === 'string' ? nearest(value, issue.values.map(String)) : null
  return `${issue.message}, not ${shown(value)}${near === null ? '' : `; did you mean ${near}?`}`
}

/** A wrong name in a mapping with free names is told by the schema of its names. */
const told = (issue: z.core.$ZodIssue, plain: unknown): string =>
  issue.code === 'invalid_key' ? sentence(issue.issues[0] ?? issue, issue.path.at(-1)) : sentence(issue, valueAt(plain, issue.path))

/**
 * Applies a schema.
 * @param plain    what is to be checked
 * @param whole    the tree that it comes from, and the path where it was in it
 * @param problems where that which is wrong is added
 * @returns null when something is wrong
 */
export const check = <T>(
  schema: z.ZodType<T>,
  plain: unknown,
  { whole, path }: { readonly whole: Tree; readonly path: readonly string[] },
  problems: Problem[],
): T | null => {
  const result = schema.safeParse(plain, { error: expected })
  for (const issue of result.error?.issues ?? []) {
    const full = [...path, ...issue.path]
    problems.push({ origin: originOf(whole, full), setting: dotted(full), message: told(issue, plain) })
  }
  return result.success ? result.data : null
}
