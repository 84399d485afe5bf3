/** All that a folder still has of its journals: what was put away, compressed or not, and what is written now. */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parseRecord, type ReadRecord } from './log-reader.ts'
import { parseRotatedName, unlessMissing } from './rotated-file.ts'

/** One file of a journal. */
export interface KeptFile {
  readonly service: string
  readonly path: string
  /** When it was put away: what is in it is older. Null where it is written now. */
  readonly putAwayMs: number | null
}

/** What is written now. A service's name has no dot, the other formats' files have one: `http.access.log`. */
const current = /^(?<service>[^.]+)\.log$/

/** What the name of a file says, or null where it is no journal of ours. */
const parseName = (name: string): Omit<KeptFile, 'path'> | null => {
  const rotated = parseRotatedName(name)
  const service = current.exec(rotated?.log ?? name)?.groups?.['service']
  return service === undefined ? null : { service, putAwayMs: rotated?.atMs ?? null }
}

/** The files of these services' journals, the newest first; none where there is no folder. */
export const keptFiles = async (folder: string, isWanted: (service: string) => boolean): Promise<readonly KeptFile[]> => {
  const names = await unlessMissing(readdir(folder), [])
  return names
    .flatMap((name) => {
      const file = parseName(name)
      return file !== null && isWanted(file.service) ? [{ ...file, path: join(folder, name) }] : []
    })
    .sort(
      (one, other) =>
        (other.putAwayMs ?? Number.MAX_VALUE) - (one.putAwayMs ?? Number.MAX_VALUE) || one.service.localeCompare(other.service),
    )
}

/**
 * The records in a file whose line holds this text; parsing is what costs. Nothing where the file is gone.
 * @param octets so many of its first octets, where it is being written; a last line that is not finished is left out
 */
export async function* recordsWith(path: string, text: string, octets = Number.POSITIVE_INFINITY): AsyncGenerator<ReadRecord> {
  if (octets === 0) return
  const handle = await unlessMissing(open(path), null)
  if (handle === null) return
  try {
    const raw = handle.createReadStream({ autoClose: false, end: octets - 1 })
    const input: Readable = path.endsWith('.gz') ? raw.pipe(createGunzip()) : raw
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.includes(text)) yield parseRecord(line)
    }
  } finally {
    await handle.close()
  }
}
