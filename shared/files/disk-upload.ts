import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Anchor } from './anchor.ts'
import { guarded, refusal } from './file-failure.ts'
import { statOf } from './file-stat.ts'
import type { FileStat, Upload } from './file-store.ts'
import { uploadPrefix } from './resolve-path.ts'

/** Makes a file's content, or a folder's entries, durable. */
export type Sync = (path: string) => Promise<void>

/** What a new upload starts from. */
export interface UploadStart {
  /** The target's folder; the upload disposes of it. */
  readonly folder: Anchor
  /** The target's name in it. */
  readonly name: string
  /** The old file whose first octets the new one begins with. */
  readonly copy: { readonly from: Anchor; readonly octets: number } | null
  /** Permission bits of the new file, less the process's umask. */
  readonly mode: number
  /** Null: loss of power may cost the file. */
  readonly sync: Sync | null
}

/** A file written beside its target under a hidden name, which `commit` gives the target's. */
export class DiskUpload implements Upload {
  readonly #start: UploadStart
  readonly #partial: string
  readonly #handle: FileHandle
  #position: number
  #ended = false

  private constructor(start: UploadStart, partial: string, handle: FileHandle, position: number) {
    this.#start = start
    this.#partial = partial
    this.#handle = handle
    this.#position = position
  }

  /** @throws the system's error; nothing is left behind then, but the folder is still the caller's */
  static async begin(start: UploadStart): Promise<DiskUpload> {
    const partial = `${start.folder.ref}/${uploadPrefix}${randomBytes(12).toString('hex')}`
    const { copy } = start
    if (copy === null || copy.octets === 0) {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
      return new DiskUpload(start, partial, await open(partial, flags, start.mode), 0)
    }
    try {
      // The system copies, and where it can it shares the blocks. A file that grows meanwhile is cut to what was asked for.
      await copyFile(copy.from.ref, partial, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      const handle = await open(partial, constants.O_WRONLY)
      try {
        const { size } = await handle.stat()
        if (size < copy.octets) throw refusal('missing')
        if (size > copy.octets) await handle.truncate(copy.octets)
        return new DiskUpload(start, partial, handle, copy.octets)
      } catch (error) {
        await handle.close()
        throw error
      }
    } catch (error) {
      await removeQuietly(partial)
      throw error
    }
  }

  write(chunk: Buffer): Promise<void> {
    return guarded(async () => {
      for (let done = 0; done < chunk.length; ) {
        const { bytesWritten } = await this.#handle.write(chunk, done, chunk.length - done, this.#position)
        done += bytesWritten
        this.#position += bytesWritten
      }
    })
  }

  async commit(confirm: () => Promise<void> = () => Promise.resolve()): Promise<FileStat> {
    const { folder, name, sync } = this.#start
    try {
      const stat = await guarded(async () => {
        const stats = await this.#handle.stat()
        // Closed first: some file systems tell only then that there was no room.
        await this.#handle.close()
        if (sync !== null) await sync(`${await folder.realPath()}/${basename(this.#partial)}`)
        return statOf(stats)
      })
      if (stat === null) throw refusal('failed')
      await confirm()
      await guarded(async () => {
        await rename(this.#partial, `${folder.ref}/${name}`)
        this.#ended = true
        if (sync !== null) await sync(await folder.realPath())
      })
      return stat
    } finally {
      if (this.#ended) await folder[Symbol.asyncDispose]()
      else await this.abort()
    }
  }

  async abort(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await closeQuietly(this.#handle)
    await removeQuietly(this.#partial)
    await this.#start.folder[Symbol.asyncDispose]()
  }
}

/** What cannot be removed now is swept when it is old. */
const removeQuietly = (path: string): Promise<void> => unlink(path).catch(() => undefined)

/** For a file that is given up: what its closing says no longer matters. Closing twice is harmless. */
const closeQuietly = (handle: FileHandle): Promise<void> => handle.close().catch(() => undefined)
