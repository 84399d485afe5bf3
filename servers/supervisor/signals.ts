/** What signals mean to the supervisor. */
import process from 'node:process'

/** The signals that are told apart. */
export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** What is done about them. */
export interface SignalActions {
  /** The first SIGINT or SIGTERM. */
  stop(signal: Signal): void
  /** The second one. */
  endAtOnce(): void
  reload(): void
}

/** A Ctrl-C reaches the launcher and us at the same moment; on a busy machine the launcher's word of it comes within this time. */
const sameMomentMs = 2_000

/**
 * Takes signals from the kernel and from the launcher. What one of them brings is the same as what the other one brought just before,
 * unless that was matched already: two Ctrl-C in a row, each of which comes twice, are two.
 * @param terminal whether stdin was a terminal at the start: then SIGHUP means that it was closed, else it means reload
 * @param nowMs for tests
 * @returns takes what the launcher hands on
 */
export const takeSignals = (
  actions: SignalActions,
  terminal: boolean,
  nowMs: () => number = () => performance.now(),
): ((signal: Signal) => void) => {
  /** Those that the other one did not bring yet. */
  let unmatched: readonly { readonly signal: Signal; readonly from: 'kernel' | 'launcher'; readonly at: number }[] = []
  let stopping = false
  const take = (signal: Signal, from: 'kernel' | 'launcher') => {
    const at = nowMs()
    unmatched = unmatched.filter((before) => at - before.at < sameMomentMs)
    const same = unmatched.find((before) => before.signal === signal && before.from !== from)
    if (same !== undefined) {
      unmatched = unmatched.filter((before) => before !== same)
      return
    }
    unmatched = [...unmatched, { signal, from, at }]
    if (signal === 'SIGHUP' && !terminal) return actions.reload()
    if (stopping) return actions.endAtOnce()
    stopping = true
    actions.stop(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => take(signal, 'kernel'))
  return (signal) => take(signal, 'launcher')
}
