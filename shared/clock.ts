/** What tells time and wakes somebody later, so that a test can have one of its own. */

/** Takes back what was to be done later. */
export type Cancel = () => void

/** What tells time; a test has one of its own. */
export interface Clock {
  /** Milliseconds since some moment. */
  nowMs(): number
  /** Does something once so much time has passed. */
  after(ms: number, done: () => void): Cancel
}

/** For what may be left undone: it keeps no process from ending. */
export const idleClock: Clock = {
  nowMs: () => performance.now(),
  after: (ms, done) => {
    const timer = setTimeout(done, ms).unref()
    return () => clearTimeout(timer)
  },
}
