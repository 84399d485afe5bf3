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

/** What comes within this time is one on any machine. A reload too many harms nobody, one too few leaves the old configuration. */
const atOnceMs = 100

/**
 * Takes signals from the kernel and from the launcher. What one of them brings is the same as what the other one brought just before,
 * unless that was matched already: two Ctrl-C in a row, each of which comes twice, are two. Who signals the launcher and then its whole
 * group (timeout(1)) has it say the same twice at once: that is one.
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
  /** When each was last brought by both. */
  const matched = new Map<Signal, number>()
  let stopping = false
  const take = (signal: Signal, from: 'kernel' | 'launcher') => {
    const at = nowMs()
    const reloads = signal === 'SIGHUP' && !terminal
    const same = unmatched.find(
      (before) => before.signal === signal && before.from !== from && at - before.at < (reloads ? atOnceMs : sameMomentMs),
    )
    if (same !== undefined) {
      unmatched = unmatched.filter((before) => before !== same)
      matched.set(signal, at)
      return
    }
    if (from === 'launcher' && at - (matched.get(signal) ?? Number.NEGATIVE_INFINITY) < atOnceMs) return
    unmatched = [...unmatched.filter((before) => at - before.at < sameMomentMs), { signal, from, at }]
    if (reloads) return actions.reload()
    if (stopping) return actions.endAtOnce()
    stopping = true
    actions.stop(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => take(signal, 'kernel'))
  return (signal) => take(signal, 'launcher')
}
