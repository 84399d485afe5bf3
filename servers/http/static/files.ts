/** The files of a site and of the accounts: which one a request means, and what it comes to. */
import { FileError, type FileErrorCode, type FileStore, type OpenFile } from '../../../shared/files/file-store.ts'
import { globMatcher } from '../../../shared/files/glob.ts'
import { namesType } from '../accept.ts'
import type { Asker } from '../asker.ts'
import type { Handler, HttpRequest } from '../handler.ts'
import { folderReply } from '../pages/folder.ts'
import { failure, moved, type Reply } from '../replies.ts'
import { targetOf } from '../routing/path-pattern.ts'
import type { FailureStatus } from '../statuses.ts'
import { pathOf } from '../target.ts'
import type { Compression } from './compression.ts'
import { fileReply } from './file-reply.ts'
import { type FileRequest, fileRequestOf } from './file-request.ts'
import { isCompressible, mediaTypeOf } from './media-types.ts'
import { type Folders, type Place, Places } from './places.ts'
import { FileChanged } from './reading.ts'
import { openIfThere, plain, Representations } from './representation.ts'

/** Where the files lie, and what is shown of them. */
export interface FilesOptions extends Folders {
  /** Whether a folder without index.html is shown as a list. */
  readonly listing: boolean
  /** Whether `/about` is `about.html`, and the names with `.html` lead to those without. */
  readonly cleanUrls: boolean
  /** A path of the site, as people write it, whose file answers for pages that do not exist: for applications of a single page. */
  readonly fallback: string | null
  /** Patterns of names that are never served, beside those with a dot first. */
  readonly hide: readonly string[]
  /** Compresses what does not lie there compressed; null: nothing does. */
  readonly compression: Compression | null
}

const methods: readonly string[] = ['GET', 'HEAD']

const indexName = 'index.html'
const pageExtension = '.html'

const statusOf: Record<FileErrorCode, FailureStatus> = {
  missing: 404,
  'bad-name': 404,
  'not-folder': 404,
  denied: 403,
  'is-folder': 404,
  'too-many-open': 503,
  busy: 503,
  failed: 500,
  full: 500,
  'read-only': 403,
  'over-quota': 500,
  exists: 500,
  'not-empty': 500,
}

/** A name that is in no list and behind no address: hidden, or with characters that no address of ours may have. */
const isHidden = (name: string): boolean => name.startsWith('.') || /[\0-\x1f\x7f]/.test(name) || !name.isWellFormed()

/** Whether a name of the path is one that is never served. `.well-known` is for the web (RFC 8615 §3), at the root only. */
export const leadsToHidden = (names: readonly string[]): boolean =>
  names.some((name, at) => (name.startsWith('.') && !(at === 0 && name === '.well-known')) || name.includes('/'))

/** In capitals or not: `BACKUP.BAK` is meant by `*.bak`. */
export const matcherOf = (patterns: readonly string[]): ((name: string) => boolean) => {
  const matchers = patterns.map((pattern) => globMatcher(pattern.toLowerCase()))
  return (name) => matchers.length > 0 && matchers.some((matches) => matches(name.toLowerCase()))
}

/** A file that answers a request, open. Who gets it closes it. */
export interface FoundFile {
  readonly kind: 'file'
  readonly file: OpenFile
  readonly store: FileStore
  /** In its store. */
  readonly path: string
  /** The address of this very file, where another one was asked for. */
  readonly location: string | null
  /** Whether it answers only those whose `Accept` names HTML. */
  readonly forPages: boolean
  /** Whether it is what the request means whatever else is there: no other file comes first, or would if it were there. */
  readonly sure: boolean
}

/** What a request means. */
export type Found =
  | FoundFile
  /** A folder without index.html. */
  | { readonly kind: 'folder'; readonly store: FileStore; readonly path: string }
  /** The names and the form of another address, where it is found; the query is kept. */
  | { readonly kind: 'moved'; readonly segments: readonly string[]; readonly folder: boolean }

