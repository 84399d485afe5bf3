import type { Stats } from 'node:fs'
import type { FileStat } from './file-store.ts'

/** When content changed last. The system's nanoseconds come as a fraction whose last digits are noise: microseconds are exact. */
export const modifiedMsOf = ({ mtimeMs }: Stats): number => Math.round(mtimeMs * 1000) / 1000

/** When anything of it changed last: content, dates, rights, names. Nobody can set it. */
const changedMsOf = ({ ctimeMs }: Stats): number => Math.round(ctimeMs * 1000) / 1000

/** What the store tells of a file or folder; null for anything else. */
export const statOf = (stats: Stats): FileStat | null => {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : null
  if (kind === null) return null
  return {
    kind,
    octets: stats.size,
    modifiedMs: modifiedMsOf(stats),
    changedMs: changedMsOf(stats),
    createdMs: stats.birthtimeMs > 0 ? Math.round(stats.birthtimeMs * 1000) / 1000 : null,
    mode: stats.mode & 0o7777,
    unique: `${stats.dev}:${stats.ino}`,
  }
}
