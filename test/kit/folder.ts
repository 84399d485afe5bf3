import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of its own for one test; `await using` removes it with all that is in it. */
export interface TemporaryFolder extends AsyncDisposable {
  /** Absolute, links resolved. */
  readonly path: string
  /** Absolute path of something in it. */
  at(...names: string[]): string
  /** Removes it; twice is harmless. */
  remove(): Promise<void>
}

/** Makes an empty folder below the system's folder for temporary files. */
export const temporaryFolder = async (): Promise<TemporaryFolder> => {
  const path = await mkdtemp(join(await realpath(tmpdir()), 'havre-test-'))
  // A server that is just ending may still add a file while its folder is removed: tried again.
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  return { path, at: (...names) => join(path, ...names), remove, [Symbol.asyncDispose]: remove }
}
