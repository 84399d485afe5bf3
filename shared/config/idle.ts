/** Settings that are in use and that nothing reads yet. */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { dotted } from './plain.ts'
import { type Fields, leaves, notesOf } from './shape.ts'

/** What plain data has at a path; undefined where it has nothing. */
export const valueAt = (plain: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (here, name) => (typeof here === 'object' && here !== null ? Object.getOwnPropertyDescriptor(here, name)?.value : undefined),
    plain,
  )

const isIdle = (schema: z.core.$ZodType, value: unknown): boolean => {
  const { pending } = notesOf(schema)
  if (pending === undefined || value === undefined) return false
  if (pending !== true && !(typeof value === 'string' && pending.includes(value))) return false
  const [set, standard] = [z.safeParse(schema, value), z.safeParse(schema, undefined)]
  return set.success && !isDeepStrictEqual(set.data ?? null, standard.data ?? null)
}

/**
 * Dotted names of settings that are set to something other than their default and that nothing reads yet.
 * @param plain what is set, checked
 * @param path  where these fields are in the whole
 */
export const idleSettings = (fields: Fields, plain: unknown, path: readonly string[] = []): readonly string[] =>
  leaves(fields)
    .filter((leaf) => isIdle(leaf.schema, valueAt(plain, leaf.path)))
    .map((leaf) => dotted([...path, ...leaf.path]))
