/** A configuration before it is checked: values that know where they were said. */
import { dirname, join, sep } from 'node:path'
import type { Origin } from './problem.ts'

export interface Scalar {
  readonly kind: 'scalar'
  readonly origin: Origin
  readonly value: string | number | boolean | null
  /** As it was written: `007` for the number 7; empty where nothing was. */
  readonly written: string
}

export interface List {
  readonly kind: 'list'
  readonly origin: Origin
  readonly items: readonly Tree[]
}

export interface Mapping {
  readonly kind: 'mapping'
  readonly origin: Origin
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Entry {
  /** Where the name stands. */
  readonly origin: Origin
  readonly value: Tree
}

export type Tree = Scalar | List | Mapping

/**
 * The folder that relative paths said there are relative to. Where Havre is a package of somebody's project, its own files count as
 * if they lay in `config/` of the folder in which it is started: what lies in node_modules is gone with the next install.
 */
export const folderOf = (origin: Origin, cwd: string): string => {
  if (origin.source !== 'file') return cwd
  return origin.file.split(sep).includes('node_modules') ? join(cwd, 'config') : dirname(origin.file)
}

const textAt = (mapping: Mapping, name: string): string | null => {
  const tree = mapping.entries.get(name)?.value
  return tree?.kind === 'scalar' && typeof tree.value === 'string' ? tree.value : null
}

/** A service that comes to speak another protocol keeps nothing of the settings that it had. */
const isOther = (path: readonly string[], before: Mapping, after: Mapping): boolean => {
  if (path.length !== 2 || path[0] !== 'services') return false
  const protocol = textAt(after, 'protocol')
  return protocol !== null && textAt(before, 'protocol') !== null && protocol !== textAt(before, 'protocol')
}

/**
 * What holds after a later source: mappings are joined name by name, anything else is replaced, lists too. A section left empty
 * (`limits:` and nothing below it) changes nothing.
 */
export const merge = (before: Tree, after: Tree, path: readonly string[] = []): Tree => {
  if (before.kind !== 'mapping') return after
  if (after.kind === 'scalar' && after.value === null && after.written === '') return before
  return after.kind !== 'mapping' || isOther(path, before, after) ? after : mergeMappings(before, after, path)
}

/** The same for two mappings. */
export const mergeMappings = (before: Mapping, after: Mapping, path: readonly string[] = []): Mapping => {
  const entries = new Map(before.entries)
  for (const [name, entry] of after.entries) {
    const old = entries.get(name)
    entries.set(name, old === undefined ? entry : { origin: entry.origin, value: merge(old.value, entry.value, [...path, name]) })
  }
  return { kind: 'mapping', origin: before.origin, entries }
}

/** What is at a path: the tree, where its name stands, and where its value does. */
export interface Found {
  readonly tree: Tree
  readonly name: Origin
}

const step = (tree: Tree, name: PropertyKey): Found | null => {
  if (tree.kind === 'mapping') {
    const entry = tree.entries.get(String(name))
    return entry === undefined ? null : { tree: entry.value, name: entry.origin }
  }
  const item = tree.kind === 'list' ? tree.items[Number(name)] : undefined
  return item === undefined ? null : { tree: item, name: item.origin }
}

/** The part of a tree at a path; null where it is missing. */
export const find = (tree: Tree, path: readonly PropertyKey[]): Found | null =>
  path.reduce<Found | null>((here, name) => (here === null ? null : step(here.tree, name)), { tree, name: tree.origin })

/** Where a value was said; of one that is missing, where the name of the nearest part around it stands. */
export const originOf = (tree: Tree, path: readonly PropertyKey[]): Origin => {
  const found = find(tree, path)
  if (found !== null) return found.tree.origin
  for (let length = path.length - 1; length > 0; length--) {
    const around = find(tree, path.slice(0, length))
    if (around !== null) return around.name
  }
  return tree.origin
}

/** A tree that says one value at one path of at least one name. */
export const nest = ([name = '', ...rest]: readonly string[], value: Tree): Mapping => {
  const inner = rest.length === 0 ? value : nest(rest, value)
  return { kind: 'mapping', origin: value.origin, entries: new Map([[name, { origin: value.origin, value: inner }]]) }
}
