import type { Stats } from 'node:fs'
import type { FileStat } from './file-store.ts'

/** What the store tells of a file or folder; null for anything else. */
export const statOf = (stats: Stats): FileStat | null => {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : null
  if (kind === null) return null
  return { kind, octets: stats.size, modifiedMs: stats.mtimeMs, mode: stats.mode & 0o7777, unique: `${stats.dev}:${stats.ino}` }
}
