/** All that a folder still has of its journals: what was put away, compressed or not, and what is written now. */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parseRecord, type ReadRecord } from './log-reader.ts'

/** One file of a journal. */
export interface KeptFile {
  readonly service: string
  readonly path: string
  /** When it was put away: what is in it is older. Null where it is written now. */
  readonly putAwayMs: number | null
}

/** `smtp.log`, and `smtp.log.20261121T130517.123Z` or `….gz` for what was put away then. A service's name has no dot. */
const pattern = /^(?<service>[^.]+)\.log(?:\.(?<at>\d{8}T\d{6}\.\d{3}Z)(?:\.gz)?)?$/

const timeOf = (at: string): number =>
  Date.parse(
    at.replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/,
      (_, year, month, day, hour, minute) => `${year}-${month}-${day}T${hour}:${minute}:`,
    ),
  )

/** What sorts behind every time. */
const now = 'Z'

/** The files of these services' journals, the newest first; none where there is no folder. */
export const keptFiles = async (folder: string, isWanted: (service: string) => boolean): Promise<readonly KeptFile[]> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  })
  return names
    .flatMap((name) => {
      const { service, at } = pattern.exec(name)?.groups ?? {}
      return service !== undefined && isWanted(service) ? [{ service, path: join(folder, name), at: at ?? now }] : []
    })
    .sort((one, other) => other.at.localeCompare(one.at) || one.service.localeCompare(other.service))
    .map(({ service, path, at }) => ({ service, path, putAwayMs: at === now ? null : timeOf(at) }))
}

/**
 * The records in a file whose line holds this text; parsing is what costs. Nothing where the file is gone.
 * @param octets so many of its first octets, where it is being written; a last line that is not finished is left out
 */
export async function* recordsWith(path: string, text: string, octets = Number.POSITIVE_INFINITY): AsyncGenerator<ReadRecord> {
  if (octets === 0) return
  const handle = await open(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  })
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
