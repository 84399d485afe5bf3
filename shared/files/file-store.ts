/**
 * The files of one root (a home, the public site) behind one interface. Any implementation must pass `test/files/contract.ts`.
 * A path is absolute within the root, `/`-separated, already decoded: `/reports/may.txt`; `.` and `..` are resolved inside, never
 * above the root. What a link leads to counts only if it lies inside the root, and that is checked on what was opened.
 */
import type { FileHandle } from 'node:fs/promises'

/** Which failures a caller can act on. */
export const fileErrors = {
  missing: 'permanent',
  denied: 'permanent',
  exists: 'permanent',
  'not-empty': 'permanent',
  'is-folder': 'permanent',
  'not-folder': 'permanent',
  'bad-name': 'permanent',
  full: 'temporary',
  'too-many-open': 'temporary',
  failed: 'temporary',
} as const
export type FileErrorCode = keyof typeof fileErrors

/** A failure of the store. The message never holds a path of the disk. */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly code: FileErrorCode
  constructor(code: FileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What is known of a file or folder. Anything else (device, socket, pipe) is `denied` everywhere and left out of lists. */
export interface FileStat {
  readonly kind: 'file' | 'folder'
  readonly octets: number
  readonly modifiedMs: number
  /** Permission bits. */
  readonly mode: number
  /** Stands for this very file on this disk: device and inode. */
  readonly unique: string
}

/** A file or folder in its folder. */
export interface FileEntry extends FileStat {
  readonly name: string
}

/** A file opened for reading: stays the same file whatever happens to its name. The caller closes it. */
export interface OpenFile {
  readonly stat: FileStat
  readonly handle: FileHandle
  close(): Promise<void>
}

/** A file on its way in, written beside its target under a hidden name. Exactly one of commit and abort ends it. */
export interface Upload {
  write(chunk: Buffer): Promise<void>
  /**
   * Makes it the file of that name, whole, and durable where `files.sync` is `always`; replaces an old one at once.
   * @param confirm asked when the content is durable, right before it gets the name: where it rejects, commit does, with the same
   *                error, and all stays as it was
   */
  commit(confirm?: () => Promise<void>): Promise<FileStat>
  /** Leaves the old file, if any, as it was. Never rejects. */
  abort(): Promise<void>
}

/** All methods reject with a `FileError`. */
export interface FileStore {
  stat(path: string): Promise<FileStat>
  /** @throws {FileError} is-folder for a folder */
  open(path: string): Promise<OpenFile>
  /** In no order; entries that vanish meanwhile, and those hidden names under which uploads are written, are left out. */
  list(path: string): AsyncIterable<FileEntry>
  /** `replace`: a new file; `append`: begins with the content of the old one; a number: with its first so many octets (REST). */
  upload(path: string, begin: 'replace' | 'append' | number): Promise<Upload>
  /** Removes a file. */
  remove(path: string): Promise<void>
  makeFolder(path: string): Promise<void>
  /** Removes an empty folder. */
  removeFolder(path: string): Promise<void>
  /** Replaces a file of the new name. */
  rename(from: string, to: string): Promise<void>
  setModified(path: string, modifiedMs: number): Promise<void>
}
