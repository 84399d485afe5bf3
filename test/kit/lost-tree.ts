/**
 * A tree of folders as it may be found after power was lost. Names are entries of their folder, which are on disk when the folder was
 * synced, content when the file was: neither brings the other along, as POSIX has it (some file systems are kinder).
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DiskEvent } from './disk-trace.ts'
import { SyncedFile } from './lost-power.ts'
import type { Seeded } from './seeded.ts'

/** What is found: files by their path below the root, and folders, whose content is null. */
export type FoundTree = ReadonlyMap<string, Buffer | null>

type Node = Folder | SyncedFile

/** One name that comes to a folder (with what), or goes from it (null). */
interface EntryChange {
  readonly folder: Folder
  readonly name: string
  readonly node: Node | null
}

/** What one call did to names. The parts of a rename come together, or the new name alone. */
class NameChange {
  readonly parts: readonly EntryChange[]
  readonly #onDisk = new Set<EntryChange>()
  constructor(...parts: EntryChange[]) {
    this.parts = parts
  }
  /** @param folder null: wherever it belongs */
  apply(folder: Folder | null): void {
    for (const part of this.parts) {
      if (this.#onDisk.has(part) || (folder !== null && part.folder !== folder)) continue
      this.#onDisk.add(part)
      put(part.folder.onDisk, part)
    }
  }
}

const put = (entries: Map<string, Node>, { name, node }: EntryChange): void => {
  if (node === null) entries.delete(name)
  else entries.set(name, node)
}

class Folder {
  readonly now = new Map<string, Node>()
  readonly onDisk = new Map<string, Node>()
  pending: NameChange[] = []
  readonly #syncing = new Map<string, number>()

  syncBegins(thread: string): void {
    this.#syncing.set(thread, this.pending.length)
  }

  syncOver(thread: string, ok: boolean): void {
    const count = this.#syncing.get(thread) ?? 0
    this.#syncing.delete(thread)
    if (!ok) return
    for (const change of this.pending.splice(0, count)) change.apply(this)
    for (const [other, begun] of this.#syncing) this.#syncing.set(other, Math.max(0, begun - count))
  }
}

/** A tree, replayed event by event. */
export class ReplayedTree {
  readonly #root: string
  readonly #tree = new Folder()

  private constructor(root: string) {
    this.#root = root
  }

  /** Looks at what is there now, which counts as synced. @returns as many trees of it as are asked for */
  static of(root: string): () => ReplayedTree {
    const there = readTree(root)
    return () => {
      const tree = new ReplayedTree(root)
      fill(tree.#tree, there)
      return tree
    }
  }

  take(event: DiskEvent): void {
    if (event.kind === 'said' || !this.#holds(event.file)) return
    switch (event.kind) {
      case 'made':
        return this.#made(event.file, event.emptied)
      case 'folder-made':
        return this.#enter(event.file, new Folder())
      case 'removed':
      case 'folder-removed':
        return this.#change(this.#part(event.file, null))
      case 'renamed':
        // Nothing is done where both names are of one file (rename(2)).
        if (this.#nodeOf(event.to) === this.#node(event.file)) return
        // The new name first: it may come alone, the old one may not go alone.
        return this.#change(this.#part(event.to, this.#node(event.file)), this.#part(event.file, null))
      case 'linked':
        return this.#enter(event.to, this.#node(event.file))
      case 'copied':
        return this.#copied(event)
      case 'write':
      case 'truncate':
        // What was removed meanwhile is nobody's.
        return this.#fileOf(event.file)?.change(event)
      case 'sync-begins':
        return this.#nodeOf(event.file)?.syncBegins(event.thread)
      case 'sync-over':
        return this.#nodeOf(event.file)?.syncOver(event.thread, event.ok)
    }
  }

  /**
   * What is found if power is lost now.
   * @param random which of what is not synced survives; null: nothing of it
   */
  found(random: Seeded | null): FoundTree {
    const found = new Map<string, Buffer | null>()
    const entries = (folder: Folder): ReadonlyMap<string, Node> => {
      if (random === null) return folder.onDisk
      const perhaps = new Map(folder.onDisk)
      for (const change of folder.pending)
        if (survives(change)) for (const part of change.parts) if (part.folder === folder) put(perhaps, part)
      return perhaps
    }
    const chosen = new Map<NameChange, boolean>()
    const survives = (change: NameChange): boolean => {
      const known = chosen.get(change) ?? random?.chance(0.5) ?? false
      chosen.set(change, known)
      return known
    }
    const walk = (folder: Folder, path: string): void => {
      for (const [name, node] of entries(folder)) {
        const at = path === '' ? name : `${path}/${name}`
        if (node instanceof SyncedFile) found.set(at, random === null ? node.synced() : node.perhaps(random))
        else {
          found.set(at, null)
          walk(node, at)
        }
      }
    }
    walk(this.#tree, '')
    return found
  }

  #made(path: string, emptied: boolean): void {
    const old = this.#nodeOf(path)
    if (old === undefined) this.#enter(path, new SyncedFile(Buffer.alloc(0), false))
    else if (emptied && old instanceof SyncedFile) old.change({ length: 0 })
  }

  #copied({ file, to, offset, octets }: Extract<DiskEvent, { kind: 'copied' }>): void {
    const from = this.#fileOf(file)
    if (from === undefined) throw new Error(`copied from ${file}, which is not known`)
    this.#fileOf(to)?.change({ offset, octets: from.now().subarray(offset, offset + octets) })
  }

  #enter(path: string, node: Node): void {
    this.#change(this.#part(path, node))
  }

  #change(...parts: EntryChange[]): void {
    const change = new NameChange(...parts)
    // In the order of the call: what replaces, then what goes.
    for (const part of parts) put(part.folder.now, part)
    for (const folder of new Set(parts.map((part) => part.folder))) folder.pending.push(change)
  }

  #part(path: string, node: Node | null): EntryChange {
    const folder = this.#nodeOf(dirname(path))
    if (!(folder instanceof Folder)) throw new Error(`${dirname(path)} is no folder that is known`)
    return { folder, name: basename(path), node }
  }

  #node(path: string): Node {
    const node = this.#nodeOf(path)
    if (node === undefined) throw new Error(`${path} is not known`)
    return node
  }

  #fileOf(path: string): SyncedFile | undefined {
    const node = this.#nodeOf(path)
    return node instanceof SyncedFile ? node : undefined
  }

  #nodeOf(path: string): Node | undefined {
    let node: Node | undefined = this.#tree
    for (const name of path.slice(this.#root.length).split('/')) {
      if (name === '') continue
      if (!(node instanceof Folder)) return undefined
      node = node.now.get(name)
    }
    return node
  }

  #holds(path: string): boolean {
    return path === this.#root || path.startsWith(`${this.#root}/`)
  }
}

/** Names with content, or with what lies in them. */
type Listing = ReadonlyMap<string, Buffer | Listing>

const readTree = (path: string): Listing =>
  new Map(
    readdirSync(path).map((name) => {
      const at = join(path, name)
      return [name, statSync(at).isDirectory() ? readTree(at) : readFileSync(at)]
    }),
  )

const fill = (folder: Folder, listing: Listing): void => {
  for (const [name, there] of listing) {
    const node = Buffer.isBuffer(there) ? new SyncedFile(Buffer.from(there), true) : new Folder()
    if (node instanceof Folder && !Buffer.isBuffer(there)) fill(node, there)
    folder.now.set(name, node)
    folder.onDisk.set(name, node)
  }
}
