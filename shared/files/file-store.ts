/**
 * The files of one root (a home, the public site) behind one interface. Any implementation must pass `test/files/contract.ts`.
 * A path is absolute within the root, `/`-separated, already decoded: `/reports/may.txt`; `.` and `..` are resolved inside, never
 * above the root. What a link leads to counts only if it lies inside the root, and that is checked on what was opened.
 */
import type { Stats } from 'node:fs'

/** Which failures a caller can act on. */
export const fileErrors = {
  missing: 'permanent',
  denied: 'permanent',
  exists: 'permanent',
  'not-empty': 'permanent',
  'is-folder': 'permanent',
  'not-folder': 'permanent',
  'bad-name': 'permanent',
  /** The account's access forbids it. */
  'read-only': 'permanent',
  /** The account holds as much as it may; something has to go first. */
  'over-quota': 'permanent',
  full: 'temporary',
  'too-many-open': 'temporary',
  /** It is somebody else's turn to change it, or nobody could be asked whose. */
  busy: 'temporary',
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
  /** As exact as the system keeps it: a fraction of a millisecond may be there. Before 1970 it is negative. */
  readonly modifiedMs: number
  /** When anything of it changed last: content, dates, rights, its name. Nobody can set it, so it tells what a date that was set hides. */
  readonly changedMs: number
  /** Null where the file system does not keep it. */
  readonly createdMs: number | null
  /** Permission bits. */
  readonly mode: number
  /** Stands for this very file on this disk: device and inode. */
  readonly unique: string
}

/** A file or folder in its folder. */
export interface FileEntry extends FileStat {
  readonly name: string
}

/** An open file's content. */
export interface FileReader {
  /** Reads at most `length` octets from `position` on; none at the end. Rejects with the system's error. */
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
  /** As it is now. */
  stat(): Stats
}

/** A file opened for reading: stays the same file whatever happens to its name. The caller closes it. */
export interface OpenFile {
  readonly stat: FileStat
  readonly handle: FileReader
  /** All of it, where that is in memory; then `handle` must not be used. Never changes, and the same object as long as the file is the same. */
  readonly content?: Buffer
  /**
   * The content once more, while the path that was opened leads to this very file as it is; null: it does not, or has not been walked
   * for a moment. Present where `content` is; holds nothing of it, and may be kept when the file is closed.
   */
  readonly again?: () => Buffer | null
  close(): Promise<void>
}

/** A file on its way in, written beside its target under a hidden name. A commit ends it, but for `busy` and a refusal; abort always does. */
export interface Upload {
  /** Its length so far, what it began with included. */
  readonly octets: number
  /** @throws {FileError} full, over-quota: what came until then is still there, to be kept or not */
  write(chunk: Buffer): Promise<void>
  /**
   * Makes it the file of that name, whole, and durable where `files.sync` is `always`; replaces an old one at once.
   * @param confirm asked when the content is durable, right before it gets the name: where it rejects, commit does, with the same
   *                error: the target stays as it was, and what came is there until abort ends it. What it resolves with, a turn for
   *                instance, is disposed of when the name is given, before that is durable
   * @throws {FileError} busy: as where `confirm` rejects; anything else has ended it
   */
  commit(confirm?: () => Promise<Disposable | null>): Promise<FileStat>
  /**
   * Leaves the old file, if any, as it was. Never rejects.
   * @param options keep: what came stays as the account's partial of that name, in the place of an older one; without it, nothing
   *                of this upload stays
   */
  abort(options?: { readonly keep: boolean }): Promise<void>
}

/**
 * What an upload begins with. `replace`: nothing. `append`: the content of the old file. A number: the first so many octets of the
 * old file (missing: it has fewer, or is not there). `partial`: the first so many octets of the account's partial of that name
 * (missing: it has fewer, is not there, or somebody else continues it already).
 */
export type UploadBeginning = 'replace' | 'append' | number | { readonly partial: number }

/** What came of a broken upload, to be continued by its own account. */
export interface PartialUpload {
  readonly octets: number
  readonly modifiedMs: number
}

/** How much somebody may do: all, read and nothing else, or add new files and folders and nothing else. */
export type Access = 'full' | 'read-only' | 'drop-box'

/** All methods reject with a `FileError`. */
export interface FileStore {
  /** What may be done here at all. */
  readonly access: Access
  stat(path: string): Promise<FileStat>
  /**
   * Resolves where there is something of that name that could be renamed: a link too, wherever it leads.
   * @throws {FileError} missing, or whatever keeps anybody from looking
   */
  find(path: string): Promise<void>
  /**
   * Resolves for a folder that may be entered.
   * @param options toList: which names are in it may be read as well
   * @throws {FileError} not-folder; denied: the system does not allow it
   */
  enter(path: string, options?: { readonly toList?: boolean }): Promise<void>
  /** @throws {FileError} is-folder for a folder */
  open(path: string): Promise<OpenFile>
  /**
   * Some at a time, at least one, in no order; entries that vanish meanwhile, and those hidden names under which uploads are written,
   * are left out.
   */
  list(path: string): AsyncIterable<readonly FileEntry[]>
  /**
   * Onto a link to a file, that file is replaced where it lies; the link stays.
   * @param options onlyNew: nothing is ever replaced, by the commit neither
   * @throws {FileError} over-quota, full: no room for what it begins with; exists: the name is taken (`onlyNew`);
   *         missing: a link of that name leads to nothing
   */
  upload(path: string, begin: UploadBeginning, options?: { readonly onlyNew?: boolean }): Promise<Upload>
  /** The account's partial of that name; null for none. Whether there is a whole file of that name as well is not asked. */
  partial(path: string): Promise<PartialUpload | null>
  /** Removes a file, and the account's partial of that name; where only that is there, that. */
  remove(path: string): Promise<void>
  makeFolder(path: string): Promise<void>
  /** Removes an empty folder. */
  removeFolder(path: string): Promise<void>
  /** Replaces a file of the new name. */
  rename(from: string, to: string): Promise<void>
  /** To the millisecond, as far as the file system can keep it. */
  setModified(path: string, modifiedMs: number): Promise<void>
  /** @param mode permission bits, 0 to 0o777; anything else is denied */
  setMode(path: string, mode: number): Promise<void>
  /** Octets of all files, partials and what is on its way in included. */
  usage(): Promise<{ readonly octets: number }>
  /** Octets that an upload may take now, by disk and quota; null where nobody knows. */
  space(): Promise<number | null>
}
