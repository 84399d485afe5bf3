/**
 * Who lives: each worker thread that holds something says so in time, and what a dead one held is free. The clock is the
 * system's monotonic one, the same for all processes of a machine and of no meaning after it was started anew; hence a time that
 * is further off than any lease can be counts as past, and nothing of the calendar's jumps matters.
 */
import type { MailDatabase } from './database.ts'

/** No lease is longer: a mailbox is free at most so long after its holder died. */
export const longestLeaseMs = 60_000

/** Milliseconds since the machine started. */
export const uptimeMs = (): number => Math.floor(Number(process.hrtime.bigint() / 1_000_000n))

/** SQL: this holder lives; `?1` is the time now. */
export const lives = `until > ?1 AND until <= ?1 + ${longestLeaseMs}`

/** One worker thread as a holder. */
export class Holder {
  readonly token: string
  readonly #leaseMs: number

  constructor(token: string, leaseMs: number) {
    this.token = token
    this.#leaseMs = Math.min(leaseMs, longestLeaseMs)
  }

  /** Said in the transaction that begins to hold something. */
  register(database: MailDatabase): void {
    const until = uptimeMs() + this.#leaseMs
    database.run('INSERT INTO holder VALUES (?1, ?2) ON CONFLICT DO UPDATE SET until = ?2', this.token, until)
  }

  /** Said again and again while something is held. A holder that came too late and was swept is not made again by this. */
  renew(database: MailDatabase): void {
    if (!this.#holds(database)) return
    database.transaction('in-time', () => {
      database.run('UPDATE holder SET until = ?2 WHERE token = ?1', this.token, uptimeMs() + this.#leaseMs)
    })
  }

  #holds(database: MailDatabase): boolean {
    const { token } = this
    const hold = 'SELECT 1 FROM hold WHERE holder = ?1'
    const delivery = 'SELECT 1 FROM delivery WHERE links = 0 AND writer = ?1'
    return database.get(`${hold} UNION ALL ${delivery} LIMIT 1`, token) !== undefined
  }
}

/** Gives free what these holders held: they are known to have ended. */
export const endHolders = (database: MailDatabase, tokens: readonly string[]): void => {
  if (tokens.length === 0) return
  database.transaction('in-time', () => {
    for (const token of tokens) {
      database.run('DELETE FROM hold WHERE holder = ?', token)
      database.run('UPDATE delivery SET writer = NULL WHERE links = 0 AND writer = ?', token)
      database.run('DELETE FROM holder WHERE token = ?', token)
    }
  })
}
