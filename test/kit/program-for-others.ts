import { spawnSync } from 'node:child_process'
import { chmod, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { havreProgram } from './family.ts'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'

const root = dirname(fileURLToPath(new URL('../../package.json', import.meta.url)))

/** What is run, and what it reads. */
const parts = ['bin', 'cli', 'config', 'dist', 'node_modules', 'package.json', 'servers', 'shared', 'vendor']

/** The program under test where any user of the system can run it. `await using` removes what was made for that. */
export interface ProgramForOthers extends AsyncDisposable {
  /** The Node, and the program. */
  readonly command: readonly string[]
}

const isOpenToAll = async (path: string): Promise<boolean> => {
  const { mode } = await stat(path)
  if ((mode & 0o001) === 0) return false
  return path === dirname(path) || isOpenToAll(dirname(path))
}

/** Puts a copy of the program into a folder, by links to the same files where that can be. @returns the Node, and the program */
export const copyProgram = (folder: TemporaryFolder): readonly string[] => {
  const from = parts.map((part) => join(root, part))
  if (spawnSync('cp', ['-al', ...from, folder.path]).status !== 0) {
    const { status, stderr } = spawnSync('cp', ['-a', '--remove-destination', ...from, folder.path])
    if (status !== 0) throw new Error(`the program cannot be copied: ${stderr}`)
  }
  const moved = (path: string) => (path.startsWith(`${root}/`) ? folder.at(relative(root, path)) : path)
  return [process.execPath, ...havreProgram].map(moved)
}

/** As it is, or a copy where the checkout lies in a folder that is somebody's own. */
export const programForOthers = async (): Promise<ProgramForOthers> => {
  if (await isOpenToAll(root)) {
    return { command: [process.execPath, ...havreProgram], [Symbol.asyncDispose]: () => Promise.resolve() }
  }
  const folder = await temporaryFolder()
  await chmod(folder.path, 0o755)
  return { command: copyProgram(folder), [Symbol.asyncDispose]: folder.remove }
}
