/**
 * Free pages go back to the system, a few at a time: each one at the end of the file is cut off, and pages in use there move forward
 * first. Some are kept, as mail that comes needs them again, and the file is not made smaller and larger in turn.
 */
import { integer, type MailDatabase } from './database.ts'
import { pageOctets } from './schema.ts'

/** What is kept free: this share of what is in use, and this much at least. */
const keptShare = 0.1
const keptPages = (16 * 2 ** 20) / pageOctets

/** Free pages above twice what is kept make it begin. */
const beginAt = 2

/** A step moves so many pages that it takes about this long: others may want to write. */
const stepMs = 3
const mostPages = 1_024

/** Whether so many free pages of so many are worth the work. */
export const isWorthTrimming = (free: number, pages: number): boolean => free > beginAt * kept(free, pages)

const kept = (free: number, pages: number): number => Math.max(keptPages, (pages - free) * keptShare)

/** Makes one file smaller, step by step. */
export class Trimmer {
  #trimming = false
  /** A power of two, so that few texts of statements are kept. */
  #stepPages = 16
  #cutBack = true

  /** One step. @returns whether there is more to do */
  step(database: MailDatabase): boolean {
    const free = pragma(database, 'freelist_count')
    const pages = pragma(database, 'page_count')
    this.#trimming = this.#trimming ? free > kept(free, pages) : isWorthTrimming(free, pages)
    if (!this.#trimming) return false
    this.#cutBack = false
    const began = performance.now()
    database.transaction('in-time', () => database.all(`PRAGMA incremental_vacuum(${this.#stepPages})`))
    const took = performance.now() - began
    if (took > stepMs) this.#stepPages = Math.max(1, this.#stepPages / 2)
    else if (took < stepMs / 3) this.#stepPages = Math.min(mostPages, this.#stepPages * 2)
    return true
  }

  /**
   * The file itself becomes smaller when the log is written into it, and the log when it is cut: done once after trimming, in a moment
   * without other work. Fails without a trace when somebody reads an older state.
   */
  cutBack(database: MailDatabase): void {
    if (this.#cutBack || this.#trimming) return
    this.#cutBack = database.get('PRAGMA wal_checkpoint(TRUNCATE)')?.busy === 0
  }
}

const pragma = (database: MailDatabase, name: 'freelist_count' | 'page_count'): number =>
  integer(database.get(`PRAGMA ${name}`)?.[name])
