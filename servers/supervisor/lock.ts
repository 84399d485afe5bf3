/** The lock on a data folder: the kernel's own, on a file that SQLite holds, so that it is free the moment its holder is dead. */
import { accessSync, chmodSync, constants, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { PermanentError } from '../../shared/service.ts'

/** SQLITE_BUSY: somebody else holds it (sqlite.org/rescode.html#busy). */
const busy = 5

/** Where the control socket and the lock lie. */
export const runFolder = (data: string): string => join(data, 'run')

const lockFile = (data: string): string => join(runFolder(data), 'lock')

/**
 * Refuses a folder for lock and control socket that this user cannot use: a Havre that ran as another one left it behind, or runs. One
 * that is missing is no trouble.
 * @throws {PermanentError} naming what it is, whose, and what to do
 */
export const checkRunFolder = (data: string): void => {
  const folder = runFolder(data)
  const entries = [folder]
  for (const entry of entries) {
    try {
      accessSync(entry, constants.R_OK | constants.W_OK)
      if (entry === folder) entries.push(...readdirSync(folder).map((name) => join(folder, name)))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null
      if (code === 'ENOENT') continue
      if (code === 'ENOTDIR') throw new PermanentError(`data: ${folder} is not a folder`, { cause: error })
      if (code !== 'EACCES' && code !== 'EPERM') throw error
      const me = process.getuid?.()
      throw new PermanentError(
        `data: ${entry} belongs to uid ${statSync(entry).uid} and may not be used by uid ${me}. A Havre that runs as another user has it, or left it there: start as that user, or, when it does not run, give the folder away: chown -R ${me} ${folder}`,
        { cause: error },
      )
    }
  }
}

/** A held lock; ends with the process or at `release`. */
export interface Lock {
  release(): void
}

/**
 * Takes the lock of a data folder; the folder is made when missing.
 * @returns null when another process has it
 */
export const takeLock = (data: string): Lock | null => {
  mkdirSync(runFolder(data), { recursive: true, mode: 0o700 })
  const file = lockFile(data)
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

/** Who has the lock, by the kernel's own list (proc_locks(5)), or null where that cannot be known. */
export const lockHolder = (data: string): number | null => {
  if (process.platform !== 'linux') return null
  const { ino } = statSync(lockFile(data))
  const rows = readFileSync('/proc/locks', 'utf8').split('\n')
  // `1: POSIX  ADVISORY  WRITE 1234 08:01:131074 1073741824 1073742335`
  const row = rows.map((line) => line.trim().split(/\s+/)).find((fields) => fields[3] === 'WRITE' && fields[5]?.endsWith(`:${ino}`))
  return row?.[4] === undefined ? null : Number(row[4])
}
