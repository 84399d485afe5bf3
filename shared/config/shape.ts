/** What a zod schema says of the settings in it: their names, their kinds, their notes. */
import { z } from 'zod'
import type { SettingMeta } from './units.ts'

/** A schema without its wrappers (optional, nullable, default, transform): one for each branch of a union. */
interface Bare {
  readonly schema: z.core.$ZodType
  readonly meta: SettingMeta
  readonly nullable: boolean
}

const metaOf = (schema: z.core.$ZodType): SettingMeta => z.globalRegistry.get(schema) ?? {}

const inside = (schema: z.core.$ZodType): z.core.$ZodType | null => {
  if (schema instanceof z.ZodPipe) return schema.in
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodReadonly) return schema.unwrap()
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodLazy) return schema.unwrap()
  return null
}

/** The branches of a schema; the notes of an outer wrapper win over those inside. */
export const branches = (schema: z.core.$ZodType, outer: Omit<Bare, 'schema'> = { meta: {}, nullable: false }): readonly Bare[] => {
  const meta = { ...metaOf(schema), ...outer.meta }
  const nullable = outer.nullable || schema instanceof z.ZodNullable
  const inner = inside(schema)
  if (inner !== null) return branches(inner, { meta, nullable })
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => branches(option, { meta, nullable }))
  return [{ schema, meta, nullable }]
}

export type Fields = Readonly<Record<string, z.core.$ZodType>>

/** The settings of a section; null where it is none. */
export const fieldsOf = (schema: z.core.$ZodType): Fields | null => {
  const fields = branches(schema).flatMap((branch) => (branch.schema instanceof z.ZodObject ? [branch.schema.shape] : []))
  return fields.length === 0 ? null : Object.assign({}, ...fields)
}

/** What the values of a mapping with free names are; null where it is none. */
export const elementOf = (schema: z.core.$ZodType): z.core.$ZodType | null =>
  branches(schema).flatMap((branch) => (branch.schema instanceof z.ZodRecord ? [branch.schema.valueType] : []))[0] ?? null

/** What the items of a list are; null where it is none. */
export const itemOf = (schema: z.core.$ZodType): z.core.$ZodType | null =>
  branches(schema).flatMap((branch) => (branch.schema instanceof z.ZodArray ? [branch.schema.element] : []))[0] ?? null

/** The notes of a setting. */
export const notesOf = (schema: z.core.$ZodType): SettingMeta => branches(schema)[0]?.meta ?? {}

/** Whether `null` is a value of it. */
export const isNullable = (schema: z.core.$ZodType): boolean =>
  branches(schema).some((branch) => branch.nullable || branch.schema instanceof z.ZodNull)

/** Whether this text, as a value of it, is a path: not one of the words that it also takes. */
export const isPath = (schema: z.core.$ZodType, text: string): boolean => {
  const all = branches(schema)
  const word = all.some(({ schema }) => schema instanceof z.ZodLiteral && schema.values.has(text))
  const kinds = text.startsWith('{') ? ['path'] : ['path', 'template-path']
  return (
    !word && all.some(({ schema, meta }) => schema instanceof z.ZodString && meta.kind !== undefined && kinds.includes(meta.kind))
  )
}

/** Whether text is a value of it and a number is not. */
export const isText = (schema: z.core.$ZodType): boolean => {
  const all = branches(schema)
  return all.some(({ schema }) => schema instanceof z.ZodString) && !all.some(({ schema }) => schema instanceof z.ZodNumber)
}

/** The paths of all settings below these fields, of the sections too. */
export const settingPaths = (fields: Fields, path: readonly string[] = []): readonly (readonly string[])[] =>
  Object.entries(fields).flatMap(([name, schema]) => [[...path, name], ...settingPaths(fieldsOf(schema) ?? {}, [...path, name])])

/** One setting: its dotted name as a path, its schema. */
export interface Leaf {
  readonly path: readonly string[]
  readonly schema: z.core.$ZodType
}

/** All settings below these fields; a section that may be null, a list and a mapping with free names count as one. */
export const leaves = (fields: Fields, path: readonly string[] = []): readonly Leaf[] =>
  Object.entries(fields).flatMap(([name, schema]) => {
    const below = isNullable(schema) ? null : fieldsOf(schema)
    return below === null ? [{ path: [...path, name], schema }] : leaves(below, [...path, name])
  })
