import { randomBytes } from 'node:crypto'

/** One that waits for the client's last message. */
interface Waiting<Exchange> {
  readonly key: string
  readonly endsAtMs: number
  readonly exchange: Exchange
}

/** Beyond any family of clients: a proof takes a slow client a few seconds of PBKDF2. */
const longestMs = 60_000
const perKey = 64
const inAll = 4_096

/**
 * Exchanges that are begun and not finished, bounded in time and number: who has too many loses the oldest of its own, and where
 * all have too many the oldest of all goes.
 */
export class ScramExchanges<Exchange> {
  /** In the order in which they began. */
  readonly #waiting = new Map<string, Waiting<Exchange>>()
  readonly #counts = new Map<string, number>()

  get size(): number {
    return this.#waiting.size
  }

  /** @param key whose it is: the address. @returns what it is taken by */
  add(key: string, exchange: Exchange, nowMs: number): string {
    this.#dropOld(nowMs)
    if ((this.#counts.get(key) ?? 0) >= perKey) this.#dropFirst((waiting) => waiting.key === key)
    if (this.#waiting.size >= inAll) this.#dropFirst(() => true)
    const id = randomBytes(16).toString('base64url')
    this.#waiting.set(id, { key, endsAtMs: nowMs + longestMs, exchange })
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    return id
  }

  /** Takes one out. @returns null when there is none, or none any more */
  take(id: string, nowMs: number): Exchange | null {
    this.#dropOld(nowMs)
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return null
    this.#drop(id, waiting)
    return waiting.exchange
  }

  #dropOld(nowMs: number): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.endsAtMs > nowMs) return
      this.#drop(id, waiting)
    }
  }

  #dropFirst(fits: (waiting: Waiting<Exchange>) => boolean): void {
    for (const [id, waiting] of this.#waiting) if (fits(waiting)) return this.#drop(id, waiting)
  }

  #drop(id: string, { key }: Waiting<Exchange>): void {
    this.#waiting.delete(id)
    const left = (this.#counts.get(key) ?? 1) - 1
    if (left === 0) this.#counts.delete(key)
    else this.#counts.set(key, left)
  }
}
