/**
 * The file system as a `FileStore`. Every operation holds the file or folder it is about (`anchor.ts`), checks where that really
 * lies, and only then acts on what it holds: a link that is swapped in between changes nothing.
 */
import { constants, type Stats } from 'node:fs'
import { chmod, statfs, utimes } from 'node:fs/promises'
import { accessView } from './access-view.ts'
import type { Anchor } from './anchor.ts'
import { Descriptor } from './descriptor.ts'
import { checkAccess, fileAt, ifMissing, makeFolder, octetsAt, openToList, removeFile, renameFile, statAt } from './direct.ts'
import { DiskUpload, type Sync } from './disk-upload.ts'
import { asFileError, guarded, refusal } from './file-failure.ts'
import { statOf } from './file-stat.ts'
import type { Access, FileEntry, FileStat, FileStore, OpenFile, PartialUpload, Upload, UploadBeginning } from './file-store.ts'
import { entriesOf, statsOf } from './folder-entries.ts'
import { isBeingWritten, partialName, underWay, whoseUpload } from './hidden-name.ts'
import type { HotFiles, HotRoot } from './hot-files.ts'
import { clearFolder, recoverPartial, removeWithLeftovers, staleUploadMs, sweepFolder } from './partials.ts'
import { resolvePath } from './resolve-path.ts'
import { Root, type RootOptions } from './root.ts'
import { type TakeTurn, turnAt } from './turn.ts'
import { Usage } from './usage.ts'

/** How a root is opened. */
export interface DiskFileStoreOptions extends RootOptions {
  /** Makes content or entries durable before an operation resolves (`desk.sync` in a sandboxed child); null: not asked for. */
  readonly sync: Sync | null
  /** Whose uploads are broken off and continued here: nobody else sees them. */
  readonly account?: string
  /** What may be done; all, unless given. */
  readonly access?: Access
  /** Octets of all files; null or absent: no limit. */
  readonly quota?: number | null
  /** The file by which all processes that open this root with a quota know of each other's changes; absent: there is only this one. */
  readonly ledger?: string
  /** Whether dead uploads may lie here that no sweep has found yet; they may, unless given. */
  readonly mayHaveLeftovers?: () => boolean
  /** Absent: nobody looks at files before a change, or who does takes turns himself. */
  readonly turn?: TakeTurn | null
  /** Keeps what is opened again and again in memory; absent: nothing is kept. */
  readonly hot?: HotFiles
}

/** Opens a root. Touches nothing before the first operation. */
export const openFileStore = (options: DiskFileStoreOptions): DiskFileStore => {
  const store = new DiskRoot(options)
  const { access = 'full' } = options
  if (access === 'full') return store
  return Object.assign(accessView(store, access), {
    sweep: (sweep?: Sweep) => store.sweep(sweep),
    recount: () => store.recount(),
  })
}

/** What only a root on a disk has. */
export interface DiskFileStore extends FileStore {
  /**
   * Removes what is old of broken uploads, and makes what processes that died have left partials to be continued.
   * @returns how many were removed
   */
  sweep(sweep?: Sweep): Promise<number>
  /** What is known of its usage is counted anew when it is needed. */
  recount(): void
}

/** How a root is swept. */
export interface Sweep {
  /** How long a broken upload is kept. */
  readonly olderThanMs?: number
  readonly signal?: AbortSignal
}

class DiskRoot implements DiskFileStore {
  readonly access = 'full'
  readonly #root: Root
  readonly #sync: Sync | null
  readonly #account: string
  readonly #usage: Usage
  readonly #mayHaveLeftovers: () => boolean
  readonly #hot: HotRoot | null
  readonly #turn: TakeTurn | null

  constructor(options: DiskFileStoreOptions) {
    this.#root = new Root(options)
    this.#hot = options.hot?.forRoot() ?? null
    this.#sync = options.sync
    this.#turn = options.turn ?? null
    this.#account = options.account ?? ''
    this.#mayHaveLeftovers = options.mayHaveLeftovers ?? (() => true)
    this.#usage = new Usage(options.quota ?? null, options.ledger ?? null, (except) => this.#count(except))
  }

  stat(path: string): Promise<FileStat> {
    return guarded(async () => {
      await using target = await this.#root.hold(resolvePath(path))
      return known(target.stat)
    })
  }

  find(path: string): Promise<void> {
    return guarded(async () => {
      // The root is there, though nobody can rename it.
      if (resolvePath(path).length === 0) return
      const { folder, name } = await this.#root.holdPlace(path)
      await using held = folder
      const stats = await statAt(`${held.ref}/${name}`)
      if (stats === null) throw refusal('missing')
      if (!stats.isSymbolicLink()) known(stats)
    })
  }

  enter(path: string, { toList = false }: { readonly toList?: boolean } = {}): Promise<void> {
    return guarded(async () => {
      await using folder = await this.#root.holdFolder(resolvePath(path))
      // Whoever may look up a name in it may enter it.
      await statAt(`${folder.ref}/.`)
      if (toList) await openToList(folder.ref)
    })
  }

