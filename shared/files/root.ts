/** What paths within one root lead to: held, and checked where it really lies, before anything is done with it. */
import { readlink } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { type Anchor, type OpenAnchor, systemAnchor } from './anchor.ts'
import { ifMissing, statAt } from './direct.ts'
import { refusal } from './file-failure.ts'
import { FileError } from './file-store.ts'
import { isHiddenName } from './hidden-name.ts'
import { resolvePath } from './resolve-path.ts'

/** Where a root lies. */
export interface RootOptions {
  /** The root's path, absolute. It need not exist yet. It may itself be a link: whoever makes the root decides where it lies. */
  readonly root: string
  /**
   * A folder, absolute, that a linked root must not lead out of (all is `denied` where it does); absent: it may lie anywhere. For
   * a root that somebody else than the operator can replace by a link: the web folder in a home.
   */
  readonly inside?: string | undefined
  /** How files are held; the system's safest way unless a test says otherwise. */
  readonly anchor?: OpenAnchor | undefined
}

/** One name in a folder that is held. */
export interface Place {
  /** Whoever asked for the place disposes of it. */
  readonly folder: Anchor
  readonly name: string
}

/** Where a new file of a name goes. */
export interface Target extends Place {
  /** What it takes the place of, held; null: nothing. Whoever asked for the target disposes of both. */
  readonly old: Anchor | null
}

/** A root. Whoever holds something of it disposes of that. */
export class Root {
  readonly #path: string
  readonly #inside: string | null
  readonly #anchor: OpenAnchor
  #realPath: string | null = null

  constructor({ root, inside, anchor = systemAnchor }: RootOptions) {
    this.#path = root
    this.#inside = inside ?? null
    this.#anchor = anchor
  }

  /** Where the system looks for what names lead to; nothing is said about where that ends. */
  placeOf(names: readonly string[]): string {
    return join(this.#path, ...names)
  }

  /** @throws {FileError} bad-name, denied, or the system's error */
  async hold(names: readonly string[]): Promise<Anchor> {
    try {
      return await this.checked(await this.#anchor(this.placeOf(names)))
    } catch (error) {
      throw (await this.#leadsOut(names)) ? refusal('denied') : error
    }
  }

  /** @throws {FileError} as `hold`, and not-folder */
  async holdFolder(names: readonly string[]): Promise<Anchor> {
    return onlyFolder(await this.hold(names))
  }

  /** The folder that a path's last name is in. @throws {FileError} as `holdFolder`; denied for the root itself */
  async holdPlace(path: string): Promise<Place> {
    const names = resolvePath(path)
    const name = names.at(-1)
    if (name === undefined) throw refusal('denied')
    return { folder: await this.holdFolder(names.slice(0, -1)), name }
  }

  /**
   * Where a new file of a path's name goes: into its folder, or where a link of that name leads to a file, to that file's place.
   * @throws {FileError} as `holdPlace`; missing for a link that leads to nothing
   */
  async holdTarget(path: string): Promise<Target> {
    const place = await this.holdPlace(path)
    try {
      const entry = `${place.folder.ref}/${place.name}`
      const stats = await statAt(entry)
      if (stats === null) return { ...place, old: null }
      if (!stats.isSymbolicLink()) return { ...place, old: await this.holdEntry(entry).catch(ifMissing(null)) }
      const old = await this.holdEntry(entry)
      if (!old.stat.isFile()) return { ...place, old }
      try {
        const target = { ...(await this.#placeOf(old)), old }
        await place.folder[Symbol.asyncDispose]()
        return target
      } catch (error) {
        await old[Symbol.asyncDispose]()
        throw error
      }
    } catch (error) {
      await place.folder[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The very name of what is held, in its folder. @throws {FileError} missing: it has none any more; as `holdFolder` */
  async #placeOf(held: Anchor): Promise<Place> {
    const path = await held.realPath()
    const name = basename(path)
    const folder = await onlyFolder(await this.checked(await this.#anchor(dirname(path))))
    const stats = isHiddenName(name) ? null : await statAt(`${folder.ref}/${name}`).catch(() => null)
    // What was moved or removed meanwhile lies elsewhere.
    if (stats?.ino === held.stat.ino && stats.dev === held.stat.dev) return { folder, name }
    await folder[Symbol.asyncDispose]()
    throw refusal('missing')
  }

  /** What an entry of a held folder leads to, links followed. */
  async holdEntry(entry: string): Promise<Anchor> {
    try {
      return await this.checked(await this.#anchor(entry))
    } catch (error) {
      const path = join(await this.#whereItLies(dirname(entry)), basename(entry))
      throw (await this.#linkLeadsOut(path, 0)) ? refusal('denied') : error
    }
  }

  /** Gives the anchor back if what it holds lies inside the root; else disposes of it. */
  async checked(anchor: Anchor): Promise<Anchor> {
    try {
      const path = await anchor.realPath()
      if (this.#realPath !== null && isInside(path, this.#realPath)) return anchor
      // The root was not known yet, or it lies elsewhere by now.
      const realRoot = await this.#whereItLies(this.#path)
      if (this.#inside !== null && !isInside(realRoot, await this.#whereItLies(this.#inside))) throw refusal('denied')
      this.#realPath = realRoot
      if (isInside(path, realRoot)) return anchor
      throw refusal('denied')
    } catch (error) {
      await anchor[Symbol.asyncDispose]()
      throw error
    }
  }

  /**
   * Whether a path that could not be held goes out of the root on its way: it is denied then, whether there is something outside or
   * not, or the answer would tell.
   */
  async #leadsOut(names: readonly string[], hops = 0): Promise<boolean> {
    let folder = this.#realPath
    if (folder === null) return false
    for (const name of names) {
      const path = join(folder, name)
      try {
        await using held = await this.checked(await this.#anchor(path))
        folder = await held.realPath()
      } catch (error) {
        return error instanceof FileError ? error.code === 'denied' : this.#linkLeadsOut(path, hops)
      }
    }
    return false
  }

  /** The same for what is no more than one link that leads to nothing; those that go in a circle lead nowhere. */
  async #linkLeadsOut(path: string, hops: number): Promise<boolean> {
    const target = await readlink(path).catch(() => null)
    if (target === null || this.#realPath === null || hops > mostHops) return false
    const end = resolve(dirname(path), target)
    return isInside(end, this.#realPath) ? this.#leadsOut(relative(this.#realPath, end).split(sep), hops + 1) : true
  }

  async #whereItLies(path: string): Promise<string> {
    await using anchor = await this.#anchor(path)
    return await anchor.realPath()
  }
}

/** Gives the anchor back if it holds a folder; else disposes of it. */
const onlyFolder = async (anchor: Anchor): Promise<Anchor> => {
  if (anchor.stat.isDirectory()) return anchor
  await anchor[Symbol.asyncDispose]()
  throw refusal('not-folder')
}

/** As many links behind each other as Linux follows. */
const mostHops = 40

const isInside = (path: string, root: string): boolean => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
