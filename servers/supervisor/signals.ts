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

/** A Ctrl-C reaches the launcher and us at the same moment; the launcher's word of it comes within this time. */
const sameMomentMs = 100

/**
 * Takes signals from the kernel and from the launcher.
 * @param terminal whether stdin was a terminal at the start: then SIGHUP means that it was closed, else it means reload
 * @returns takes what the launcher hands on
 */
export const takeSignals = (actions: SignalActions, terminal: boolean): ((signal: Signal) => void) => {
  const last = new Map<Signal, { from: 'kernel' | 'launcher'; at: number }>()
  let stopping = false
  const take = (signal: Signal, from: 'kernel' | 'launcher') => {
    const before = last.get(signal)
    const at = performance.now()
    last.set(signal, { from, at })
    if (before !== undefined && before.from !== from && at - before.at < sameMomentMs) return
    if (signal === 'SIGHUP' && !terminal) return actions.reload()
    if (stopping) return actions.endAtOnce()
    stopping = true
    actions.stop(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => take(signal, 'kernel'))
  return (signal) => take(signal, 'launcher')
}
