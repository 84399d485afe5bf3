/** Root is for binding the well-known ports only; this is where it is given up. */
import { lchownSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import process from 'node:process'
import { asUser } from '../../shared/as-user.ts'
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

/**
 * Makes a folder that the user can write to; one that is there already stays as it is. Root makes it only where the user cannot, and not
 * by way of anything that is the user's, who could put a link to some other place there.
 * @throws the system's error
 */
export const makeFolderFor = (folder: string, user: SystemUser | null): void => {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return
  if (user === null) return void mkdirSync(folder, { recursive: true })
  try {
    asUser(user, () => mkdirSync(folder, { recursive: true }))
  } catch (error) {
    const denied = error instanceof Error && 'code' in error && error.code === 'EACCES'
    if (!denied || waysTo(folder).some((way) => lstatSync(way).uid === user.uid)) throw error
    // Only what we made ourselves becomes the user's: the first folder of the path that was missing, and all below it.
    const first = mkdirSync(folder, { recursive: true })
    if (first === undefined) return
    for (let made = folder; made.length >= first.length; made = dirname(made)) lchownSync(made, user.uid, user.gid)
  }
}

/** All that exists on the way to a path, as it is called and where it lies. */
const waysTo = (path: string): string[] => {
  const above: string[] = []
  for (let way = path; way !== dirname(way); way = dirname(way)) above.push(way)
  const existing = above.filter((way) => lstatSync(way, { throwIfNoEntry: false }) !== undefined)
  const [last] = existing
  const real = last === undefined || statSync(last, { throwIfNoEntry: false }) === undefined ? last : realpathSync(last)
  return real === undefined || real === last ? existing : [...existing, ...waysTo(real)]
}

/** Becomes the user for good. */
export const become = ({ uid, gid }: SystemUser): void => {
  process.setgroups?.([gid])
  process.setgid?.(gid)
  process.setuid?.(uid)
}
