import { createHmac, randomBytes } from 'node:crypto'
import { preparedPassword } from './password.ts'

/** Successes remembered by default. */
const defaultSize = 10_000

/**
 * Remembers which passwords were found right lately, so that the next login with one costs microseconds. Holds no password and
 * nothing to guess one by outside this process: only HMACs under a key that is drawn at its birth and never leaves it. Each is
 * bound to the stored hash that the password was checked against, so none outlives a change of the password.
 */
export class SuccessCache {
  readonly #key = randomBytes(32)
  readonly #maxSize: number
  /** In the order of last use. */
  readonly #seen = new Set<string>()

  /** @param maxSize beyond it the one used longest ago is forgotten */
  constructor(maxSize: number = defaultSize) {
    this.#maxSize = maxSize
  }

  get size(): number {
    return this.#seen.size
  }

  has(account: string, passwordHash: string, password: string): boolean {
    const entry = this.#entry(account, passwordHash, password)
    if (!this.#seen.delete(entry)) return false
    this.#seen.add(entry)
    return true
  }

  add(account: string, passwordHash: string, password: string): void {
    this.#seen.add(this.#entry(account, passwordHash, password))
    if (this.#seen.size <= this.#maxSize) return
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest)
      return
    }
  }

  /** No NUL is in a name or a hash, so no two triples read the same. */
  #entry(account: string, passwordHash: string, password: string): string {
    return createHmac('sha256', this.#key)
      .update(`${account}\0${passwordHash}\0${preparedPassword(password)}`)
      .digest('base64')
  }
}
