/**
 * Lists of files as LIST, NLST and STAT send them. Names that begin with a dot are in them, with `-a` and without: a mirror that is
 * made of lists would lose those files, and MLSD shows them too. Only a pattern passes them over, as in a shell.
 */
import { type FileEntry, FileError, type FileStat, type FileStore } from '../../shared/files/file-store.ts'
import { globMatcher, hasPattern } from '../../shared/files/glob.ts'
import type { ListRequest } from './list-request.ts'
import { baseName, parentOf, resolveFrom } from './paths.ts'

/** A folder up to this many entries is sorted; a larger one is sent as it comes, so that memory stays bounded. */
const mostSorted = 10_000

/** Folders that one recursive list goes into. */
const mostFolders = 100_000

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

const written = (mode: number): string =>
  [6, 3, 0].map((shift) => ['r', 'w', 'x'].map((letter, n) => (mode & ((4 >> n) << shift) ? letter : '-')).join('')).join('')

/** There are few: each is written once. */
const modes = new Map<number, string>()

const permissions = (mode: number): string => {
  const bits = mode & 0o777
  const known = modes.get(bits) ?? written(bits)
  modes.set(bits, known)
  return known
}

/** A name that would break the line it stands in is shown with ? in place of what breaks it. */
export const shown = (name: string): string => name.replace(/[\0-\x1f\x7f]/g, '?')

/** One line as `ls -l` writes it: what all clients read. */
export const longLine = (name: string, stat: FileStat, owner: string, nowMs: number): string => {
  const kind = stat.kind === 'folder' ? 'd' : '-'
  const user = owner.padEnd(8)
  const size = String(stat.octets).padStart(12)
  return `${kind}${permissions(stat.mode)}   1 ${user} ${user} ${size} ${dateColumn(stat.modifiedMs, nowMs)} ${shown(name)}`
}

/** Some at a time. */
type Entries = AsyncIterable<readonly FileEntry[]>

/** Lines of a list, some at a time. */
export type Lines = AsyncIterable<readonly string[]>

/** What a list is of. */
export interface Listing {
  readonly request: ListRequest
  /** For NLST: the words of the client that lead to the folder, so that each line is a path the client can use (RFC 1123 §4.1.2.7). */
  readonly prefix: string
  readonly entries: Entries
  /** `folder`: its entries, or those that match a pattern; `one`: this file or folder itself. */
  readonly of: 'folder' | 'one'
  /** Where a recursive list begins. */
  readonly root: Below | null
}

/** A folder that a recursive list goes into. */
interface Below {
  readonly path: string
  /** As the list names it. */
  readonly shown: string
  readonly unique: string
}

/**
 * Finds out what a list shall show, before anything is sent.
 * @param folder the current folder
 * @throws {FileError} where there is no such file or folder
 */
export const listingOf = async (files: FileStore, request: ListRequest, folder: string): Promise<Listing> => {
  const words = request.path ?? '.'
  const path = resolveFrom(folder, words)
  const before = words.slice(0, words.lastIndexOf('/') + 1)
  try {
    const stat = await files.stat(path)
    if (stat.kind === 'file' || request.options.has('d')) {
      const name = stat.kind === 'file' ? baseName(path) : words.slice(before.length) || words
      const prefix = name === words ? '' : before
      return { request, prefix, entries: single({ name, ...stat }), of: 'one', root: null }
    }
    await files.enter(path, { toList: true })
    const root = { path, shown: words, unique: stat.unique }
    return { request, prefix: folderPrefix(words), entries: files.list(path), of: 'folder', root }
  } catch (error) {
    const glob = words.slice(before.length)
    if (!(error instanceof FileError) || error.code !== 'missing' || !hasPattern(glob)) throw error
    const parent = parentOf(path)
    if ((await files.stat(parent)).kind !== 'folder') throw new FileError('not-folder', 'the pattern is not of a folder')
    const hidden = glob.startsWith('.') || request.options.has('a')
    return { request, prefix: before, entries: matching(files.list(parent), globMatcher(glob), hidden), of: 'folder', root: null }
  }
}

const folderPrefix = (words: string): string => (words === '.' ? '' : words.endsWith('/') ? words : `${words}/`)

