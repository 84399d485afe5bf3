/** Trees → plain data, as the schema sees it; names that it does not know are told here. */
import { resolve } from 'node:path'
import type { z } from 'zod'
import { nearest } from './nearest.ts'
import type { Problem } from './problem.ts'
import { elementOf, type Fields, fieldsOf, isNullable, isPath, isText, itemOf, settingPaths } from './shape.ts'
import { folderOf, type Mapping, type Scalar, type Tree } from './tree.ts'

/** A setting's path as people write it. */
export const dotted = (path: readonly PropertyKey[]): string => path.map(String).join('.')

/** Turns the trees of one configuration into plain data. */
export class Plain {
  readonly #root: z.core.$ZodType
  readonly #cwd: string
  readonly #problems: Problem[]

  /**
   * @param root     what the whole tree should be: suggestions look in all of it
   * @param cwd      what relative paths that no file says are relative to
   * @param problems where unknown names are added
   */
  constructor(root: z.core.$ZodType, cwd: string, problems: Problem[]) {
    this.#root = root
    this.#cwd = cwd
    this.#problems = problems
  }

  /**
   * Unknown settings are left out, paths are absolute, a number where text belongs is taken as it was written, and a section
   * left empty is one without settings.
   */
  of(tree: Tree, schema: z.core.$ZodType | null, path: readonly string[]): unknown {
    if (tree.kind === 'scalar') return schema === null ? tree.value : this.#scalar(tree, schema)
    if (tree.kind === 'mapping') return this.#mapping(tree, schema, path)
    const item = schema === null ? null : itemOf(schema)
    return tree.items.map((each, i) => this.of(each, item, [...path, String(i)]))
  }

  /** The whole tree by the schema of the whole. */
  whole(tree: Mapping): Readonly<Record<string, unknown>> {
    return this.#mapping(tree, this.#root, [])
  }

  #scalar({ value, written, origin }: Scalar, schema: z.core.$ZodType): unknown {
    const isSection = fieldsOf(schema) !== null || elementOf(schema) !== null
    if (value === null && written === '' && isSection && !isNullable(schema)) return {}
    if (typeof value === 'number' && isText(schema)) return written
    return typeof value === 'string' && value !== '' && isPath(schema, value) ? resolve(folderOf(origin, this.#cwd), value) : value
  }

  #mapping(tree: Mapping, schema: z.core.$ZodType | null, path: readonly string[]): Readonly<Record<string, unknown>> {
    const fields = schema === null ? null : fieldsOf(schema)
    const element = schema === null ? null : elementOf(schema)
    const values: [string, unknown][] = []
    for (const [name, { origin, value }] of tree.entries) {
      const here = [...path, name]
      if (fields !== null && !Object.hasOwn(fields, name)) {
        const message = `there is no such setting; ${this.#suggestion(name, fields, path)}`
        this.#problems.push({ origin, setting: dotted(here), message })
      } else if (name === '__proto__') {
        this.#problems.push({ origin, setting: dotted(here), message: 'cannot be a name here' })
      } else values.push([name, this.of(value, fields?.[name] ?? element, here)])
    }
    return Object.fromEntries(values)
  }

  /** A name beside the unknown one, else one elsewhere that ends alike, else all that there are. */
  #suggestion(name: string, siblings: Fields, path: readonly string[]): string {
    const near = nearest(name, Object.keys(siblings))
    if (near !== null) return `did you mean ${dotted([...path, near])}?`
    const all = settingPaths(fieldsOf(this.#root) ?? {})
    const elsewhere = all.find((other) => other.at(-1)?.toLowerCase() === name.toLowerCase())
    return elsewhere === undefined ? `known here: ${Object.keys(siblings).join(', ')}` : `did you mean ${dotted(elsewhere)}?`
  }
}
