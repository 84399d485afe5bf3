/** Lists of files as LIST and NLST send them. */
import { type FileEntry, FileError, type FileStat, type FileStore } from '../../shared/files/file-store.ts'
import { globMatcher, hasPattern } from './glob.ts'
import { baseName, parentOf } from './paths.ts'

/** A folder up to this many entries is sorted by name; a larger one is sent as it comes, so that memory stays bounded. */
const mostSorted = 10_000

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const halfYearMs = 182 * 24 * 60 * 60 * 1000
const dayMs = 24 * 60 * 60 * 1000

const pad = (value: number): string => String(value).padStart(2, '0')

/** `Nov 21 10:02`, or `Nov 21  2024` for what is older than half a year or lies ahead, as `ls -l` writes it; in UTC. */
const dateColumn = (ms: number, nowMs: number): string => {
  const date = new Date(ms)
  const day = `${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`
  const recent = nowMs - ms < halfYearMs && ms - nowMs < dayMs
  return recent ? `${day} ${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}` : `${day}  ${date.getUTCFullYear()}`
}

const permissions = (mode: number): string =>
  [6, 3, 0].map((shift) => ['r', 'w', 'x'].map((letter, n) => (mode & ((4 >> n) << shift) ? letter : '-')).join('')).join('')

/** A name that would break the line it stands in is shown with ? in place of what breaks it. */
const shown = (name: string): string => name.replace(/[\0-\x1f\x7f]/g, '?')

/** One line as `ls -l` writes it: what all clients read. */
export const longLine = (name: string, stat: FileStat, owner: string, nowMs: number): string => {
  const kind = stat.kind === 'folder' ? 'd' : '-'
  const user = owner.padEnd(8)
  const size = String(stat.octets).padStart(12)
  return `${kind}${permissions(stat.mode)}   1 ${user} ${user} ${size} ${dateColumn(stat.modifiedMs, nowMs)} ${shown(name)}`
}

/** What a list is of: the entries of a folder, or those whose names match a pattern, with what stands before each name. */
export interface Listing {
  /** For NLST: the words of the client that lead to the folder, so that each line is a path the client can use (RFC 1123 §4.1.2.7). */
  readonly prefix: string
  readonly entries: AsyncIterable<FileEntry>
}

/**
 * Finds out what a list shall show, before anything is sent.
 * @param words the path as the client wrote it; null: the current folder
 * @param path  the same, resolved
 * @throws {FileError} where there is no such file or folder
 */
export const listingOf = async (files: FileStore, words: string | null, path: string): Promise<Listing> => {
  try {
    const stat = await files.stat(path)
    if (stat.kind === 'folder') return { prefix: folderPrefix(words), entries: files.list(path) }
    return {
      prefix: (words ?? '').slice(0, (words ?? '').lastIndexOf('/') + 1),
      entries: single({ name: baseName(path), ...stat }),
    }
  } catch (error) {
    const glob = (words ?? '').slice((words ?? '').lastIndexOf('/') + 1)
    if (!(error instanceof FileError) || error.code !== 'missing' || !hasPattern(glob)) throw error
    const parent = parentOf(path)
    if ((await files.stat(parent)).kind !== 'folder') throw new FileError('not-folder', 'the pattern is not of a folder')
    return {
      prefix: (words ?? '').slice(0, (words ?? '').lastIndexOf('/') + 1),
      entries: matching(files.list(parent), globMatcher(glob), glob.startsWith('.')),
    }
  }
}

const folderPrefix = (words: string | null): string =>
  words === null || words === '.' ? '' : words.endsWith('/') ? words : `${words}/`

async function* single(entry: FileEntry): AsyncGenerator<FileEntry, void, void> {
  yield entry
}

/** A name that begins with a dot matches only a pattern that does. */
async function* matching(
  entries: AsyncIterable<FileEntry>,
  matches: (name: string) => boolean,
  hidden: boolean,
): AsyncGenerator<FileEntry, void, void> {
  for await (const entry of entries) {
    if (matches(entry.name) && (hidden || !entry.name.startsWith('.'))) yield entry
  }
}

/** By name where they are not too many. */
async function* sorted(entries: AsyncIterable<FileEntry>): AsyncGenerator<FileEntry, void, void> {
  let held: FileEntry[] | null = []
  for await (const entry of entries) {
    if (held === null) yield entry
    else if (held.push(entry) > mostSorted) {
      yield* held
      held = null
    }
  }
  if (held !== null) yield* held.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** LIST. */
export async function* longLines({ entries }: Listing, owner: string): AsyncGenerator<string, void, void> {
  const nowMs = Date.now()
  for await (const entry of sorted(entries)) yield longLine(entry.name, entry, owner, nowMs)
}

/** NLST. */
export async function* bareLines({ entries, prefix }: Listing): AsyncGenerator<string, void, void> {
  for await (const entry of sorted(entries)) yield shown(prefix + entry.name)
}
