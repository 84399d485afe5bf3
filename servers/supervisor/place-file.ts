/** Files that are put into a folder of somebody else's: whole or not at all, and never in the place of one that is there. */
import { constants } from 'node:fs'
import { copyFile, link, lstat, mkdir, open, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncFolder } from '../../shared/files/sync-folder.ts'

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

/** What a file is called until it is whole. One of a start that was killed is written anew by the next. */
const unfinishedPrefix = '.havre-welcome-'

/**
 * Writes a file, and the folders above it, durably.
 *
 * @returns false when there is something of that name: it stays as it is
 */
export const placeFile = async (path: string, text: string): Promise<boolean> => {
  await mkdir(dirname(path), { recursive: true })
  const unfinished = join(dirname(path), `${unfinishedPrefix}${basename(path)}`)
  if (await exists(path)) {
    await rm(unfinished, { force: true })
    return false
  }
  const file = await open(unfinished, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    return await publish(unfinished, path)
  } finally {
    await rm(unfinished, { force: true })
    await syncFolder(dirname(path))
  }
}

/** Whether a folder holds nothing, or is not there. What a killed start left unfinished does not count. */
export const isFolderEmpty = async (path: string): Promise<boolean> => {
  try {
    return (await readdir(path)).every((name) => name.startsWith(unfinishedPrefix))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true
    throw error
  }
}

const exists = async (path: string): Promise<boolean> => {
  try {
    // A link that leads nowhere is somebody's as well.
    await lstat(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** A link, unlike a rename, refuses to replace what came in between. */
const publish = async (unfinished: string, path: string): Promise<boolean> => {
  try {
    await link(unfinished, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    // File systems without links: FAT, some shares.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(String(codeOf(error)))) throw error
  }
  try {
    await copyFile(unfinished, path, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}
