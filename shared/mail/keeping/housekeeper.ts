/**
 * When the housekeeping of mail is done: some time after something has changed, and now and then for what time alone changes. Between
 * its rounds there is no thread and no open file of it, so that a family at rest stays as small as it is. Every process that has the
 * store open has one of these; of those that wake at the same time one does the work.
 */
import { type Cancel, type Clock, idleClock } from '../../clock.ts'
import type { Settings } from '../../config/settings.ts'
import type { Log } from '../../log/log.ts'
import { indexFile, mailFile } from '../mail-files.ts'
import { StoreError } from '../mail-store.ts'
import * as journal from './journal.ts'
import { keep } from './keep.ts'
import { isBounded, type Overdue, type Retention, tooOld } from './retention.ts'
import type { Expired } from './told.ts'

/** What the housekeeping needs of the store. */
export interface Keepable {
  /**
   * Removes messages that are still over this rule, in short transactions.
   * @param before what came before this, ms since 1970, is too old
   * @throws {StoreError} it may have removed some
   */
  expire(overdue: Overdue, rule: Retention, before: number): Promise<Expired>
  /** Has what is left over removed, and room given back, in the time that follows. @throws {StoreError} */
  tidy(): Promise<void>
}

/** What the store tells its housekeeping. */
export interface Keeping {
  /** A message came or went. */
  changed(): void
  /** Ends it, before the store is closed. Never rejects. */
  close(): Promise<void>
}

/** When rounds begin. */
export interface KeepingTimes {
  /** After the first change since the last round; a search brings the index up to date by itself, so nobody waits for this. */
  readonly changedMs: number
  /** After the start, up to twice as late: what an earlier process left undone. */
  readonly startMs: number
  /** For what grows old. */
  readonly intervalMs: number
  /** After one that failed, and twice as long after each further one, up to the interval; after one that found a mailbox in use. */
  readonly againMs: number
}

const usualTimes: KeepingTimes = { changedMs: 30_000, startMs: 60_000, intervalMs: 3_600_000, againMs: 300_000 }

/** What a test may put in the place of what is used else. */
export interface KeepingParts {
  readonly times: KeepingTimes
  readonly clock: Clock
  readonly round: typeof keep
}

/** The housekeeping of the store of these settings, as `openMailStore` takes it. */
export const housekeeping =
  ({ data, mail }: Settings, log: Log, parts: Partial<KeepingParts> = {}) =>
  (store: Keepable): Keeping =>
    new Housekeeper(store, data, mail.retention, log, { times: usualTimes, clock: idleClock, round: keep, ...parts })

class Housekeeper implements Keeping {
  readonly #store: Keepable
  readonly #data: string
  readonly #rule: Retention
  readonly #log: Log
  readonly #times: KeepingTimes
  readonly #clock: Clock
  readonly #keepOnce: typeof keep
  readonly #closing = new AbortController()
  #cancel: Cancel = () => undefined
  #dueMs = Number.POSITIVE_INFINITY
  /** Rounds that failed, one after the other, and when the next one may begin. */
  #failures = 0
  #notBeforeMs = 0
  #round: Promise<void> | null = null
  #heldBack = false

  constructor(store: Keepable, data: string, rule: Retention, log: Log, { times, clock, round }: KeepingParts) {
    this.#store = store
    this.#data = data
    this.#rule = rule
    this.#log = log
    this.#times = times
    this.#clock = clock
    this.#keepOnce = round
    this.#schedule(times.startMs * (1 + Math.random()))
  }

  changed(): void {
    // Cheap: it is told of every delivery.
    if (this.#dueMs === Number.POSITIVE_INFINITY || this.#dueMs > this.#clock.nowMs() + this.#times.changedMs)
      this.#schedule(this.#times.changedMs)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#cancel()
    await this.#round
  }

  #schedule(afterMs: number): void {
    const nowMs = this.#clock.nowMs()
    const dueMs = Math.max(nowMs + afterMs, this.#notBeforeMs)
    if (this.#closing.signal.aborted || dueMs >= this.#dueMs) return
    this.#cancel()
    this.#dueMs = dueMs
    this.#cancel = this.#clock.after(dueMs - nowMs, () => this.#wake())
  }

  /** Whatever changes meanwhile: what fails at once would else fail without an end, with a thread each time. */
  #scheduleAgain(): void {
    const { againMs, intervalMs } = this.#times
    const pauseMs = Math.min(againMs * 2 ** this.#failures, Math.max(againMs, intervalMs))
    this.#failures += 1
    this.#notBeforeMs = this.#clock.nowMs() + pauseMs
    // What was asked for while the round went on waits as well.
    this.#cancel()
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#schedule(pauseMs)
  }

  #wake(): void {
    if (this.#round !== null) {
      this.#dueMs = Number.POSITIVE_INFINITY
      this.#schedule(this.#times.changedMs)
      return
    }
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#round = this.#keep().finally(() => {
      this.#round = null
    })
  }

  async #keep(): Promise<void> {
    const beganMs = this.#clock.nowMs()
    let messages = 0
    this.#heldBack = false
    const rule = this.#rule
    try {
      const end = await this.#keepOnce({
        mailFile: mailFile(this.#data),
        indexFile: indexFile(this.#data),
        urgency: 'background',
        retention: isBounded(rule) ? { rule, expire: (overdue) => this.#expire(overdue) } : null,
        events: {
          made: (made) => journal.indexMade(this.#log, made),
          leftOut: (message, why) => journal.leftOut(this.#log, message, why),
          died: (error) => journal.died(this.#log, error),
          progress: (done) => {
            messages += done
          },
          untidy: () => void this.#tidy(),
        },
        signal: this.#closing.signal,
      })
      if (messages > 0) journal.indexed(this.#log, messages, this.#clock.nowMs() - beganMs)
      // Somebody else is at it, and may not have seen the last ones.
      if (end === 'gave up') return this.#scheduleAgain()
      this.#failures = 0
      if (end === 'busy') this.#schedule(this.#times.changedMs)
      if (this.#heldBack) this.#schedule(this.#times.againMs)
    } catch (error) {
      journal.failed(this.#log, error)
      return this.#scheduleAgain()
    }
    if (this.#rule.ageMs !== null) this.#schedule(this.#times.intervalMs)
  }

  async #tidy(): Promise<void> {
    try {
      await this.#store.tidy()
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      journal.failed(this.#log, error)
    }
  }

  async #expire(overdue: Overdue): Promise<Expired> {
    const expired = await this.#store.expire(overdue, this.#rule, tooOld(this.#rule, Date.now()))
    if (expired.held) this.#heldBack = true
    if (expired.messages > 0) journal.expired(this.#log, overdue.account, expired.messages, expired.octets)
    return expired
  }
}
