import type { Clock } from '../../shared/clock.ts'

/** A clock that a test moves. */
export interface FakeClock extends Clock {
  /** Lets so much time pass, what is due in it in its order; what was done is followed up before time goes on. */
  pass(ms: number): Promise<void>
}

/** A clock that stands still until it is moved. */
export const fakeClock = (): FakeClock => {
  let now = 0
  const waiting = new Set<{ readonly atMs: number; readonly done: () => void }>()
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    nowMs: () => now,
    after: (ms, done) => {
      const entry = { atMs: now + ms, done }
      waiting.add(entry)
      return () => waiting.delete(entry)
    },
    pass: async (ms) => {
      const until = now + ms
      for (;;) {
        await settle()
        const [next] = [...waiting].sort((one, other) => one.atMs - other.atMs)
        if (next === undefined || next.atMs > until) break
        waiting.delete(next)
        now = next.atMs
        next.done()
      }
      now = until
    },
  }
}
