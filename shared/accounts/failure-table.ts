interface Failure {
  readonly atMs: number
  readonly mark: string
}

export interface FailureTableLimits {
  /** How long a failure counts. */
  readonly windowMs: number
  /** Failures remembered of one key; the count never exceeds it. */
  readonly perKey: number
}

/** Keys remembered; beyond it the one that failed longest ago is forgotten. */
const maxKeys = 10_000

/** Counts failures by a key (an address, an account) in a window of time that slides. Its memory is bounded. */
export class FailureTable {
  #limits: FailureTableLimits
  /** In the order of their last failures; each list in the order of time. */
  readonly #failures = new Map<string, Failure[]>()

  constructor(limits: FailureTableLimits) {
    this.#limits = limits
  }

  set limits(limits: FailureTableLimits) {
    this.#limits = limits
  }

  /** Keys in memory. */
  get size(): number {
    return this.#failures.size
  }

  /**
   * @param mark  by which `forget` finds it
   * @param nowMs of a clock that never goes back
   * @returns the failures of this key that count now, this one included
   */
  add(key: string, mark: string, nowMs: number): number {
    const begin = nowMs - this.#limits.windowMs
    const failures = (this.#failures.get(key) ?? []).filter(({ atMs }) => atMs > begin)
    failures.push({ atMs: nowMs, mark })
    if (failures.length > this.#limits.perKey) failures.splice(0, failures.length - this.#limits.perKey)
    this.#failures.delete(key)
    this.#failures.set(key, failures)
    this.#dropOldest(begin)
    return failures.length
  }

  /** Whether a failure of this key counts now. */
  has(key: string, nowMs: number): boolean {
    const last = this.#failures.get(key)?.at(-1)
    return last !== undefined && last.atMs > nowMs - this.#limits.windowMs
  }

  /** Failures of this key with this mark count no more. */
  forget(key: string, mark: string): void {
    const failures = this.#failures.get(key)
    if (failures === undefined) return
    const left = failures.filter((failure) => failure.mark !== mark)
    if (left.length === 0) this.#failures.delete(key)
    else this.#failures.set(key, left)
  }

  #dropOldest(begin: number): void {
    for (const [key, failures] of this.#failures) {
      const last = failures.at(-1)
      if (this.#failures.size <= maxKeys && last !== undefined && last.atMs > begin) return
      this.#failures.delete(key)
    }
  }
}
