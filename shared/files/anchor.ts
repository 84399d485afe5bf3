/**
 * A hold on one file or folder that no swapped link can loosen. Node has no `openat`; on Linux a descriptor opened with `O_PATH`
 * (it touches nothing: no pipe waits, no device stirs) names its file through `/proc/self/fd/N`, tells where the file really lies,
 * and leads to a folder's entries as `/proc/self/fd/N/name`. So what is checked and what is used are the same, whatever happens to
 * the path meanwhile.
 */
import { closeSync, fstatSync, readlinkSync, type Stats } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { openDescriptor } from './direct.ts'

/** One file or folder, held. Whoever opens it disposes of it. */
export interface Anchor extends AsyncDisposable {
  /** A path of the system for this very file; with `/name` behind it, for an entry of this very folder. */
  readonly ref: string
  readonly stat: Stats
  /** Where it lies now, all links resolved. */
  realPath(): Promise<string>
}

/** Holds what a path leads to, links followed. Rejects with the system's error. */
export type OpenAnchor = (path: string) => Promise<Anchor>

/**
 * The folder through which a process reaches its own descriptors. A child under Node's permission model needs it among what it may
 * read, and among what it may write when it writes files; it leads to nothing that the process has not opened already.
 */
export const descriptorFolder = '/proc/self/fd'

/** Linux: a descriptor that only stands for the file (`open(2)`); Node has no name for it. */
const O_PATH = 0o10000000

/** Holds a file by its descriptor (Linux with `/proc`). Only finding it may have to wait for a disk: a held one is in memory. */
export const anchorByDescriptor: OpenAnchor = async (path) => {
  const descriptor = await openDescriptor(path, O_PATH)
  const ref = `${descriptorFolder}/${descriptor}`
  let held = true
  const close = () => {
    // Closed twice it would be somebody else's descriptor the second time.
    if (held) closeSync(descriptor)
    held = false
  }
  try {
    const stat = fstatSync(descriptor)
    return { ref, stat, realPath: async () => readlinkSync(ref), [Symbol.asyncDispose]: async () => close() }
  } catch (error) {
    close()
    throw error
  }
}

/** Holds a file by its real path: for systems without `/proc`, where somebody who swaps folders at the right moment is not seen. */
export const anchorByPath: OpenAnchor = async (path) => {
  const ref = await realpath(path)
  return { ref, stat: await lstat(ref), realPath: () => realpath(ref), [Symbol.asyncDispose]: () => Promise.resolve() }
}

/** The safest hold that this system offers. */
export const systemAnchor: OpenAnchor = process.platform === 'linux' ? anchorByDescriptor : anchorByPath
