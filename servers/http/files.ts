/** The files of the site and of the accounts, found and made into answers. */
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { readAccountName } from '../../shared/accounts/name.ts'
import { openFileStore } from '../../shared/files/disk-file-store.ts'
import {
  type FileEntry,
  FileError,
  type FileErrorCode,
  type FileStat,
  type FileStore,
  type OpenFile,
} from '../../shared/files/file-store.ts'
import { publicSegments } from '../../shared/tls/public-files.ts'
import { poolFor } from './buffers.ts'
import { type Conditions, judge, rangeCounts, type Validators } from './conditional.ts'
import { httpDate } from './dates.ts'
import { readSorting, renderListing } from './listing.ts'
import { mediaTypeOf } from './media-types.ts'
import { pageFields } from './page.ts'
import { readRange } from './ranges.ts'
import { type Asker, type FailureStatus, failure, moved, type Reply, withFile, withOctets, withoutBody } from './replies.ts'
import { pathOf, type Target } from './target.ts'

/** A GET or HEAD, read. */
export interface FileRequest {
  readonly head: boolean
  readonly target: Target
  readonly conditions: Conditions
  readonly range: string | undefined
  readonly ifRange: string | undefined
  readonly asker: Asker
}

/** Where the files lie, and what is shown of them. */
export interface FilesOptions {
  /** The folder of the site. */
  readonly site: string
  /** The folder that holds the accounts' homes. */
  readonly homes: string
  /** The folder of what the local authority shows to everybody, found at `publicSegments`. */
  readonly authority: string
  /** Whether a folder without index.html is shown as a list. */
  readonly listing: boolean
}

/** The part of a home that the web sees. */
const webFolder = 'public_html'
const indexName = 'index.html'

/** Up to so many octets are read at once and go out with the head; more are streamed. */
const wholeOctets = 128 * 1024

/** A page with more entries helps nobody, and each costs memory while it is made. */
const listedEntries = 10_000

/** Accounts whose store is kept: as many as are likely to be asked for, not as many as a client can spell. */
const keptHomes = 256

/** The client checks back before it uses what it has kept: an answer is never older than the file. */
const cacheFields: readonly string[] = ['Cache-Control', 'no-cache']

const statusOf: Record<FileErrorCode, FailureStatus> = {
  missing: 404,
  'bad-name': 404,
  'not-folder': 404,
  denied: 403,
  'is-folder': 404,
  'too-many-open': 503,
  failed: 500,
  full: 500,
  exists: 500,
  'not-empty': 500,
}

/** A name that is in no list and behind no address: hidden, or with characters that no address of ours may have. */
const isHidden = (name: string): boolean => name.startsWith('.') || /[\0-\x1f\x7f]/.test(name) || !name.isWellFormed()

/** Whether a name of the path is one that is never served. `.well-known` is for the web (RFC 8615 §3), at the root only. */
const leadsToHidden = (names: readonly string[]): boolean =>
  names.some((name, at) => (name.startsWith('.') && !(at === 0 && name === '.well-known')) || name.includes('/'))

/** Strong: another state of the file has another time or size, another file another inode; the same over restarts. */
export const etagOf = ({ unique, modifiedMs, octets }: FileStat): string =>
  `"${hash('sha256', `${unique}:${modifiedMs}:${octets}`, 'base64url').slice(0, 22)}"`

/** Whole seconds, and never later than the answer itself (RFC 9110 §8.8.2.1). */
const validatorsOf = (stat: FileStat, nowMs: number): Validators => ({
  etag: etagOf(stat),
  modifiedMs: Math.max(0, Math.floor(Math.min(stat.modifiedMs, nowMs) / 1_000) * 1_000),
})

/** A file is no longer what its head says: while nothing is sent, the client can be told so. */
export class FileChanged extends Error {
  override readonly name = 'FileChanged'
}

/** Fills a buffer from a place in an open file. @throws {FileChanged} when the file ends before it is full */
const fill = async (buffer: Buffer, { handle }: OpenFile, from: number): Promise<void> => {
  for (let at = 0; at < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, at, buffer.length - at, from + at)
    if (bytesRead === 0) throw new FileChanged('the file became shorter')
    at += bytesRead
  }
}

/** Whatever answers GET and HEAD. */
export interface FileAnswers {
  /** @throws whatever nobody foresaw: the client gets a 500 for it */
  answer(request: FileRequest): Promise<Reply>
}

/** Answers from the site's folder and the accounts' web folders. Holds nothing that needs an end. */
export class Files implements FileAnswers {
  readonly #site: FileStore
  readonly #authority: FileStore
  readonly #homesFolder: string
  readonly #homes = new Map<string, FileStore>()
  readonly #listing: boolean

  constructor({ site, homes, authority, listing }: FilesOptions) {
    this.#site = openFileStore({ root: site, sync: null })
    this.#authority = openFileStore({ root: authority, sync: null })
    this.#homesFolder = homes
    this.#listing = listing
  }

  async answer(request: FileRequest): Promise<Reply> {
    try {
      return await this.#find(request)
    } catch (error) {
      if (error instanceof FileChanged) return failure(503, request.asker, { fields: ['Retry-After', '1'] })
      if (!(error instanceof FileError)) throw error
      const status = statusOf[error.code]
      const reply = failure(status, request.asker, status === 503 ? { fields: ['Retry-After', '5'] } : {})
      return status >= 500 ? { ...reply, cause: error } : reply
    }
  }

