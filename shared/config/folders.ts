/** Folders that services serve from and that nobody makes for them: one that is missing is a slip of the pen, not an empty site. */
import { statSync } from 'node:fs'
import { type Checking, report } from './checking.ts'
import type { CheckedService } from './services.ts'

/** What keeps a folder from being served; null: nothing does. */
const troubleOf = (folder: string): string | null => {
  try {
    return statSync(folder).isDirectory() ? null : 'is none'
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    return error.code === 'ENOENT' ? 'is not there' : `cannot be reached (${String(error.code)})`
  }
}

/** Tells of folders of services that run which are not there. Each once, with the setting that names it first. */
export const checkFolders = (services: readonly CheckedService[], checking: Checking): void => {
  for (const { name, protocol, options } of services.filter(({ common }) => common.enabled)) {
    const seen = new Set<string>()
    for (const { setting, folder } of protocol.folders?.(options) ?? []) {
      const trouble = seen.has(folder) ? null : troubleOf(folder)
      seen.add(folder)
      if (trouble !== null) report(checking, ['services', name, ...setting], `must be a folder: ${folder} ${trouble}`)
    }
  }
}