async function* single(entry: FileEntry): AsyncGenerator<readonly FileEntry[], void, void> {
  yield [entry]
}

/** A name that begins with a dot matches only a pattern that does, unless all are wanted. */
async function* matching(
  entries: Entries,
  matches: (name: string) => boolean,
  hidden: boolean,
): AsyncGenerator<readonly FileEntry[], void, void> {
  for await (const some of entries) yield some.filter(({ name }) => matches(name) && (hidden || !name.startsWith('.')))
}

const byName = (a: FileEntry, b: FileEntry): number => (a.name < b.name ? -1 : 1)

/** The newest first (`ls -t`). */
const byTime = (a: FileEntry, b: FileEntry): number => b.modifiedMs - a.modifiedMs || byName(a, b)

/** By name or time, where they are not too many. */
async function* sorted(entries: Entries, { options }: ListRequest): AsyncGenerator<readonly FileEntry[], void, void> {
  let held: FileEntry[] | null = []
  for await (const some of entries) {
    if (held === null) yield some
    else if (held.push(...some) > mostSorted) {
      yield* inPieces(held)
      held = null
    }
  }
  if (held === null) return
  held.sort(options.has('t') ? byTime : byName)
  yield* inPieces(options.has('r') ? held.reverse() : held)
}

/** So many lines are written before others have their turn. */
const pieceLines = 500

function* inPieces(entries: readonly FileEntry[]): Generator<readonly FileEntry[], void, void> {
  for (let from = 0; from < entries.length; from += pieceLines) yield entries.slice(from, from + pieceLines)
}

/** How an entry is written. */
type LineOf = (entry: FileEntry, prefix: string) => string

/** A folder's name may be marked by a slash (`ls -F`). */
const marked = ({ kind, name }: FileEntry, { options }: ListRequest): string =>
  kind === 'folder' && options.has('F') ? `${name}/` : name

/** LIST. */
export const longLines = (files: FileStore, listing: Listing, owner: string): Lines => {
  const nowMs = Date.now()
  return lines(files, listing, (entry) => longLine(marked(entry, listing.request), entry, owner, nowMs))
}

/** NLST; with `-l` it is a list as LIST's, as vsftpd and others have it. */
export const bareLines = (files: FileStore, listing: Listing, owner: string): Lines =>
  listing.request.options.has('l')
    ? longLines(files, listing, owner)
    : lines(files, listing, (entry, prefix) => shown(prefix + marked(entry, listing.request)))

async function* lines(files: FileStore, listing: Listing, lineOf: LineOf): AsyncGenerator<readonly string[], void, void> {
  const { request, root, prefix, entries } = listing
  if (root !== null && request.options.has('R')) yield* linesBelow(files, root, request, lineOf)
  else for await (const some of sorted(entries, request)) yield some.map((entry) => lineOf(entry, prefix))
}

/** Folder by folder, each under its name and once: links may lead in circles. One that vanished meanwhile is empty. */
async function* linesBelow(
  files: FileStore,
  root: Below,
  request: ListRequest,
  lineOf: LineOf,
): AsyncGenerator<readonly string[], void, void> {
  const seen = new Set([root.unique])
  const stack = [root]
  for (let folder = stack.pop(), first = true; folder !== undefined; folder = stack.pop(), first = false) {
    yield [...(first ? [] : ['']), `${shown(folder.shown)}:`]
    const prefix = folderPrefix(folder.shown)
    const inside = prefix === '' ? './' : prefix
    const below: Below[] = []
    for await (const some of sorted(stillThere(files.list(folder.path)), request)) {
      yield some.map((entry) => lineOf(entry, prefix))
      for (const { kind, name, unique } of some) {
        if (kind === 'file' || seen.has(unique) || seen.size >= mostFolders) continue
        seen.add(unique)
        below.push({ path: resolveFrom(folder.path, name), shown: inside + name, unique })
      }
    }
    for (const each of below.reverse()) stack.push(each)
  }
}

/** Nothing of a folder that is gone, may not be read or lies too deep. */
async function* stillThere(entries: Entries): AsyncGenerator<readonly FileEntry[], void, void> {
  try {
    yield* entries
  } catch (error) {
    if (!(error instanceof FileError) || !['missing', 'denied', 'not-folder', 'bad-name'].includes(error.code)) throw error
  }
}
