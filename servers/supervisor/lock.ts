/** The lock on a data folder: the kernel's own, on a file that SQLite holds, so that it is free the moment its holder is dead. */
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** SQLITE_BUSY: somebody else holds it (sqlite.org/rescode.html#busy). */
const busy = 5

/** Where the control socket and the lock lie. */
export const runFolder = (data: string): string => join(data, 'run')

/** A held lock; ends with the process or at `release`. */
export interface Lock {
  release(): void
}

/**
 * Takes the lock of a data folder; the folder is made when missing.
 * @returns null when another process has it
 */
export const takeLock = (data: string): Lock | null => {
  const folder = runFolder(data)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'lock')
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    chmodSync(file, 0o600)
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return null
    throw error
  }
  return { release: () => database.close() }
}
