/**
 * Files that are asked for again and again, whole in memory. A kept one is given out only while its path still leads to the very file
 * that was read, as that was then: `stat` is asked each time. Whether the path stays inside its root, and may be read, was checked when
 * it was opened, and is checked again in the usual way a few times a second.
 */
import { type Stats, statSync } from 'node:fs'
import { systemCode } from './file-failure.ts'
import type { OpenFile } from './file-store.ts'

/** How much is kept. */
export interface HotFilesLimits {
  /** Of all files together. */
  readonly octets: number
  /** Of one. */
  readonly fileOctets: number
  readonly files: number
}

const usual: HotFilesLimits = { octets: 32 * 1024 * 1024, fileOctets: 128 * 1024, files: 2_000 }

/** Names of files asked for once so far, of which a second request makes hot ones. */
const remembered = 2_000

/** After so long a path is walked again, link by link. */
const checkedForMs = 250

/** Systems tell times as coarsely as this: a file that was written to so shortly before it was read may change without a sign. */
const coarsestMs = 2_000

interface Entry {
  readonly stats: Stats
  readonly file: OpenFile
  readonly octets: number
  /** This one and no other reading of the file. */
  readonly reading: symbol
  /** On the clock of `performance.now()`. */
  checkedAt: number
}

const isSame = (one: Stats, other: Stats): boolean =>
  one.ino === other.ino &&
  one.dev === other.dev &&
  one.size === other.size &&
  one.mtimeMs === other.mtimeMs &&
  one.ctimeMs === other.ctimeMs

const alreadyClosed = Promise.resolve()

/** The hot files of one root. */
export interface HotRoot {
  /**
   * The file, if it is kept, was checked just now and is what it was; its content is all in memory.
   * @param place where the system finds it
   */
  find(place: string): OpenFile | null
  /**
   * Keeps a file that was opened and checked in the usual way, if it is asked for often; the one that was opened is closed then.
   * @param stats of the open file
   * @returns the kept one; null where the opened one goes on being used
   */
  keep(place: string, file: OpenFile, stats: Stats): Promise<OpenFile | null>
}

/** The hot files of all roots of a process. Holds no descriptor. */
export class HotFiles {
  readonly #limits: HotFilesLimits
  /** The one used last comes last. */
  readonly #entries = new Map<string, Entry>()
  readonly #askedOnce = new Set<string>()
  #octets = 0
  #roots = 0

  constructor(limits: HotFilesLimits = usual) {
    this.#limits = limits
  }

  /** What is kept for one more root: that a place may be read through one says nothing about another. */
  forRoot(): HotRoot {
    this.#roots += 1
    const id = `${this.#roots}:`
    return {
      find: (place) => this.#find(id + place, place)?.file ?? null,
      keep: (place, file, stats) => this.#keep(id + place, place, file, stats),
    }
  }

  /** Octets that are kept. */
  get octets(): number {
    return this.#octets
  }

  #find(key: string, place: string): Entry | null {
    const entry = this.#entries.get(key)
    if (entry === undefined || performance.now() - entry.checkedAt > checkedForMs) return null
    // Looked up a moment ago, its names are in the system's memory: no disk is waited for.
    const stats = lookUp(place)
    if (stats === null || !isSame(stats, entry.stats)) {
      this.#drop(key, entry)
      return null
    }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry
  }

  async #keep(key: string, place: string, file: OpenFile, stats: Stats): Promise<OpenFile | null> {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      if (isSame(known.stats, stats)) {
        known.checkedAt = performance.now()
        await file.close()
        return known.file
      }
      this.#drop(key, known)
    }
    if (stats.size > this.#limits.fileOctets || Date.now() - Math.max(stats.mtimeMs, stats.ctimeMs) < coarsestMs) return null
    if (!this.#isAskedAgain(key)) return null
    const content = await contentOf(file, stats)
    if (content === null) return null
    await file.close()
    const reading = Symbol('of a file')
    const kept = { ...file, content, again: this.#again(key, place, reading), close: () => alreadyClosed }
    this.#add(key, { stats, file: kept, octets: content.length, reading, checkedAt: performance.now() })
    return kept
  }

  /** In a function of its own, which knows nothing of the file: whoever keeps it keeps no content. */
  #again(key: string, place: string, reading: symbol): () => Buffer | null {
    return () => {
      const entry = this.#find(key, place)
      return entry?.reading === reading ? (entry.file.content ?? null) : null
    }
  }

  #isAskedAgain(key: string): boolean {
    if (this.#askedOnce.delete(key)) return true
    const [oldest] = this.#askedOnce
    if (this.#askedOnce.size >= remembered && oldest !== undefined) this.#askedOnce.delete(oldest)
    this.#askedOnce.add(key)
    return false
  }

  #add(key: string, entry: Entry): void {
    const before = this.#entries.get(key)
    if (before !== undefined) this.#drop(key, before)
    this.#entries.set(key, entry)
    this.#octets += entry.octets
    for (const [oldest, old] of this.#entries) {
      if (this.#octets <= this.#limits.octets && this.#entries.size <= this.#limits.files) break
      this.#drop(oldest, old)
    }
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#octets -= entry.octets
  }
}

/** What is there, links followed; null where nothing can be seen: whoever opens it in the usual way learns why. */
const lookUp = (place: string): Stats | null => {
  try {
    return statSync(place, { throwIfNoEntry: false }) ?? null
  } catch (error) {
    // The system's own refusals have a code, as those of Node's permission model.
    if (systemCode(error) === undefined) throw error
    return null
  }
}

/** All of a file, if it was not written to meanwhile. */
const contentOf = async ({ handle }: OpenFile, stats: Stats): Promise<Buffer | null> => {
  // Memory of its own: a part of a shared piece would hold all of that.
  const content = Buffer.allocUnsafeSlow(stats.size)
  for (let at = 0; at < content.length; ) {
    const { bytesRead } = await handle.read(content, at, content.length - at, at)
    if (bytesRead === 0) return null
    at += bytesRead
  }
  return isSame(handle.stat(), stats) ? content : null
}
