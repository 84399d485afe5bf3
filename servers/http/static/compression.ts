/** Compression of files as they are asked for. What was compressed is kept for the next client; memory and work are bounded. */
import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib'
import type { FileStat, OpenFile } from '../../../shared/files/file-store.ts'
import type { Coding } from './codings.ts'
import { contentOf } from './reading.ts'

/** Below it nothing is won: it fits into one packet either way. */
export const leastCompressed = 1024

/** What is larger is sent as it is: it would have to be held whole in memory. */
export const mostCompressed = 8 * 1024 * 1024

/** What was compressed and is kept, in octets and in files. */
const keptOctets = 32 * 1024 * 1024
const keptFiles = 4_096

/** What is compressed at the same time; whoever comes then gets the file as it is. Two of the threads that read files for all. */
const mostAtOnce = 2

/** A file that is less than a tenth smaller is not worth it to the client's processor. */
const leastGain = 0.9

/** How much trouble each coding takes: that of gzip's usual level, and no more of the others for a better result. */
const compressors: Record<Coding, { readonly trouble: number; readonly compress: (octets: Buffer) => Promise<Buffer> }> = {
  br: {
    trouble: 5,
    compress: (octets) => {
      const params = { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: octets.length }
      return promisify<Buffer, object, Buffer>(brotliCompress)(octets, { params })
    },
  },
  zstd: {
    trouble: 9,
    compress: (octets) =>
      promisify<Buffer, object, Buffer>(zstdCompress)(octets, { params: { [constants.ZSTD_c_compressionLevel]: 9 } }),
  },
  gzip: { trouble: 6, compress: (octets) => promisify<Buffer, object, Buffer>(gzip)(octets, { level: 6 }) },
}

/** The same input gives the same octets for one version of these libraries: another one, another tag. */
const { zlib = '', brotli = '', zstd = '' } = process.versions
const versions: Record<Coding, string> = { gzip: zlib, br: brotli, zstd }
const suffixOf = (coding: Coding): string =>
  `${coding}-${hash('sha256', `${versions[coding]}:${compressors[coding].trouble}`, 'base64url').slice(0, 4)}`
const suffixes: Record<Coding, string> = { br: suffixOf('br'), zstd: suffixOf('zstd'), gzip: suffixOf('gzip') }

/** The strong tag of a file as one of the codings, from that of the file itself (RFC 9110 §8.8.3.3). */
export const codedTag = (etag: string, coding: Coding): string => `${etag.slice(0, -1)}.${suffixes[coding]}"`

/** Clocks of file systems: what was written twice within a tick has one date for two contents. A whole second may be such a tick. */
const tickMs = (atMs: number): number => (atMs % 1_000 === 0 ? 2_000 : 100)

/** Whether its dates stand for one content only: the file was not written to just now. */
const isSettled = ({ modifiedMs, changedMs }: FileStat, nowMs: number): boolean =>
  [modifiedMs, changedMs].every((atMs) => nowMs - atMs > tickMs(atMs))

const keyOf = ({ unique, modifiedMs, changedMs, octets }: FileStat, coding: Coding): string =>
  `${coding}:${unique}:${modifiedMs}:${changedMs}:${octets}`

/** Compresses files and keeps the results, the ones asked for last. Holds nothing that needs an end. */
export class Compression {
  /** Null: not worth it. The one asked for last is the last. */
  readonly #kept = new Map<string, Buffer | null>()
  #keptOctets = 0
  readonly #underWay = new Map<string, Promise<Buffer | null>>()
  #jobs = 0

  /** Octets that are kept. */
  get octets(): number {
    return this.#keptOctets
  }

  /**
   * A file's content, compressed; the file stays open. Null where it is sent as it is: too small, too large, no smaller by it, or too
   * much is being compressed already.
   * @throws {FileChanged} when the file was written to meanwhile
   */
  async compressed(file: OpenFile, coding: Coding): Promise<Buffer | null> {
    const { octets } = file.stat
    if (octets < leastCompressed || octets > mostCompressed) return null
    const key = keyOf(file.stat, coding)
    const kept = this.#find(key)
    if (kept !== undefined) return kept
    const settled = isSettled(file.stat, Date.now())
    const underWay = settled ? this.#underWay.get(key) : undefined
    if (underWay !== undefined) return underWay
    if (this.#jobs >= mostAtOnce) return null
    const job = this.#work(() => contentOf(file), coding)
    if (!settled) return job
    this.#underWay.set(key, job)
    try {
      const result = await job
      this.#keep(key, result)
      return result
    } finally {
      this.#underWay.delete(key)
    }
  }

  /** What gives the same once more while it is kept, else null. */
  again(stat: FileStat, coding: Coding): () => Buffer | null {
    const key = keyOf(stat, coding)
    return () => this.#find(key) ?? null
  }

  /** The same for content that was made for one answer: nothing of it is kept. */
  passing(octets: Buffer, coding: Coding): Promise<Buffer | null> {
    const worth = octets.length >= leastCompressed && octets.length <= mostCompressed && this.#jobs < mostAtOnce
    return worth ? this.#work(() => Promise.resolve(octets), coding) : Promise.resolve(null)
  }

  async #work(content: () => Promise<Buffer>, coding: Coding): Promise<Buffer | null> {
    this.#jobs += 1
    try {
      const octets = await content()
      const result = await compressors[coding].compress(octets)
      return result.length <= octets.length * leastGain ? result : null
    } finally {
      this.#jobs -= 1
    }
  }

  #find(key: string): Buffer | null | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    return kept
  }

  #keep(key: string, octets: Buffer | null): void {
    this.#kept.set(key, octets)
    this.#keptOctets += octets?.length ?? 0
    for (const [oldest, content] of this.#kept) {
      if (this.#keptOctets <= keptOctets && this.#kept.size <= keptFiles) return
      this.#kept.delete(oldest)
      this.#keptOctets -= content?.length ?? 0
    }
  }
}
