import { AssertionError } from 'chai'
import { patienceMs } from './patience.ts'

/**
 * Repeats a check until it holds: for what comes a moment after the reply, such as a line in a log.
 * @param check throws, or says `false`, while it does not hold
 * @throws what the last try threw
 */
export const eventually = async <T>(check: () => T | Promise<T>, deadlineMs = patienceMs): Promise<T> => {
  const endsAt = performance.now() + deadlineMs
  for (;;) {
    try {
      const found = await check()
      if (found === false) throw new AssertionError(`it does not hold: ${check}`)
      return found
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (!(error instanceof AssertionError || isMissing) || performance.now() > endsAt) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
