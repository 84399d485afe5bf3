/**
 * Asking the system directly. What is asked of a folder or file just looked up, the kernel has in memory: that takes some microseconds,
 * where a way through the thread pool takes a tenth of a millisecond of a processor. Where the disk keeps somebody waiting after all,
 * all of that kind go through the pool for a while, so that no more than a twenty-fifth of the time is spent in waiting for each.
 */
import {
  access,
  accessSync,
  constants,
  lstat,
  lstatSync,
  mkdir,
  mkdirSync,
  open,
  opendirSync,
  openSync,
  rename,
  renameSync,
  rmdir,
  rmdirSync,
  type Stats,
  unlink,
  unlinkSync,
} from 'node:fs'
import { opendir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { systemCode } from './file-failure.ts'

/** A file up to here is read, written and removed without a disk being waited for, as a rule. */
export const smallOctets = 64 * 1024

/** What takes longer has met a disk: a busy machine takes a processor away for half of that. */
const slowMs = 8

/** Then nothing is asked directly for so many times as long. */
const restFor = 25

/** Asks now, or later through the thread pool: whatever is better at the moment. */
type Quickly = <T>(now: () => T, later: () => Promise<T>) => Promise<T>

const eitherWay = (): Quickly => {
  let restsUntil = Number.NEGATIVE_INFINITY
  return async (now, later) => {
    const began = performance.now()
    if (began < restsUntil) return later()
    try {
      return now()
    } finally {
      const ended = performance.now()
      if (ended - began > slowMs) restsUntil = ended + restFor * (ended - began)
    }
  }
}

/** For what is only looked at. */
export const quickly: Quickly = eitherWay()

/**
 * For what changes a file or the names in a folder: that waits for the file system's journal while others sync, when all that is looked at
 * is in memory. So the one says nothing about the other.
 */
export const quicklyChange: Quickly = eitherWay()

/** The same for functions of one path. */
const changeOf = (now: (path: string) => void, later: (path: string) => Promise<void>) => (path: string) =>
  quicklyChange(
    () => now(path),
    () => later(path),
  )

const later = {
  access: promisify(access),
  lstat: promisify(lstat),
  open: promisify<string, number, number, number>(open),
  rename: promisify(rename),
  unlink: promisify<string, void>(unlink),
}

/** `open(2)`. The descriptor is the caller's to close. */
export const openDescriptor = (path: string, flags: number, mode = 0o666): Promise<number> =>
  ((flags & constants.O_CREAT) === 0 ? quickly : quicklyChange)(
    () => openSync(path, flags, mode),
    () => later.open(path, flags, mode),
  )

/** What is there, links not followed; null for nothing. */
export const statAt = (path: string): Promise<Stats | null> =>
  quickly(
    () => lstatSync(path, { throwIfNoEntry: false }) ?? null,
    () => later.lstat(path).catch(ifMissing(null)),
  )

/** The same of several, with one look at the clock. @param otherwise what stands for one that cannot be looked at; or throws */
export const statEach = (paths: readonly string[], otherwise: (error: unknown) => null): Promise<readonly (Stats | null)[]> => {
  const now = (path: string): Stats | null => {
    try {
      return lstatSync(path, { throwIfNoEntry: false }) ?? null
    } catch (error) {
      return otherwise(error)
    }
  }
  return quickly(
    () => paths.map(now),
    () => Promise.all(paths.map((path) => later.lstat(path).catch(otherwise))),
  )
}

/** What is there, if it is a file; links are none. */
export const fileAt = async (path: string): Promise<Stats | null> => {
  const stats = await statAt(path)
  return stats?.isFile() ? stats : null
}

/** Octets of the file that is there, if one is. */
export const octetsAt = async (path: string): Promise<number> => (await fileAt(path))?.size ?? 0

/** @param mode as of `access(2)` */
export const checkAccess = (path: string, mode: number): Promise<void> =>
  quickly(
    () => accessSync(path, mode),
    () => later.access(path, mode),
  )

/** Opens a folder as one that lists it does, and closes it again: what keeps from that is told at once. */
export const openToList = (path: string): Promise<void> =>
  quickly(
    () => opendirSync(path).closeSync(),
    async () => (await opendir(path)).close(),
  )

export const makeFolder = changeOf(mkdirSync, promisify<string, void>(mkdir))
export const removeFolder = changeOf(rmdirSync, promisify<string, void>(rmdir))

/** @param octets of the file: to give back the blocks of a large one takes its time */
export const removeFile = (path: string, octets: number): Promise<void> =>
  octets > smallOctets
    ? later.unlink(path)
    : quicklyChange(
        () => unlinkSync(path),
        () => later.unlink(path),
      )

/** @param octets of the file that is replaced, as for `removeFile` */
export const renameFile = (from: string, to: string, octets: number): Promise<void> =>
  octets > smallOctets
    ? later.rename(from, to)
    : quicklyChange(
        () => renameSync(from, to),
        () => later.rename(from, to),
      )

/** For what may be gone by now. */
export const ifMissing =
  <T>(value: T) =>
  (error: unknown): T => {
    if (systemCode(error) === 'ENOENT') return value
    throw error
  }
