import { constants } from 'node:fs'
import { chmod, copyFile, link } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Anchor } from './anchor.ts'
import { Descriptor } from './descriptor.ts'
import { fileAt, ifMissing, octetsAt, removeFile, renameFile, statAt } from './direct.ts'
import { guarded, refusal, systemCode } from './file-failure.ts'
import { statOf } from './file-stat.ts'
import type { FileStat, Upload } from './file-store.ts'
import { partialName, underWay, uploadName } from './hidden-name.ts'
import type { Claim } from './usage.ts'

/** Makes a file's content, or a folder's entries, durable. */
export type Sync = (path: string) => Promise<void>

/** What a new upload starts from. */
export interface UploadStart {
  /** The target's folder; the upload disposes of it. */
  readonly folder: Anchor
  /** The target's name in it. */
  readonly name: string
  /** Stands for account and name: `hidden-name.ts`. */
  readonly whose: string
  /** What it begins with: the first octets of the old file, or of the partial; null: nothing. */
  readonly from:
    | { readonly kind: 'copy'; readonly from: Anchor; readonly octets: number }
    | { kind: 'partial'; octets: number }
    | null
  /** Permission bits of the file that is replaced; null: there is none. */
  readonly mode: number | null
  /** Nothing may be replaced. */
  readonly onlyNew: boolean
  /** Octets of the file that is replaced, and of the partial. */
  readonly replacedOctets: number
  /** Null: loss of power may cost the file. */
  readonly sync: Sync | null
  /** The turn to change the target. @throws {FileError} busy */
  readonly turn: () => Promise<Disposable>
}

/** A file on its way in: under which name it lies, open. */
interface Begun {
  readonly hidden: string
  readonly content: Descriptor
  readonly octets: number
}

const ownFlags = constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)

/** A file written beside its target under a hidden name, which `commit` gives the target's. */
export class DiskUpload implements Upload {
  readonly #start: UploadStart
  readonly #claim: Claim
  readonly #hidden: string
  readonly #content: Descriptor
  #position: number
  #ended = false
  /** Its content has been made durable. */
  #durable = false

  private constructor(start: UploadStart, claim: Claim, { hidden, content, octets }: Begun) {
    this.#start = start
    this.#claim = claim
    this.#hidden = hidden
    this.#content = content
    this.#position = octets
  }

  /** @throws the system's error, or a `FileError`; all is as it was then, but the folder is still the caller's */
  static async begin(start: UploadStart, claim: Claim): Promise<DiskUpload> {
    const name = uploadName(start.whose)
    underWay.add(name)
    try {
      const hidden = `${start.folder.ref}/${name}`
      const begun = await (start.from?.kind === 'partial' ? resume(start, claim, hidden) : create(start, claim, hidden))
      return new DiskUpload(start, claim, begun)
    } catch (error) {
      underWay.delete(name)
      claim.drop()
      throw error
    }
  }

  get octets(): number {
    return this.#position
  }

