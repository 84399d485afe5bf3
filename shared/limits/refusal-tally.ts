/** Refusals of one kind and address within one spell. */
export interface Sum {
  readonly limit: string
  /** `192.0.2.1`, `2001:db8::/64`; null: of many addresses. */
  readonly address: string | null
  /** Beyond the first one, which was told at once. */
  readonly count: number
}

/** Kinds and addresses told apart within one spell; what is beyond is summed by limit only. */
const maxKinds = 256

/**
 * Keeps a flood from flooding the journal too: the first refusal of a kind and address is told at once, the others are summed until
 * `take`. Nothing is lost in counting.
 */
export class RefusalTally {
  readonly #sums = new Map<string, { limit: string; address: string | null; count: number }>()

  /** @returns whether it is the first of its kind, to be told now */
  note(limit: string, address: string): boolean {
    const own = this.#sums.get(`${limit} ${address}`)
    if (own !== undefined) {
      own.count += 1
      return false
    }
    if (this.#sums.size < maxKinds) {
      this.#sums.set(`${limit} ${address}`, { limit, address, count: 0 })
      return true
    }
    const others = this.#sums.get(limit) ?? { limit, address: null, count: 0 }
    others.count += 1
    this.#sums.set(limit, others)
    return false
  }

  /** The spell is over. @returns what was not told one by one; the next refusal of each kind is a first one again */
  take(): readonly Sum[] {
    if (this.#sums.size === 0) return []
    const sums = [...this.#sums.values()].filter(({ count }) => count > 0)
    this.#sums.clear()
    return sums
  }
}
