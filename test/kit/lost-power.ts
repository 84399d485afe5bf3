/**
 * A disk as it may be found after power was lost: of what was written since the last sync of a file, any part is there, in any order,
 * and a write may be torn; of what was written before it, all.
 */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { DiskEvent } from './disk-trace.ts'
import type { Seeded } from './seeded.ts'

/** Disks write sectors wholly or not at all. */
const sectorOctets = 512

type Change = { readonly offset: number; readonly octets: Buffer } | { readonly length: number }

/** One file: what is on disk for certain, and what is only in memory. */
export class SyncedFile {
  #octets: Buffer
  #length: number
  #pending: Change[] = []
  readonly #syncing = new Map<string, number>()

  /** Whether its name is on disk: that of a new file is when its folder was synced. */
  named: boolean

  constructor(octets: Buffer, named: boolean) {
    this.#octets = octets
    this.#length = octets.length
    this.named = named
  }

  change(change: Change): void {
    this.#pending.push(change)
  }

  syncBegins(thread: string): void {
    this.#syncing.set(thread, this.#pending.length)
  }

  syncOver(thread: string, ok: boolean): void {
    const count = this.#syncing.get(thread) ?? 0
    this.#syncing.delete(thread)
    if (!ok) return
    for (const change of this.#pending.splice(0, count)) this.#apply(change)
    for (const [other, begun] of this.#syncing) this.#syncing.set(other, Math.max(0, begun - count))
  }

  /** What is there for certain. */
  synced(): Buffer {
    return Buffer.from(this.#octets.subarray(0, this.#length))
  }

  /** What whoever reads it now reads. */
  now(): Buffer {
    const copy = new SyncedFile(this.synced(), true)
    for (const change of this.#pending) copy.#apply(change)
    return copy.synced()
  }

  /** What may be there. */
  perhaps(random: Seeded): Buffer {
    const copy = new SyncedFile(this.synced(), true)
    const chance = random.pick([0.1, 0.5, 0.9])
    for (const change of this.#pending) {
      if ('length' in change) {
        if (random.chance(chance)) copy.#apply(change)
        continue
      }
      for (let at = 0; at < change.octets.length; ) {
        // Up to the next border of a sector.
        const end = Math.min(change.octets.length, at + sectorOctets - ((change.offset + at) % sectorOctets))
        if (random.chance(chance)) copy.#apply({ offset: change.offset + at, octets: change.octets.subarray(at, end) })
        at = end
      }
    }
    return copy.synced()
  }

  #apply(change: Change): void {
    if ('length' in change) {
      this.#room(change.length)
      this.#octets.fill(0, Math.min(change.length, this.#length), this.#length)
      this.#length = change.length
      return
    }
    const end = change.offset + change.octets.length
    this.#room(end)
    change.octets.copy(this.#octets, change.offset)
    this.#length = Math.max(this.#length, end)
  }

  #room(length: number): void {
    if (length <= this.#octets.length) return
    const larger = Buffer.alloc(Math.max(length, this.#octets.length * 2))
    this.#octets.copy(larger)
    this.#octets = larger
  }
}

/** Some files of one folder, replayed event by event. */
export class ReplayedDisk {
  readonly #files: ReadonlyMap<string, SyncedFile>
  readonly #folder: string

  /** @param files of one folder, absolute; what is in them now counts as synced */
  constructor(files: readonly string[]) {
    this.#files = new Map(
      files.map((file) => {
        const octets = contentOf(file)
        return [file, new SyncedFile(octets ?? Buffer.alloc(0), octets !== null)]
      }),
    )
    this.#folder = dirname(files[0] ?? '')
  }

  /** @returns whether it concerned one of the files, or their folder */
  take(event: DiskEvent): boolean {
    if (!('file' in event)) return false
    if (event.file === this.#folder && event.kind === 'sync-over' && event.ok) {
      for (const file of this.#files.values()) file.named = true
      return true
    }
    const file = this.#files.get(event.file)
    if (file === undefined) return false
    if (event.kind === 'write') file.change(event)
    else if (event.kind === 'truncate') file.change(event)
    else if (event.kind === 'sync-begins') file.syncBegins(event.thread)
    else if (event.kind === 'sync-over') file.syncOver(event.thread, event.ok)
    else if (event.kind === 'removed') throw new Error(`${event.file} was removed`)
    return true
  }

  /**
   * Writes the files into a folder, as they may be found if power is lost now.
   * @param random which part of what is not synced survives; null: nothing of it
   */
  async write(folder: string, random: Seeded | null): Promise<void> {
    for (const [path, file] of this.#files) {
      if (!(file.named || (random?.chance(0.5) ?? false))) continue
      await writeFile(join(folder, basename(path)), random === null ? file.synced() : file.perhaps(random))
    }
  }
}

const contentOf = (file: string): Buffer | null => {
  try {
    return readFileSync(file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    return null
  }
}
