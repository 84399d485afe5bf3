/** Where the files of a path lie: in the site's folder, in an account's web folder, among what the local authority shows. */
import { join } from 'node:path'
import { readAccountName } from '../../../shared/accounts/name.ts'
import { openFileStore } from '../../../shared/files/disk-file-store.ts'
import { FileError, type FileStore } from '../../../shared/files/file-store.ts'
import type { HotFiles } from '../../../shared/files/hot-files.ts'
import { publicSegments } from '../../../shared/tls/public-files.ts'

/** The folders. */
export interface Folders {
  /** The folder of the site. */
  readonly site: string
  /** The folder that holds the accounts' homes; null: a name with a tilde is like any other. */
  readonly homes: string | null
  /** The folder of what the local authority shows to everybody, found at `publicSegments`; null: not here. */
  readonly authority: string | null
  /** The names of the path that leads to the site's folder; none: it is all of the site. */
  readonly mount: readonly string[]
  /** Keeps what is asked for again; all sites of a service share one, and its bounds. */
  readonly hot: HotFiles
}

/** A store and the names below its root. */
export interface Place {
  readonly store: FileStore
  readonly names: readonly string[]
  /** Whether it is of the site itself. */
  readonly ofSite: boolean
}

/** The part of a home that the web sees. */
export const webFolder = 'public_html'

/** Accounts whose store is kept: as many as are likely to be asked for, not as many as a client can spell. */
const keptHomes = 256

/** Finds stores. Holds nothing that needs an end. */
export class Places {
  readonly #site: FileStore
  readonly #authority: FileStore | null
  readonly #homesFolder: string | null
  readonly #mount: number
  readonly #homes = new Map<string, FileStore>()
  readonly #hot: HotFiles

  constructor({ site, homes, authority, mount, hot }: Folders) {
    this.#hot = hot
    this.#site = openFileStore({ root: site, sync: null, hot: this.#hot })
    this.#authority = authority === null ? null : openFileStore({ root: authority, sync: null })
    this.#homesFolder = homes
    this.#mount = mount.length
  }

  /** The store that a path begins in. @throws {FileError} missing */
  placeOf(segments: readonly string[]): Place {
    if (this.#mount > 0) return { store: this.#site, names: segments.slice(this.#mount), ofSite: true }
    const [first, ...rest] = segments
    const [area, ours, file] = segments
    if (this.#authority !== null && file !== undefined && area === publicSegments[0] && ours === publicSegments[1])
      return { store: this.#authority, names: segments.slice(publicSegments.length), ofSite: false }
    if (this.#homesFolder === null || first === undefined || !first.startsWith('~'))
      return { store: this.#site, names: segments, ofSite: true }
    const account = readAccountName(first.slice(1))
    if (!account.ok) throw new FileError('missing', 'no account can have this name')
    return { store: this.#home(this.#homesFolder, account.name), names: rest, ofSite: false }
  }

  #home(homes: string, account: string): FileStore {
    const known = this.#homes.get(account)
    if (known !== undefined) return known
    const home = join(homes, account)
    const store = openFileStore({ root: join(home, webFolder), inside: home, sync: null, hot: this.#hot })
    const [oldest] = this.#homes.keys()
    if (this.#homes.size >= keptHomes && oldest !== undefined) this.#homes.delete(oldest)
    this.#homes.set(account, store)
    return store
  }
}
