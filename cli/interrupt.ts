/** Work that takes back what it has begun when it is interrupted. */
import process from 'node:process'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ctrl-C, or a wish from outside that this ends. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
}

/**
 * Does the work; a signal aborts it, and once it has ended the process ends by that signal, as its caller expects. A second one changes
 * nothing: the work is tidying up.
 * @param work throws `signal.reason` when it sees that it is aborted
 */
export const interruptible = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController()
  let by: NodeJS.Signals | null = null
  const interrupt = (signal: NodeJS.Signals): void => {
    by = signal
    controller.abort(new InterruptedError(`interrupted by ${signal}`))
  }
  for (const signal of signals) process.on(signal, interrupt)
  try {
    return await work(controller.signal)
  } catch (error) {
    if (by !== null) {
      for (const signal of signals) process.off(signal, interrupt)
      console.error(`havre: ${error instanceof Error ? error.message : String(error)}`)
      process.kill(process.pid, by)
    }
    throw error
  } finally {
    for (const signal of signals) process.off(signal, interrupt)
  }
}
