/** Beyond any family of clients; what it keeps of each is two numbers. */
const mostAccounts = 10_000

/**
 * When accounts logged in last, for services that take their next login only after a while (RFC 2449 §6.5, LOGIN-DELAY). In memory of
 * the desk, so that it holds over all sessions, processes and restarts of a service: after a start of the whole family everybody may
 * come at once, which costs nothing but one login too many.
 */
export class LoginGaps {
  /** The time of the login and of the end of its gap, in the order of the logins. */
  readonly #last = new Map<string, { readonly atMs: number; readonly endMs: number }>()

  get size(): number {
    return this.#last.size
  }

  /** @returns after how many milliseconds it may come again; 0: it may come now, and the gap begins anew */
  enter(account: string, gapMs: number, nowMs: number): number {
    const last = this.#last.get(account)
    if (last !== undefined && last.atMs + gapMs > nowMs) return Math.ceil(last.atMs + gapMs - nowMs)
    this.#last.delete(account)
    this.#last.set(account, { atMs: nowMs, endMs: nowMs + gapMs })
    for (const [oldest, { endMs }] of this.#last) {
      if (endMs > nowMs && this.#last.size <= mostAccounts) break
      this.#last.delete(oldest)
    }
    return 0
  }
}
