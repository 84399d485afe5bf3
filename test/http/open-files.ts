import { readdirSync, readlinkSync } from 'node:fs'

/** Paths of what this process, or another one, holds open below a folder, one for each descriptor. Linux tells. */
export const openBelow = (folder: string, pid: number | 'self' = 'self'): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/${pid}/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch (error) {
      // The descriptor of the listing itself is gone by now.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    }
  })
