/** Node's permission model: what a child may touch, as flags. The flags never hold a `*`. */
import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Settings } from '../../shared/config/settings.ts'
import { descriptorFolder } from '../../shared/files/anchor.ts'
import type { Grants } from '../../shared/grants.ts'

/** Where this very program lies: dist/ or, run from its sources, the root of the checkout. */
const program = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const root = basename(program) === 'dist' ? dirname(program) : program

/** Young objects of a server die young: a small nursery keeps a third of the memory free at the same speed (measured). */
const memoryFlags = ['--max-semi-space-size=4']

/** Node warns of flags that are meant; that would hide what matters. */
const quietFlags = ['--disable-warning=SecurityWarning', '--disable-warning=ExperimentalWarning']

/** SIGUSR1 opens a debugger in a Node, for whoever can connect to it. */
const closedFlags = ['--disable-sigusr1']

/** The flags of a child that looks after a program of somebody else: outside of the sandbox, in which nothing can be started. */
export const plainFlags: readonly string[] = [...closedFlags, ...quietFlags, ...memoryFlags]

/** Every node_modules folder in which the program's packages may lie: its own and, installed as a package, those above it. */
const packageFolders = (): string[] => {
  const found: string[] = []
  for (let folder = root; ; folder = dirname(folder)) {
    found.push(join(folder, 'node_modules'))
    if (folder === dirname(folder)) return found
  }
}

/** The code itself. Run from its sources, that is each folder of code: the checkout also holds data/. */
const codeFolders = (): string[] => (program === root ? ['servers', 'shared'].map((folder) => join(root, folder)) : [program])

/**
 * The folder and, where it is a link, what it leads to: a grant holds for the path it names only. The folder of a process's own
 * descriptors leads, seen from here, to ours: what we hold open is not for a child.
 */
const withTarget = (path: string): string[] => (path === descriptorFolder ? [path] : [...new Set([path, realpathSync(path)])])

/** Packages that come with Havre; node_modules links to them, and is itself a link where checkouts share it. */
const vendorFolders = (): string[] =>
  [
    root,
    ...packageFolders()
      .filter((folder) => existsSync(folder))
      .map((folder) => dirname(realpathSync(folder))),
  ].map((folder) => join(folder, 'vendor'))

const programFolders = (): string[] =>
  [...codeFolders(), ...packageFolders(), ...vendorFolders(), join(root, 'package.json')].filter(existsSync).flatMap(withTarget)

/**
 * The flags under which a child runs. Folders that do not exist yet are made: a grant for one that is missing would be for
 * its name only.
 */
export const sandboxFlags = (grants: Grants, settings: Settings): string[] => {
  for (const folder of [settings.logs, ...grants.read, ...grants.write]) mkdirSync(folder, { recursive: true })
  const writes = [...[settings.logs, ...grants.write].flatMap(withTarget), ...(grants.files ?? [])]
  const reads = [...programFolders(), ...grants.read.flatMap(withTarget), ...writes]
  return [
    '--permission',
    // Needed to serve the inherited descriptor too; a service that opens no connections drops it once it listens.
    '--allow-net',
    ...(grants.workers ? ['--allow-worker'] : []),
    ...[...new Set(reads)].map((folder) => `--allow-fs-read=${folder}`),
    ...[...new Set(writes)].map((folder) => `--allow-fs-write=${folder}`),
    ...closedFlags,
    ...quietFlags,
    ...memoryFlags,
  ]
}
