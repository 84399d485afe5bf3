/**
 * Connections on which nothing has come yet, and how long each may be silent. Most clients speak at once: a timer and a listener for each
 * would cost those more than to be known here.
 */

/** One that has not said anything. */
export interface Newcomer {
  /** On the clock of `performance.now()`. */
  readonly since: number
  /** Whether its connection is gone. */
  readonly isGone: boolean
  /** It has been silent for too long. */
  silent(): void
}

/** Between two looks; each finds who is late, and forgets who is gone. */
const mostBetweenMs = 1_000
const leastBetweenMs = 50

/** Those of one service. Has a timer while there are any. */
export class Newcomers {
  readonly #all = new Set<Newcomer>()
  readonly #patienceMs: number
  #timer: NodeJS.Timeout | null = null

  /** @param patienceMs how long each may be silent, and up to a quarter of it or a second more, whichever is less */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** Until `delete`, or until it is gone or was told that it is late. */
  add(newcomer: Newcomer): void {
    this.#all.add(newcomer)
    if (this.#timer !== null) return
    const betweenMs = Math.max(leastBetweenMs, Math.min(mostBetweenMs, this.#patienceMs / 4))
    this.#timer = setInterval(() => this.#look(), betweenMs)
    this.#timer.unref()
  }

  delete(newcomer: Newcomer): void {
    this.#all.delete(newcomer)
  }

  /** Those that are waited for. */
  get size(): number {
    return this.#all.size
  }

  #look(): void {
    const lateSince = performance.now() - this.#patienceMs
    for (const newcomer of this.#all) {
      if (!newcomer.isGone && newcomer.since > lateSince) continue
      this.#all.delete(newcomer)
      if (!newcomer.isGone) newcomer.silent()
    }
    if (this.#all.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }
}
