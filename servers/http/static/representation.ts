/** In which form a file is sent: as it is, compressed beforehand beside it, or compressed here (RFC 9110 §12.1). */
import { FileError, type FileStat, type FileStore, type OpenFile } from '../../../shared/files/file-store.ts'
import { acceptedCodings, type Coding, codings, extensions, refusesPlain } from './codings.ts'
import { type Compression, codedTag } from './compression.ts'
import { type Conditions, readTags, type Validators } from './conditional.ts'
import { etagOf, validatorsOf } from './validators.ts'

/** A file in the form that is sent. */
export interface Representation {
  readonly coding: Coding | null
  /** Each form has a tag of its own (RFC 9110 §8.8.3.3). */
  readonly validators: Validators
  readonly size: number
  /** All of it, where it is in memory; null: its octets are read from the file. */
  readonly octets: Buffer | null
  /** `octets` once more, while this is the form to be chosen for the same wish; null: it is not, or nobody knows. Holds nothing of them. */
  readonly again: (() => Buffer | null) | null
  /** Who gets the representation closes it. */
  readonly file: OpenFile
}

/** Which form the client would like. */
export interface Wish {
  readonly acceptEncoding: string | undefined
  /** Null where all of it is wanted. */
  readonly range: (Pick<Conditions, 'ifMatch' | 'ifNoneMatch'> & { readonly ifRange: string | undefined }) | null
}

/** A file as it is. */
export const plain = (file: OpenFile, nowMs: number): Representation => ({
  coding: null,
  validators: validatorsOf(file.stat, nowMs),
  size: file.stat.octets,
  octets: file.content ?? null,
  again: file.again ?? null,
  file,
})

/**
 * The codings in which a client would have this file. Who asks for a part means the file's own octets, as all do who decode what they
 * get; unless it refuses them, or a condition says by a tag that what the client holds is another form.
 */
const wishedCodings = ({ acceptEncoding, range }: Wish, stat: FileStat): readonly Coding[] => {
  const accepted = acceptedCodings(acceptEncoding)
  if (range === null || accepted.length === 0 || refusesPlain(acceptEncoding)) return accepted
  const { ifRange, ifMatch, ifNoneMatch } = range
  const tag = etagOf(stat)
  const needed = readTags(ifRange ?? '') ?? readTags(ifMatch ?? '')
  if (needed !== null) return needed.length > 0 && !needed.includes(tag) ? accepted : []
  // Compared weakly (RFC 9110 §13.1.2), and what it holds may be long outdated: that says nothing of a form.
  const held = (readTags(ifNoneMatch ?? '') ?? []).map((each) => each.replace(/^W\//, ''))
  return !held.includes(tag) && held.some((each) => each.startsWith(`${tag.slice(0, -1)}.`)) ? accepted : []
}

/** A compressed file found beside a file. */
interface Beside {
  readonly coding: Coding
  readonly file: OpenFile
}

/** Its tag has that of the file in it, as those of all forms: who changes the file by any of them (`If-Match`) means the file. */
const besideForm = ({ coding, file }: Beside, of: FileStat, nowMs: number): Representation => {
  const form = plain(file, nowMs)
  const etag = `${etagOf(of).slice(0, -1)}.${coding}-${form.validators.etag.slice(1, 12)}"`
  return { ...form, coding, validators: { ...form.validators, etag } }
}

/** Whether a file was written to last no earlier than another. Some tools that copy dates keep whole seconds only. */
const isNoOlder = ({ modifiedMs }: FileStat, than: FileStat): boolean =>
  modifiedMs >= (modifiedMs % 1_000 === 0 ? Math.floor(than.modifiedMs / 1_000) * 1_000 : than.modifiedMs)

/** How long it is believed what compressed lies beside a file, or that nothing does: looking for it costs as much as the file itself. */
const believedMs = 1_000

type Again = Representation['again']

/** @param file whose form it is @param octets of the form @param until when that is believed, on the clock of `performance.now()` */
const believed = (file: Again, octets: Again, until: number): Again => {
  if (file === null || octets === null) return null
  return () => (performance.now() < until && file() !== null ? octets() : null)
}
const mostBelieved = 4_096

/** Chooses forms. Holds nothing that needs an end. */
export class Representations {
  readonly #compression: Compression | null
  /** Until when nothing is looked for beside a file, by its path in its store. */
  readonly #alone = new WeakMap<FileStore, Map<string, number>>()

  /** @param compression null: only what lies there compressed is used */
  constructor(compression: Compression | null) {
    this.#compression = compression
  }

  /**
   * The best form of a file for a client. Takes the file over; where it throws, it is closed.
   * @param path of the file in its store
   * @throws {FileChanged} when the file was written to meanwhile
   */
  async choose(wish: Wish, file: OpenFile, store: FileStore, path: string, nowMs: number): Promise<Representation> {
    const wished = wishedCodings(wish, file.stat)
    const [best] = wished
    if (best === undefined) return plain(file, nowMs)
    const lookedAt = performance.now()
    try {
      const beside = await this.#beside(wished, file, store, path)
      if (beside !== null) {
        await file.close()
        const again = believed(file.again ?? null, beside.file.again ?? null, lookedAt + believedMs)
        return { ...besideForm(beside, file.stat, nowMs), again }
      }
      // Nothing was looked for, perhaps: it is believed no longer for that.
      const until = this.#aloneUntil(store, path) ?? lookedAt + believedMs
      const octets = (await this.#compression?.compressed(file, best)) ?? null
      const form = plain(file, nowMs)
      if (octets === null) return { ...form, again: believed(form.again, form.again, until) }
      const { etag, modifiedMs } = form.validators
      const again = believed(form.again, this.#compression?.again(file.stat, best) ?? null, until)
      return { coding: best, validators: { etag: codedTag(etag, best), modifiedMs }, size: octets.length, octets, again, file }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** A compressed file beside the file, no older than it: `app.js.br`. */
  async #beside(wished: readonly Coding[], file: OpenFile, store: FileStore, path: string): Promise<Beside | null> {
    if (this.#aloneUntil(store, path) !== null) return null
    for (const coding of wished) {
      const found = await openIfThere(store, `${path}${extensions[coding]}`)
      if (found === null) continue
      if (isNoOlder(found.stat, file.stat)) return { coding, file: found }
      await found.close()
    }
    // Only when all of them were looked for.
    if (wished.length === codings.length) this.#believeAlone(store, path)
    return null
  }

  /** Null where it has to be looked. */
  #aloneUntil(store: FileStore, path: string): number | null {
    const until = this.#alone.get(store)?.get(path)
    return until !== undefined && performance.now() < until ? until : null
  }

  #believeAlone(store: FileStore, path: string): void {
    const believed = this.#alone.get(store) ?? new Map<string, number>()
    this.#alone.set(store, believed)
    if (believed.size >= mostBelieved) believed.clear()
    believed.set(path, performance.now() + believedMs)
  }
}

/** Null where there is no such file, or none that may be read. */
export const openIfThere = async (store: FileStore, path: string): Promise<OpenFile | null> => {
  try {
    return await store.open(path)
  } catch (error) {
    if (error instanceof FileError && absent.has(error.code)) return null
    throw error
  }
}

const absent: ReadonlySet<string> = new Set(['missing', 'is-folder', 'not-folder', 'denied', 'bad-name'])
