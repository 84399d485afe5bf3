import { refusal } from './file-failure.ts'
import type { Access, FileEntry, FileStat, FileStore, OpenFile, PartialUpload, Upload, UploadBeginning } from './file-store.ts'

/** A store as an account of some access sees it. */
export const accessView = (store: FileStore, access: Access): FileStore =>
  access === 'full' ? store : access === 'read-only' ? new ReadOnlyView(store) : new DropBoxView(store)

/** Everything can be seen, nothing changed. */
class ReadOnlyView implements FileStore {
  readonly access = 'read-only'
  readonly #store: FileStore
  constructor(store: FileStore) {
    this.#store = store
  }

  stat(path: string): Promise<FileStat> {
    return this.#store.stat(path)
  }

  find(path: string): Promise<void> {
    return this.#store.find(path)
  }

  enter(path: string, options?: { readonly toList?: boolean }): Promise<void> {
    return this.#store.enter(path, options)
  }

  open(path: string): Promise<OpenFile> {
    return this.#store.open(path)
  }

  list(path: string): AsyncIterable<readonly FileEntry[]> {
    return this.#store.list(path)
  }

  upload(): Promise<Upload> {
    return refuse('read-only')
  }

  partial(): Promise<PartialUpload | null> {
    return Promise.resolve(null)
  }

  remove(): Promise<void> {
    return refuse('read-only')
  }

  makeFolder(): Promise<void> {
    return refuse('read-only')
  }

  removeFolder(): Promise<void> {
    return refuse('read-only')
  }

  rename(): Promise<void> {
    return refuse('read-only')
  }

  setModified(): Promise<void> {
    return refuse('read-only')
  }

  setMode(): Promise<void> {
    return refuse('read-only')
  }

  usage(): Promise<{ readonly octets: number }> {
    return this.#store.usage()
  }

  space(): Promise<number | null> {
    return Promise.resolve(0)
  }
}

/**
 * New files and folders can be added. Folders can be entered; files cannot be seen, read, changed or removed, one's own neither: only
 * that a name is taken can be found out, by using it.
 */
class DropBoxView implements FileStore {
  readonly access = 'drop-box'
  readonly #store: FileStore
  constructor(store: FileStore) {
    this.#store = store
  }

  async stat(path: string): Promise<FileStat> {
    const stat = await this.#store.stat(path)
    if (stat.kind === 'file') throw refusal('missing')
    return stat
  }

  /** What cannot be seen is not there. */
  async find(path: string): Promise<void> {
    await this.stat(path)
  }

  async enter(path: string): Promise<void> {
    await this.stat(path)
    await this.#store.enter(path)
  }

  open(): Promise<OpenFile> {
    return refuse('denied')
  }

  async *list(path: string): AsyncGenerator<readonly FileEntry[], void, void> {
    if ((await this.#store.stat(path)).kind === 'file') throw refusal('missing')
    yield* []
  }

  async upload(path: string, begin: UploadBeginning): Promise<Upload> {
    if (typeof begin === 'number' && begin > 0) throw refusal('missing')
    return this.#store.upload(path, begin, { onlyNew: true })
  }

  partial(path: string): Promise<PartialUpload | null> {
    return this.#store.partial(path)
  }

  remove(): Promise<void> {
    return refuse('denied')
  }

  makeFolder(path: string): Promise<void> {
    return this.#store.makeFolder(path)
  }

  removeFolder(): Promise<void> {
    return refuse('denied')
  }

  rename(): Promise<void> {
    return refuse('denied')
  }

  setModified(): Promise<void> {
    return refuse('denied')
  }

  setMode(): Promise<void> {
    return refuse('denied')
  }

  usage(): Promise<{ readonly octets: number }> {
    return this.#store.usage()
  }

  space(): Promise<number | null> {
    return this.#store.space()
  }
}

const refuse = (code: 'read-only' | 'denied'): Promise<never> => Promise.reject(refusal(code))
