/** So much at once, and a tenth of it more each second: what a well-behaved client never uses up. */
export class Allowance {
  readonly #most: number
  #left: number
  #atMs: number

  /** @param nowMs as `performance.now()` tells it, here and below */
  constructor(most: number, nowMs: number) {
    this.#most = most
    this.#left = most
    this.#atMs = nowMs
  }

  /** Takes one. @returns false when there is none left */
  take(nowMs: number): boolean {
    this.#left = Math.min(this.#most, this.#left + ((nowMs - this.#atMs) * this.#most) / 10_000)
    this.#atMs = nowMs
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
