/** Trouble that lasts, told apart from what is new: an operator needs to read of it once, not with every message. */
import type { StoreErrorCode } from '../mail-store.ts'
import type { Kind } from './requests.ts'

/** Failures that lie in the store itself, and not in what was asked of it; null: one that nobody foresaw. */
const lasting: readonly (StoreErrorCode | null)[] = ['full', 'locked', 'damaged', null]

/** Trouble that comes again within so long is the same one: on a full disk small messages fit where large ones do not. */
const sameMs = 60_000

/** What fails in one process' store. */
export class Trouble {
  /** When each code was last told as new. */
  readonly #told = new Map<StoreErrorCode | null, number>()
  readonly #lasting = new Map<StoreErrorCode | null, Kind | 'open'>()

  /** A request failed. @returns whether it is the same trouble as before */
  isAgain(kind: Kind | 'open', code: StoreErrorCode | null, nowMs = performance.now()): boolean {
    if (!lasting.includes(code)) return false
    const again = this.#lasting.has(code) || nowMs - (this.#told.get(code) ?? Number.NEGATIVE_INFINITY) < sameMs
    if (!again) this.#told.set(code, nowMs)
    if (!this.#lasting.has(code)) this.#lasting.set(code, kind)
    return again
  }

  /** A request was done: trouble that showed in such a one is over. */
  done(kind: Kind | 'open'): void {
    if (this.#lasting.size === 0) return
    for (const [code, failed] of this.#lasting) if (failed === kind) this.#lasting.delete(code)
  }
}
