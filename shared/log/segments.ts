/** The files of a journal in the order of time: what was put away, by Havre or by another program, and what is being written. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing, parseRotatedName } from './rotated-file.ts'

/** One file of a journal. */
export interface Segment {
  readonly path: string
  readonly compressed: boolean
  /** Nothing in it is later: when it was put away, or infinity where it is being written. */
  readonly untilMs: number
  /** Tells one file from another, whatever it is called by now. */
  readonly key: string
}

/** After a file was renamed its writers may take so long to notice. */
const noticeMs = 5_000

/** What tells one file from another: the number of one that is gone may be given again. */
export const keyOf = ({ dev, ino, birthtimeMs }: { dev: number; ino: number; birthtimeMs: number }): string =>
  `${dev}:${ino}:${birthtimeMs}`

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** `http.log.1`, `http.log.2.gz`, `http.log-20261121`: as logrotate calls them. */
const foreign = /^([^.]+\.log)(?:\.\d+|-\d{6,14})(\.gz)?$/

const logOf = (name: string): string | null => parseRotatedName(name)?.log ?? foreign.exec(name)?.[1] ?? null

/** The names of the services that have a journal in this folder, sorted; none where there is no folder. */
export const journalsIn = async (folder: string): Promise<readonly string[]> => {
  const names = await namesIn(folder)
  // `http.access.log` and the like are no journals: a service's name has no dot.
  const services = names.flatMap((name) => /^([^.]+)\.log$/.exec(logOf(name) ?? name)?.[1] ?? [])
  return [...new Set(services)].sort()
}

/** The files of one journal, oldest first; the one that is being written is the last. */
export const segmentsOf = async (folder: string, service: string): Promise<readonly Segment[]> => {
  const log = `${service}.log`
  const names = (await namesIn(folder)).filter((name) => name === log || logOf(name) === log)
  const there = new Set(names)
  // While a file is compressed it is there twice: the original holds.
  const wanted = names.filter((name) => !(name.endsWith('.gz') && there.has(name.slice(0, -'.gz'.length))))
  const segments = await Promise.all(wanted.map((name) => segmentOf(folder, name, log)))
  return segments.flat().sort((one, other) => (one.untilMs < other.untilMs ? -1 : 1))
}

const segmentOf = async (folder: string, name: string, log: string): Promise<readonly Segment[]> => {
  const path = join(folder, name)
  try {
    const file = await stat(path)
    const ours = parseRotatedName(name)
    const untilMs = name === log ? Number.POSITIVE_INFINITY : (ours === null ? file.mtimeMs : ours.atMs) + noticeMs
    return [{ path, compressed: name.endsWith('.gz'), untilMs, key: keyOf(file) }]
  } catch (error) {
    // Compressed or removed just now.
    if (isMissing(error)) return []
    throw error
  }
}
