import { AssertionError } from 'chai'

/** Repeats a check until it holds: for what comes a moment after the reply, such as a line in a log. @throws what the last try threw */
export const eventually = async <T>(check: () => T | Promise<T>, deadlineMs = 5_000): Promise<T> => {
  const endsAt = performance.now() + deadlineMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (!(error instanceof AssertionError || isMissing) || performance.now() > endsAt) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
