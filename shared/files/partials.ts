/** Uploads that broke off: found, taken up again, and removed when they are old. */
import { opendir } from 'node:fs/promises'
import { uptime } from 'node:os'
import type { Anchor } from './anchor.ts'
import { fileAt, ifMissing, removeFile, removeFolder, renameFile, statAt } from './direct.ts'
import { systemCode } from './file-failure.ts'
import { isHiddenName, isUploadName, mayBeWritten, partialName, readUploadName, uploadsOf } from './hidden-name.ts'

/** Nobody can still be writing an upload that was not touched for a day, whatever its name says of its process. */
export const staleUploadMs = 24 * 60 * 60 * 1000

/** Octets of before that are on the disk only where somebody asked for it: of an upload on its way in nobody has. */
const systemBeganMs = (): number => Date.now() - uptime() * 1000

/** Makes a dead upload the partial of its name, unless that is the newer, or its octets may be lost. @returns whether it is now */
const takeOver = async (folder: Anchor, name: string, whose: string): Promise<boolean> => {
  const upload = await fileAt(`${folder.ref}/${name}`)
  if (upload === null || upload.size === 0 || upload.mtimeMs < systemBeganMs()) return false
  const partial = await fileAt(`${folder.ref}/${partialName(whose)}`)
  if (partial !== null && partial.mtimeMs > upload.mtimeMs) return false
  await renameFile(`${folder.ref}/${name}`, `${folder.ref}/${partialName(whose)}`, partial?.size ?? 0).catch(ifMissing(undefined))
  return true
}

/** Makes what a killed process left of somebody's uploads to one name the partial of that name. */
export const recoverPartial = async (folder: Anchor, whose: string): Promise<void> => {
  const prefix = uploadsOf(whose)
  for await (const { name } of await opendir(folder.ref, { bufferSize: 1024 })) {
    if (name.startsWith(prefix) && !mayBeWritten(name)) await takeOver(folder, name, whose)
  }
}

/** What one folder's sweep does. */
export interface Sweeping {
  /** Partials not touched for so long go. */
  readonly partialsMs: number
  /** The same, of uploads that may still be written. */
  readonly uploadsMs: number
  readonly onFolder?: (name: string) => void
}

/**
 * Removes what is old of a folder's uploads, and makes what is not old, of processes that died, partials to be continued.
 * @returns how many were removed
 */
export const sweepFolder = async (folder: Anchor, { partialsMs, uploadsMs, onFolder }: Sweeping): Promise<number> => {
  let removed = 0
  for await (const entry of await opendir(folder.ref, { bufferSize: 1024 })) {
    const { name } = entry
    if (entry.isDirectory()) onFolder?.(name)
    if (!entry.isFile() || !isHiddenName(name)) continue
    const path = `${folder.ref}/${name}`
    const stats = await fileAt(path)
    if (stats === null) continue
    const idleMs = Date.now() - stats.mtimeMs
    const mayLive = isUploadName(name) && mayBeWritten(name)
    if (idleMs < (mayLive ? uploadsMs : partialsMs)) {
      const upload = mayLive ? null : readUploadName(name)
      if (upload === null || (await takeOver(folder, name, upload.whose))) continue
    }
    await removeFile(path, stats.size).catch(ifMissing(undefined))
    removed += 1
  }
  return removed
}

/**
 * Removes all that broken uploads left in a folder, if nothing else is in it and none may still be written. What goes meanwhile, or gets
 * another name, is a sweep's work: it keeps nothing.
 * @returns how many were removed; null: something has to stay
 */
export const clearFolder = async (folder: Anchor): Promise<number | null> => {
  const left = new Map<string, number>()
  for await (const { name } of await opendir(folder.ref)) {
    if (!isHiddenName(name)) return null
    const stats = await statAt(`${folder.ref}/${name}`)
    if (stats === null) continue
    if (!stats.isFile() || (isUploadName(name) && mayBeWritten(name) && Date.now() - stats.mtimeMs < staleUploadMs)) return null
    left.set(name, stats.size)
  }
  for (const [name, octets] of left) await removeFile(`${folder.ref}/${name}`, octets).catch(ifMissing(undefined))
  return left.size
}

/** How often a folder's removal is tried: sweeps of several processes may meanwhile give other names to what keeps it. */
const removeTries = 10

/**
 * Removes a folder. What nobody can name must not keep it: dead uploads, and partials of whoever may remove the folder.
 * @param clear  removes those, as `clearFolder` does; says whether nothing has to stay
 * @throws the system's error
 */
export const removeWithLeftovers = async (path: string, clear: () => Promise<boolean>): Promise<void> => {
  for (let left = removeTries; ; left -= 1) {
    try {
      return await removeFolder(path)
    } catch (error) {
      if (systemCode(error) !== 'ENOTEMPTY' || left === 1 || !(await clear())) throw error
    }
  }
}