  open(path: string): Promise<OpenFile> {
    return guarded(async () => {
      const names = resolvePath(path)
      const place = this.#root.placeOf(names)
      const hot = this.#hot?.find(place) ?? null
      if (hot !== null) return hot
      await using target = await this.#root.hold(names)
      const held = known(target.stat)
      if (held.kind === 'folder') throw refusal('is-folder')
      const handle = await Descriptor.open(target.ref, constants.O_RDONLY)
      try {
        const stats = handle.stat()
        const stat = known(stats)
        // Only where files are held by path can they differ.
        if (stat.unique !== held.unique) throw refusal('denied')
        const opened = { stat, handle, close: () => handle.close() }
        return (await this.#hot?.keep(place, opened, stats)) ?? opened
      } catch (error) {
        await handle.close()
        throw error
      }
    })
  }

  async *list(path: string): AsyncGenerator<readonly FileEntry[], void, void> {
    try {
      await using folder = await this.#root.holdFolder(resolvePath(path))
      yield* entriesOf(folder, this.#root)
    } catch (error) {
      throw asFileError(error)
    }
  }

  upload(path: string, begin: UploadBeginning, { onlyNew = false }: { readonly onlyNew?: boolean } = {}): Promise<Upload> {
    return guarded(async () => {
      const target = await this.#root.holdTarget(path)
      const { folder, name } = target
      await using old = target.old
      try {
        const octets = old === null ? 0 : oldOctets(old.stat)
        if (old !== null && onlyNew) throw refusal('exists')
        const wanted = typeof begin === 'number' ? begin : begin === 'append' ? octets : 0
        if (wanted > octets) throw refusal('missing')
        // One that must not be written must not be replaced either; a new file keeps the permissions of the one it replaces.
        if (old !== null) await checkAccess(old.ref, constants.W_OK)
        const mode = old === null ? null : old.stat.mode & 0o777
        const whose = whoseUpload(this.#account, name)
        if (typeof begin === 'object') await this.#recover(folder, whose)
        const from =
          typeof begin === 'object'
            ? { kind: 'partial' as const, octets: begin.partial }
            : old === null || wanted === 0
              ? null
              : { kind: 'copy' as const, from: old, octets: wanted }
        const claim = this.#usage.claim()
        // What was kept of an earlier upload goes with the old file.
        const kept = claim.isLimited && typeof begin !== 'object' ? await octetsAt(`${folder.ref}/${partialName(whose)}`) : 0
        const turn = () => turnAt(this.#turn, path)
        const start = { folder, name, whose, from, mode, onlyNew, replacedOctets: octets + kept, sync: this.#sync, turn }
        return await DiskUpload.begin(start, claim)
      } catch (error) {
        await folder[Symbol.asyncDispose]()
        throw error
      }
    })
  }

  partial(path: string): Promise<PartialUpload | null> {
    return guarded(async () => {
      const { folder, name } = await this.#root.holdPlace(path)
      await using held = folder
      const whose = whoseUpload(this.#account, name)
      await this.#recover(held, whose)
      const stats = await fileAt(`${held.ref}/${partialName(whose)}`)
      const stat = stats === null ? null : statOf(stats)
      return stat === null ? null : { octets: stat.octets, modifiedMs: stat.modifiedMs }
    })
  }

  async remove(path: string): Promise<void> {
    using _turn = await turnAt(this.#turn, path)
    return await this.#inParent(path, async (entry, folder, name) => {
      const whose = whoseUpload(this.#account, name)
      await this.#recover(folder, whose)
      const partial = `${folder.ref}/${partialName(whose)}`
      const left = await fileAt(partial)
      if (left !== null) await removeFile(partial, left.size).catch(ifMissing(undefined))
      const stats = await statAt(entry)
      this.#usage.freed(left?.size ?? 0)
      if (stats === null) {
        if (left === null) throw refusal('missing')
        return
      }
      if (stats.isDirectory()) throw refusal('is-folder')
      // A link goes, wherever it leads: it is an entry of this folder.
      if (!stats.isSymbolicLink()) known(stats)
      await removeFile(entry, stats.size)
      if (stats.isFile()) this.#usage.freed(stats.size)
    })
  }

  makeFolder(path: string): Promise<void> {
    return this.#inParent(path, makeFolder)
  }

  removeFolder(path: string): Promise<void> {
    return this.#inParent(path, (entry) => removeWithLeftovers(entry, () => this.#clear(path)))
  }

  async rename(from: string, to: string): Promise<void> {
    using _turn = await turnAt(this.#turn, from, to)
    return await guarded(async () => {
      const source = await this.#root.holdPlace(from)
      await using sourceFolder = source.folder
      const target = await this.#root.holdPlace(to)
      await using targetFolder = target.folder
      const old = `${sourceFolder.ref}/${source.name}`
      const name = `${targetFolder.ref}/${target.name}`
      const moved = await statAt(old)
      if (moved === null) throw refusal('missing')
      if (!moved.isSymbolicLink()) known(moved)
      const replaced = await statAt(name)
      const same = replaced !== null && replaced.ino === moved.ino && replaced.dev === moved.dev
      if (replaced !== null && !same && (replaced.isDirectory() || moved.isDirectory())) throw refusal('exists')
      await renameFile(old, name, replaced?.size ?? 0)
      if (replaced?.isFile() && !same) this.#usage.freed(replaced.size)
      if (this.#sync === null) return
      const [gained, lost] = [await targetFolder.realPath(), await sourceFolder.realPath()]
      await this.#sync(gained)
      if (lost !== gained) await this.#sync(lost)
    })
  }

  setModified(path: string, modifiedMs: number): Promise<void> {
    return this.#onHeld(path, async ({ ref, stat }) => {
      const modified = new Date(modifiedMs)
      if (Number.isNaN(modified.getTime())) throw refusal('denied')
      // As a `Date`: a plain number below zero is taken for now.
      await utimes(ref, stat.atime, modified)
    })
  }

  setMode(path: string, mode: number): Promise<void> {
    return this.#onHeld(path, async ({ ref }) => {
      if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) throw refusal('denied')
      await chmod(ref, mode)
    })
  }

  usage(): Promise<{ readonly octets: number }> {
    return guarded(async () => ({ octets: await this.#usage.octets() }))
  }

  space(): Promise<number | null> {
    return guarded(async () => {
      await using root = await this.#root.holdFolder([])
      const { bavail, bsize } = await statfs(root.ref)
      const room = await this.#usage.room()
      return Math.min(bavail * bsize, room ?? Number.POSITIVE_INFINITY)
    })
  }

  recount(): void {
    this.#usage.forget()
  }

  sweep({ olderThanMs = staleUploadMs, signal }: Sweep = {}): Promise<number> {
    return guarded(async () => {
      let removed = 0
      for await (const folder of this.#folders(signal)) {
        const uploadsMs = Math.max(olderThanMs, staleUploadMs)
        removed += await sweepFolder(folder.held, { partialsMs: olderThanMs, uploadsMs, onFolder: folder.below })
      }
      if (removed > 0) this.recount()
      return removed
    })
  }

  /** All folders, the root first. A stack, not recursion: its depth is the tree's, and only one folder is open at a time. */
  async *#folders(signal?: AbortSignal): AsyncGenerator<{ readonly held: Anchor; below(name: string): void }, void, void> {
    for (const folders = ['']; folders.length > 0 && !signal?.aborted; ) {
      const path = folders.pop() ?? ''
      const held = await this.#root.holdFolder(path.split('/').filter((name) => name !== '')).catch(ifGone(null))
      if (held === null) continue
      try {
        yield { held, below: (name) => folders.push(`${path}/${name}`) }
      } finally {
        await held[Symbol.asyncDispose]()
      }
    }
  }

  async #count(except: 'own' | 'all'): Promise<number> {
    const isLeftOut = except === 'own' ? (name: string) => underWay.has(name) : isBeingWritten
    let sum = 0
    for await (const { held, below } of this.#folders()) {
      for await (const { names, stats } of statsOf(held)) {
        for (const [nth, name] of names.entries()) {
          const own = stats[nth] ?? null
          if (own?.isDirectory()) below(name)
          else if (own?.isFile() && !isLeftOut(name)) sum += own.size
        }
      }
    }
    return sum
  }

  async #clear(path: string): Promise<boolean> {
    await using folder = await this.#root.holdFolder(resolvePath(path))
    const removed = await clearFolder(folder)
    if (removed !== null && removed > 0) this.recount()
    return removed !== null
  }

  async #recover(folder: Anchor, whose: string): Promise<void> {
    if (this.#mayHaveLeftovers()) await recoverPartial(folder, whose)
  }

  /** Acts on what a path leads to. */
  #onHeld(path: string, act: (target: Anchor) => Promise<void>): Promise<void> {
    return guarded(async () => {
      await using target = await this.#root.hold(resolvePath(path))
      known(target.stat)
      await act(target)
    })
  }

  /** Acts on one name in its folder, then makes the folder durable. */
  #inParent(path: string, act: (entry: string, folder: Anchor, name: string) => Promise<void>): Promise<void> {
    return guarded(async () => {
      const { folder, name } = await this.#root.holdPlace(path)
      await using held = folder
      await act(`${held.ref}/${name}`, held, name)
      if (this.#sync !== null) await this.#sync(await held.realPath())
    })
  }
}

/** @throws {FileError} denied for what is neither file nor folder */
const known = (stats: Stats): FileStat => {
  const stat = statOf(stats)
  if (stat === null) throw refusal('denied')
  return stat
}

const oldOctets = (stats: Stats): number => {
  const stat = known(stats)
  if (stat.kind === 'folder') throw refusal('is-folder')
  return stat.octets
}

/** For a folder that may be gone, or become something else, while a tree is walked. */
const ifGone =
  <T>(value: T) =>
  (error: unknown): T => {
    const { code } = asFileError(error)
    if (code === 'missing' || code === 'not-folder' || code === 'denied') return value
    throw error
  }
