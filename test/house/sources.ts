/** The project's own files and what they import, for the tests that keep the layout's rules. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder, absolute, without a slash at its end. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** What git does not keep, or what is not written by hand. */
const skipped = new Set(['node_modules', 'dist', 'dist.new', 'data', '.git', 'logs'])

const walk = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name) && folder === '.') return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return walk(path)
    return entry.isFile() ? [path.split(sep).join('/')] : []
  })

/** All files of the project, relative to its folder, with `/`. */
export const projectFiles: readonly string[] = walk('.')

/** A file's text. */
export const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

/** The TypeScript that is the program: what `dist/` is built from. */
export const programFiles = projectFiles.filter((file) => /^(?:shared|servers|cli)\/.*\.ts$/.test(file))

/** All TypeScript and JavaScript of ours. */
export const codeFiles = projectFiles.filter((file) =>
  /^(?:shared|servers|cli|test|bench|scripts|bin|examples)\/.*\.[cm]?[tj]s$/.test(file),
)

/** How a file names another one, or a package. */
export interface Import {
  readonly from: string
  /** As written. */
  readonly specifier: string
  /** The file of ours that is meant, relative to the project; null for a package or a part of Node. */
  readonly file: string | null
  /** The package that is meant, `@scope/name`; null for a file of ours or a part of Node. */
  readonly package: string | null
  /** `type`: gone at run time; `dynamic`: loaded when it is needed. */
  readonly kind: 'static' | 'type' | 'dynamic'
}

/** Comments gone, strings kept: an import in an example must not count. */
const withoutComments = (text: string): string =>
  text.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (found) =>
    found.startsWith('/') ? ' ' : found,
  )

const staticImport =
  /^[ \t]*(?:import|export)\b\s*(?<type>type\b(?!\s+from\b))?(?:[\w\s{},*$]*?\bfrom\s*)?['"](?<specifier>[^'"\n]+)['"]/gm
const dynamicImport = /\b(?<type>typeof\s+)?(?:import|require)\(\s*['"](?<specifier>[^'"\n]+)['"]/g
/** `new URL('./worker.ts', import.meta.url)` and the like: a file that is run as a thread or process of its own. */
const reference = /['"`](?<specifier>\.{1,2}\/[\w./-]+)\$\{[^}]*\}`|new URL\(\s*['"](?<url>\.{1,2}\/[^'"\n]+\.[cm]?[tj]s)['"]/g

const packageOf = (specifier: string): string | null => {
  if (specifier.startsWith('.') || specifier.startsWith('node:') || specifier.startsWith('/')) return null
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

const importOf = (from: string, specifier: string, kind: Import['kind']): Import => ({
  from,
  specifier,
  kind,
  file: specifier.startsWith('.')
    ? relative(root, join(root, dirname(from), specifier))
        .split(sep)
        .join('/')
    : null,
  package: packageOf(specifier),
})

/** All that a file names. */
export const importsOf = (file: string, text: string = textOf(file)): readonly Import[] => {
  const withTemplates = withoutComments(text)
  // Code in a template is a text: what it imports is another program's matter.
  const code = withTemplates.replace(/`(?:[^`\\]|\\.)*`/g, '``')
  const found: Import[] = []
  for (const { groups } of code.matchAll(staticImport))
    found.push(importOf(file, groups?.['specifier'] ?? '', groups?.['type'] ? 'type' : 'static'))
  for (const { groups } of code.matchAll(dynamicImport))
    found.push(importOf(file, groups?.['specifier'] ?? '', groups?.['type'] ? 'type' : 'dynamic'))
  for (const { groups } of withTemplates.matchAll(reference)) {
    const specifier = groups?.['url'] ?? `${groups?.['specifier']}.ts`
    found.push(importOf(file, specifier.replace('..ts', '.ts'), 'dynamic'))
  }
  return found
}

/** A file that is reached, and how. */
export interface Reached {
  readonly file: string
  /** The files that lead to it, the entry first. */
  readonly path: readonly string[]
}

/** All files of ours that run when this one does: imports that are types are not followed. */
export const reachedFrom = (
  entry: string,
  kinds: readonly Import['kind'][] = ['static', 'dynamic'],
): ReadonlyMap<string, Reached> => {
  const reached = new Map<string, Reached>([[entry, { file: entry, path: [entry] }]])
  // A map's values come in the order in which they were put in, also those put in meanwhile.
  for (const { file, path } of reached.values()) {
    for (const each of importsOf(file)) {
      if (each.file === null || !kinds.includes(each.kind) || reached.has(each.file)) continue
      if (projectFiles.includes(each.file)) reached.set(each.file, { file: each.file, path: [...path, each.file] })
    }
  }
  return reached
}