  write(chunk: Buffer): Promise<void> {
    return guarded(async () => {
      const end = this.#position + chunk.length
      if (end > this.#claim.octets) await this.#claim.reach(end, this.#start.replacedOctets)
      await this.#content.write(chunk, this.#position, (octets) => {
        this.#position += octets
      })
    })
  }

  async commit(confirm: () => Promise<Disposable | null> = () => Promise.resolve(null)): Promise<FileStat> {
    const { folder, sync } = this.#start
    const stat = await this.#orEnd(() => guarded(() => this.#settle()))
    {
      // Held for the name alone: nobody waits for another one's disk.
      using _turn = await this.#start.turn()
      using _held = await confirm()
      await this.#orEnd(() => guarded(() => this.#publish(stat.octets)))
    }
    try {
      if (sync !== null) await guarded(async () => sync(await folder.realPath()))
    } finally {
      await folder[Symbol.asyncDispose]()
    }
    return stat
  }

  async abort({ keep }: { readonly keep: boolean } = { keep: false }): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await closeQuietly(this.#content)
    const kept = keep && this.#position > 0 && (await this.#keep())
    if (!kept) {
      await removeQuietly(this.#hidden, this.#position)
      this.#claim.drop()
    }
    underWay.delete(basename(this.#hidden))
    await this.#start.folder[Symbol.asyncDispose]()
  }

  /** A step of the commit: where it fails, nothing of the upload stays, unless it has its name already. */
  async #orEnd<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      if (this.#ended) await this.#start.folder[Symbol.asyncDispose]()
      else await this.abort()
      throw error
    }
  }

  /** All of its content is on the disk. */
  async #settle(): Promise<FileStat> {
    const stat = statOf(this.#content.stat())
    // Closed first: some file systems tell only then that there was no room.
    await this.#content.close()
    await this.#syncContent()
    if (stat === null) throw refusal('failed')
    return stat
  }

  async #syncContent(): Promise<void> {
    const { folder, sync } = this.#start
    if (sync === null || this.#durable) return
    await sync(`${await folder.realPath()}/${basename(this.#hidden)}`)
    this.#durable = true
  }

  /** Gives it its name; an older partial of that name goes. */
  async #publish(octets: number): Promise<void> {
    const { folder, name, whose, onlyNew, replacedOctets } = this.#start
    const target = `${folder.ref}/${name}`
    const partial = `${folder.ref}/${partialName(whose)}`
    const { isLimited } = this.#claim
    const replaced = isLimited ? await octetsAt(target) : 0
    const going = replaced + (isLimited ? await octetsAt(partial) : 0)
    // The old file that was to go may have gone elsewhere: then both have to fit.
    if (going < replacedOctets) await this.#claim.confirm(going)
    if (onlyNew) await giveNewName(this.#hidden, target)
    else await renameFile(this.#hidden, target, replacedOctets)
    this.#ended = true
    underWay.delete(basename(this.#hidden))
    this.#claim.settle(octets, replaced + (await removePartial(partial)))
  }

  /** Makes it the partial of its name. @returns whether that was possible */
  async #keep(): Promise<boolean> {
    const { folder, whose } = this.#start
    const partial = `${folder.ref}/${partialName(whose)}`
    try {
      const older = this.#claim.isLimited ? await octetsAt(partial) : 0
      // Beside the old file it has to fit in whole.
      await this.#claim.confirm(older)
      await this.#syncContent()
      await renameFile(this.#hidden, partial, older)
      this.#claim.settle(this.#position, older)
      return true
    } catch {
      // Nobody was promised a partial: without one the client sends all once more.
      return false
    }
  }
}

/** A new file, with a copy of the old one's beginning. */
const create = async (start: UploadStart, claim: Claim, hidden: string): Promise<Begun> => {
  const { from, mode, replacedOctets } = start
  if (from?.kind !== 'copy') {
    const content = await Descriptor.open(hidden, ownFlags | constants.O_CREAT | constants.O_EXCL, mode ?? 0o666)
    return { hidden, content, octets: 0 }
  }
  await claim.reach(from.octets, replacedOctets)
  try {
    // The system copies, and where it can it shares the blocks. A file that grows meanwhile is cut to what was asked for.
    await copyFile(from.from.ref, hidden, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    return { hidden, content: await openAt(hidden, from.octets), octets: from.octets }
  } catch (error) {
    await removeQuietly(hidden, from.octets)
    throw error
  }
}

/** The partial, taken by renaming it: of several who want it one gets it. */
const resume = async ({ folder, whose, from, mode }: UploadStart, claim: Claim, hidden: string): Promise<Begun> => {
  const octets = from?.octets ?? 0
  const partial = `${folder.ref}/${partialName(whose)}`
  const stats = await fileAt(partial)
  if (stats === null || stats.size < octets) throw refusal('missing')
  await renameFile(partial, hidden, 0)
  try {
    if (mode !== null) await chmod(hidden, mode)
    const content = await openAt(hidden, octets)
    // From here on it counts with this upload.
    claim.adopt(stats.size, octets)
    return { hidden, content, octets }
  } catch (error) {
    await renameFile(hidden, partial, 0)
    throw error
  }
}

/** Opens a file of ours to write behind its first so many octets. */
const openAt = async (path: string, octets: number): Promise<Descriptor> => {
  const content = await Descriptor.open(path, ownFlags)
  try {
    const { size } = content.stat()
    if (size < octets) throw refusal('missing')
    if (size > octets) await content.truncate(octets)
    return content
  } catch (error) {
    await content.close()
    throw error
  }
}

/** A link is made only where nothing is. */
const giveNewName = async (from: string, to: string): Promise<void> => {
  try {
    await link(from, to)
  } catch (error) {
    const code = systemCode(error)
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS' && code !== 'EMLINK') throw error
    // A file system without links: who makes the name between these two lines loses it.
    if ((await statAt(to)) !== null) throw refusal('exists')
    await renameFile(from, to, 0)
    return
  }
  // The file stays, by its other name.
  await removeQuietly(from, 0)
}

/** @returns how many octets went */
const removePartial = async (path: string): Promise<number> => {
  const stats = await fileAt(path)
  if (stats === null) return 0
  await removeFile(path, stats.size).catch(ifMissing(undefined))
  return stats.size
}

/** What cannot be removed now is swept when it is old. */
const removeQuietly = (path: string, octets: number): Promise<void> => removeFile(path, octets).catch(() => undefined)

/** For a file that is given up: what its closing says no longer matters. */
const closeQuietly = (content: Descriptor): Promise<void> => content.close().catch(() => undefined)
