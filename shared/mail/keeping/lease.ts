/**
 * Who goes on with the index: one thread of one process at a time. Whoever has the lease says so with each step, in the step's own
 * transaction; a step of one that lost it does not hold. The clock is the system's monotonic one, as in `holders.ts`.
 */
import { integer, text } from '../sqlite/database.ts'
import { uptimeMs } from '../sqlite/holders.ts'
import type { IndexDatabase } from './index-database.ts'

/** So long after its holder died a lease is free. Longer than the longest message may take, as nothing is said meanwhile. */
const leaseMs = 120_000

/** In the background, or while somebody waits for it. */
export type Urgency = 'background' | 'urgent'

/** The lease was taken by somebody with more haste. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/** One thread's claim to the lease. */
export class Lease {
  readonly #index: IndexDatabase
  readonly #token: string
  readonly #urgency: Urgency

  constructor(index: IndexDatabase, token: string, urgency: Urgency) {
    this.#index = index
    this.#token = token
    this.#urgency = urgency
  }

  /**
   * Takes the lease when it is free, or when its holder has less haste.
   * @param evenUrgent takes it from whoever has it: one that has not gone on for long
   */
  take(evenUrgent = false): boolean {
    return this.#index.transaction(() => {
      const row = this.#index.get('SELECT holder, until, urgent FROM progress')
      const now = uptimeMs()
      const until = integer(row?.until)
      const lives = until > now && until <= now + leaseMs && text(row?.holder) !== this.#token
      const gives = this.#urgency === 'urgent' && (integer(row?.urgent) === 0 || evenUrgent)
      if (lives && !gives) return false
      const urgent = this.#urgency === 'urgent' ? 1 : 0
      this.#index.run('UPDATE progress SET holder = ?, until = ?, urgent = ?', this.#token, now + leaseMs, urgent)
      return true
    })
  }

  /** One transaction of whoever has the lease. @throws {LeaseLost} it has gone to somebody else: nothing was done */
  transaction<T>(work: () => T): T {
    return this.#index.transaction(() => {
      const held = this.#index.run('UPDATE progress SET until = ?2 WHERE holder = ?1', this.#token, uptimeMs() + leaseMs)
      if (held === 0) throw new LeaseLost()
      return work()
    })
  }

  /** Gives it free; no matter if it is somebody else's by now. */
  release(): void {
    this.#index.transaction(() => this.#index.run(`UPDATE progress SET holder = '', until = 0 WHERE holder = ?`, this.#token))
  }
}
