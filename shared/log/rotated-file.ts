/**
 * Logs that were put away: how they are called, and which there are. `http.log` becomes `http.log.20261121T130517.123Z`, by the time
 * at which it was put away (UTC), and once compressed `….gz`.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** One log that was put away. */
export interface RotatedFile {
  /** Its name in the logs' folder. */
  readonly name: string
  /** The log that it was: `http.log`. */
  readonly log: string
  /** When it was put away. */
  readonly atMs: number
  readonly compressed: boolean
}

/** One log that was put away, and how large it is. */
export interface MeasuredFile extends RotatedFile {
  readonly octets: number
}

const pattern = /^(.+\.log)\.(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3}Z)(\.gz)?$/

/** What a log is called once it is put away. */
export const rotatedName = (log: string, atMs: number): string => `${log}.${new Date(atMs).toISOString().replaceAll(/[-:]/g, '')}`

/** What the name of a file says, or null where it is not one of ours. */
export const parseRotatedName = (name: string): RotatedFile | null => {
  const [, log, year, month, day, hour, minute, second, gz] = pattern.exec(name) ?? []
  if (log === undefined) return null
  const atMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}`)
  return Number.isNaN(atMs) ? null : { name, log, atMs, compressed: gz !== undefined }
}

/** The logs of a folder that were put away, oldest first; none where there is no folder. */
export const rotatedIn = async (folder: string): Promise<readonly RotatedFile[]> =>
  (await unlessMissing(readdir(folder), []))
    .flatMap((name) => parseRotatedName(name) ?? [])
    .sort((one, other) => one.atMs - other.atMs || one.name.localeCompare(other.name))

/** The same with their sizes; one that is removed meanwhile is left out. */
export const measuredIn = async (folder: string): Promise<readonly MeasuredFile[]> => {
  const files = await rotatedIn(folder)
  const sizes = await Promise.all(files.map(({ name }) => sizeOf(join(folder, name))))
  return files.flatMap((file, at) => {
    const octets = sizes[at] ?? null
    return octets === null ? [] : [{ ...file, octets }]
  })
}

/** Octets of a file, or null where there is none. */
export const sizeOf = async (path: string): Promise<number | null> => (await unlessMissing(stat(path), null))?.size ?? null

/** What a look at the disk found, or something else where there is nothing of that name. */
export const unlessMissing = async <Found, Otherwise>(look: Promise<Found>, otherwise: Otherwise): Promise<Found | Otherwise> => {
  try {
    return await look
  } catch (error) {
    if (isMissing(error)) return otherwise
    throw error
  }
}

/** Whether the system says that there is nothing of this name. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