  async #find(request: FileRequest): Promise<Reply> {
    const { segments, folder } = request.target
    const { store, names } = this.#place(segments)
    if (leadsToHidden(names)) throw new FileError('missing', 'hidden')
    const path = `/${names.join('/')}`
    if (folder) return this.#folder(request, store, path)
    if (names.length === 0) return this.#withSlash(request)
    try {
      return await this.#file(request, await store.open(path), names.at(-1) ?? '')
    } catch (error) {
      if (error instanceof FileError && error.code === 'is-folder') return this.#withSlash(request)
      throw error
    }
  }

  /** The store that a path begins in, and the names below its root. @throws {FileError} missing */
  #place(segments: readonly string[]): { store: FileStore; names: readonly string[] } {
    const [first, ...rest] = segments
    const [area, ours, file] = segments
    if (file !== undefined && area === publicSegments[0] && ours === publicSegments[1])
      return { store: this.#authority, names: segments.slice(publicSegments.length) }
    if (first === undefined || !first.startsWith('~')) return { store: this.#site, names: segments }
    const account = readAccountName(first.slice(1))
    if (!account.ok) throw new FileError('missing', 'no account can have this name')
    return { store: this.#home(account.name), names: rest }
  }

  #home(account: string): FileStore {
    const known = this.#homes.get(account)
    if (known !== undefined) return known
    const home = join(this.#homesFolder, account)
    const store = openFileStore({ root: join(home, webFolder), inside: home, sync: null })
    const [oldest] = this.#homes.keys()
    if (this.#homes.size >= keptHomes && oldest !== undefined) this.#homes.delete(oldest)
    this.#homes.set(account, store)
    return store
  }

  /** A folder's address ends in a slash, so that the links in it lead into it. The query is kept. */
  #withSlash({ target, asker }: FileRequest): Reply {
    return moved(`${pathOf(target.segments, true)}${target.query === null ? '' : `?${target.query}`}`, asker)
  }

  async #folder(request: FileRequest, store: FileStore, path: string): Promise<Reply> {
    const index = await openIndex(store, path === '/' ? `/${indexName}` : `${path}/${indexName}`)
    if (index !== null) return this.#file(request, index, indexName)
    if (this.#listing) return this.#list(request, store, path)
    // A folder that is not there is missing, not forbidden.
    const { kind } = await store.stat(path)
    if (kind !== 'folder') throw new FileError('not-folder', 'a file has no folder in it')
    return failure(403, request.asker, { detail: 'This folder has no index.html, and the server shows no lists of files.' })
  }

  async #list({ target, head }: FileRequest, store: FileStore, path: string): Promise<Reply> {
    const entries: FileEntry[] = []
    let more = false
    for await (const entry of store.list(path)) {
      // At the root a name with a tilde means an account.
      if (isHidden(entry.name) || (target.segments.length === 0 && entry.name.startsWith('~'))) continue
      more = entries.length >= listedEntries
      if (more) break
      entries.push(entry)
    }
    const page = Buffer.from(renderListing({ segments: target.segments, entries, more, sorting: readSorting(target.query) }))
    const fields = [...pageFields, ...cacheFields]
    return head ? withoutBody(200, [...fields, 'Content-Length', String(page.length)]) : withOctets(200, fields, page)
  }

  /** The answer takes the file over; without one it is closed. */
  async #file(request: FileRequest, opened: OpenFile, name: string): Promise<Reply> {
    try {
      return { ...(await fileReply(request, opened, name)), opened }
    } catch (error) {
      await opened.close()
      throw error
    }
  }
}

/** A folder's index.html; null where there is none. */
const openIndex = async (store: FileStore, path: string): Promise<OpenFile | null> => {
  try {
    return await store.open(path)
  } catch (error) {
    if (error instanceof FileError && (error.code === 'missing' || error.code === 'is-folder')) return null
    throw error
  }
}

const fileReply = async (request: FileRequest, file: OpenFile, name: string): Promise<Reply> => {
  const { asker, range, ifRange, conditions, head } = request
  const nowMs = Date.now()
  const size = file.stat.octets
  const validators = validatorsOf(file.stat, nowMs)
  const state = ['ETag', validators.etag, 'Last-Modified', httpDate(validators.modifiedMs), ...cacheFields]
  const verdict = judge(conditions, validators, nowMs)
  if (verdict === 'failed') return failure(412, asker)
  if (verdict === 'unchanged') return withoutBody(304, state)
  const fields = ['Content-Type', mediaTypeOf(name), 'Accept-Ranges', 'bytes', ...state]
  // Range is defined for GET only (RFC 9110 §14.2).
  if (head) return withoutBody(200, [...fields, 'Content-Length', String(size)])
  const asked = range !== undefined && rangeCounts(ifRange, validators, nowMs) ? readRange(range, size) : null
  if (asked?.kind === 'unsatisfiable') {
    return failure(416, asker, { detail: `It has ${size} octets.`, fields: ['Content-Range', `bytes */${size}`] })
  }
  if (asked?.kind !== 'part') return part(200, fields, file, 0, size)
  const last = asked.from + asked.octets - 1
  return part(206, [...fields, 'Content-Range', `bytes ${asked.from}-${last}/${size}`], file, asked.from, asked.octets)
}

const part = async (status: 200 | 206, fields: readonly string[], file: OpenFile, from: number, octets: number): Promise<Reply> => {
  if (octets > wholeOctets) return withFile(status, fields, { file, from, octets })
  const pool = poolFor(octets)
  const buffer = pool?.take() ?? Buffer.allocUnsafe(octets)
  const filled = buffer.subarray(0, octets)
  await fill(filled, file, from)
  return withOctets(status, fields, filled, () => pool?.give(buffer))
}
