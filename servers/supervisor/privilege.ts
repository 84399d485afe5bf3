/** Root is for binding the well-known ports only; this is where it is given up. */
import { chownSync, mkdirSync, statSync } from 'node:fs'
import process from 'node:process'
import type { Settings } from '../../shared/config/settings.ts'
import { PermanentError } from '../../shared/service.ts'
import type { SystemUser } from '../../shared/system-user.ts'

/** Whether this process may do everything. */
export const isRoot = (): boolean => process.getuid?.() === 0

/**
 * Refuses to serve as root where that was not asked for.
 * @returns a warning for the terminal, or null
 * @throws {PermanentError} for well-known ports as root without a `user` to become
 */
export const checkRoot = ({ ports, user }: Settings): string | null => {
  if (!isRoot() || user !== null) return null
  if (ports === 'well-known') {
    throw new PermanentError('ports: well-known as root needs the setting `user`: the account to become once the ports are bound')
  }
  return 'running as root: set `user` to an account without privilege, and files and processes will be its own'
}

/** Makes a folder that the user can write to; one that is there already stays as it is. */
export const makeFolderFor = (folder: string, user: SystemUser | null): void => {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return
  // Only what we made ourselves becomes the user's: the first folder of the path that was missing, and all below it.
  const first = mkdirSync(folder, { recursive: true })
  if (user === null || first === undefined) return
  for (let made = folder; made.length >= first.length; made = made.slice(0, made.lastIndexOf('/')))
    chownSync(made, user.uid, user.gid)
}

/** Becomes the user for good. */
export const become = ({ uid, gid }: SystemUser): void => {
  process.setgroups?.([gid])
  process.setgid?.(gid)
  process.setuid?.(uid)
}
