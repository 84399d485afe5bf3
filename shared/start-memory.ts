import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Taken at once: in a child nobody can have it any more when the server's code is loaded (`servers/host/seal.ts`). */
const setFlags = setFlagsFromString

/** By then a process that starts with others has loaded and compiled all that it will. */
const settledMs = 500

/**
 * Gives back, a moment after the start, what loading and compiling left behind: 2 to 5 MiB of each process, which V8 would keep
 * until some load makes it collect.
 */
export const giveBackStartMemory = (): void => {
  setTimeout(() => {
    setFlags('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    setFlags('--no-expose-gc')
    if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  }, settledMs).unref()
}