/** Answers from the site's folder and the accounts' web folders. Holds nothing that needs an end. */
export class Files implements Handler {
  readonly #places: Places
  readonly #options: FilesOptions
  readonly #representations: Representations
  readonly #fallbackPath: string | null
  readonly #hides: (name: string) => boolean

  constructor(options: FilesOptions) {
    this.#places = new Places(options)
    this.#options = options
    this.#representations = new Representations(options.compression)
    const fallback = options.fallback === null ? null : targetOf(options.fallback)
    this.#fallbackPath = fallback === null ? null : `/${fallback.segments.join('/')}`
    this.#hides = matcherOf(options.hide)
  }

  allow(): readonly string[] {
    return methods
  }

  async answer(asked: HttpRequest): Promise<Reply> {
    const request = fileRequestOf(asked)
    try {
      const found = await this.find(request)
      return found.kind === 'file' ? await this.#file(request, found) : await this.#other(request, found)
    } catch (error) {
      if (error instanceof FileChanged) return failure(503, request.asker, { fields: ['Retry-After', '1'] })
      if (!(error instanceof FileError)) throw error
      const status = statusOf[error.code]
      const reply = failure(status, request.asker, status === 503 ? { fields: ['Retry-After', '5'] } : {})
      return status >= 500 ? { ...reply, cause: error } : reply
    }
  }

  /** What a request means. @throws {FileError} where it is nothing that is served */
  async find(request: Pick<FileRequest, 'target' | 'asker'>): Promise<Found> {
    const { segments, folder } = request.target
    const place = this.#places.placeOf(segments)
    const { names } = place
    if (leadsToHidden(names) || names.some(this.#hides)) throw new FileError('missing', 'hidden')
    try {
      if (folder) return await this.#inFolder(place, segments)
      if (names.length === 0) return { kind: 'moved', segments, folder: true }
      return await this.#named(place, segments)
    } catch (error) {
      const missing = error instanceof FileError && (error.code === 'missing' || error.code === 'not-folder')
      const instead = missing && place.ofSite ? await this.#fallback(request.asker, place.store) : null
      if (instead === null) throw error
      return instead
    }
  }

  /** Of an address with a slash at its end. */
  async #inFolder({ store, names }: Place, segments: readonly string[]): Promise<Found> {
    const path = names.length === 0 ? '/' : `/${names.join('/')}`
    const index = names.length === 0 ? `/${indexName}` : `${path}/${indexName}`
    const file = this.#hides(indexName) ? null : await openIndex(store, index)
    const location = this.#options.cleanUrls ? null : pathOf([...segments, indexName], false)
    if (file !== null) return { kind: 'file', file, store, path: index, location, forPages: false, sure: true }
    try {
      const { kind } = await store.stat(path)
      if (kind === 'folder') return { kind: 'folder', store, path }
      throw new FileError('not-folder', 'a file has no folder in it')
    } catch (error) {
      const isPage = error instanceof FileError && error.code === 'missing' && (await this.#isPage(store, names))
      if (isPage) return { kind: 'moved', segments, folder: false }
      throw error
    }
  }

  /** Of an address that names a file. A folder's address ends in a slash, so that the links in it lead into it. */
  async #named({ store, names }: Place, segments: readonly string[]): Promise<Found> {
    const path = `/${names.join('/')}`
    const shorter = await this.#shorter(store, names)
    if (shorter !== null) return { kind: 'moved', segments: [...segments.slice(0, -1), ...shorter], folder: shorter.length === 0 }
    try {
      const sure = !this.#mayBeShorter(names)
      return { kind: 'file', file: await store.open(path), store, path, location: null, forPages: false, sure }
    } catch (error) {
      if (!(error instanceof FileError) || (error.code !== 'missing' && error.code !== 'is-folder')) throw error
      const page = this.#isClean(names) ? await openIfThere(store, path + pageExtension) : null
      const isPage = { store, path: path + pageExtension, location: null, forPages: false, sure: false }
      if (page !== null) return { kind: 'file', file: page, ...isPage }
      if (error.code === 'is-folder') return { kind: 'moved', segments, folder: true }
      throw error
    }
  }

  /** Whether `.html` behind these names may be left out. */
  #isClean(names: readonly string[]): boolean {
    const name = names.at(-1)
    return this.#options.cleanUrls && name !== undefined && !this.#hides(name + pageExtension)
  }

  async #isPage(store: FileStore, names: readonly string[]): Promise<boolean> {
    return this.#isClean(names) && (await isFile(store, `/${names.join('/')}${pageExtension}`))
  }

  /** The last name of a page's one address, none where that is its folder's; null where the address asked for is the one. */
  async #shorter(store: FileStore, names: readonly string[]): Promise<readonly string[] | null> {
    if (!this.#mayBeShorter(names)) return null
    const name = names.at(-1) ?? ''
    const isIndex = name === indexName || name === 'index'
    const short = name.endsWith(pageExtension) ? name.slice(0, -pageExtension.length) : name
    const path = `/${[...names.slice(0, -1), short].join('/')}`
    // A file that has the shorter name itself is meant by it.
    if (this.#hides(short) || (await isFile(store, path)) || !(await isFile(store, path + pageExtension))) return null
    return isIndex ? [] : [short]
  }

  /** Whether a page of these names has, with `cleanUrls`, another address. */
  #mayBeShorter(names: readonly string[]): boolean {
    const name = names.at(-1) ?? ''
    return this.#options.cleanUrls && (name === 'index' || name.endsWith(pageExtension))
  }

  /** The page that answers for all that are none, if the client is a browser that wants one. */
  async #fallback({ accept }: Asker, store: FileStore): Promise<FoundFile | null> {
    const path = this.#fallbackPath
    if (path === null || !namesType(accept, 'text/html')) return null
    const file = await openIfThere(store, path)
    return file === null ? null : { kind: 'file', file, store, path, location: null, forPages: true, sure: false }
  }

  /** The answer takes the file over; without one it is closed. */
  async #file(request: FileRequest, { file, store, path, location, forPages, sure }: FoundFile): Promise<Reply> {
    const nowMs = Date.now()
    const type = mediaTypeOf(path)
    const negotiated = isCompressible(type)
    const vary = forPages ? (negotiated ? 'Accept-Encoding, Accept' : 'Accept') : negotiated ? 'Accept-Encoding' : ''
    const { acceptEncoding, head, range, ifRange, conditions } = request
    const wish = { acceptEncoding, range: head || range === undefined ? null : { ifRange, ...conditions } }
    const form = negotiated ? await this.#representations.choose(wish, file, store, path, nowMs) : plain(file, nowMs)
    try {
      const reply = { ...(await fileReply(request, form, { type, vary, location }, nowMs)), opened: form.file }
      const whole = reply.status === 200 || reply.status === 304
      return sure && whole && form.again !== null ? { ...reply, again: form.again } : reply
    } catch (error) {
      await form.file.close()
      throw error
    }
  }

  #other(request: FileRequest, found: Exclude<Found, FoundFile>): Reply | Promise<Reply> {
    const { target, asker } = request
    if (found.kind === 'moved') {
      return moved(`${pathOf(found.segments, found.folder)}${target.query === null ? '' : `?${target.query}`}`, asker)
    }
    if (!this.#options.listing) {
      return failure(403, asker, { detail: 'This folder has no index.html, and the server shows no lists of files.' })
    }
    // At the root a name with a tilde means an account.
    const atRoot = target.segments.length === 0 && this.#options.homes !== null
    const hides = (name: string) => isHidden(name) || this.#hides(name) || (atRoot && name.startsWith('~'))
    const { compression } = this.#options
    return folderReply(request, { store: found.store, path: found.path, isHidden: hides, compression })
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

/** Whether a path leads to a file that may be served. */
const isFile = async (store: FileStore, path: string): Promise<boolean> => {
  try {
    return (await store.stat(path)).kind === 'file'
  } catch (error) {
    if (error instanceof FileError && statusOf[error.code] < 500) return false
    throw error
  }
}
