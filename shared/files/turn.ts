/** Whose turn it is to change a file, where somebody looks at files before a change: nobody comes in between. */
import { refusal } from './file-failure.ts'
import { resolvePath } from './resolve-path.ts'

/** Waits until nobody else changes what is at a path, by whichever process; the next one may when what it resolves with is disposed of. */
export type TakeTurn = (path: string) => Promise<Disposable>

const nobodys: Disposable = { [Symbol.dispose]: () => undefined }

/**
 * Takes the turns of all these paths, in one order whoever asks, so that no two wait for each other.
 * @param take null: nobody asks for turns
 * @throws {FileError} busy: the turn did not come, or nobody could be asked
 */
export const turnAt = async (take: TakeTurn | null, ...paths: readonly string[]): Promise<Disposable> => {
  if (take === null) return nobodys
  using turns = new DisposableStack()
  // One name for all ways to write a path.
  const names = new Set(paths.map((path) => `/${resolvePath(path).join('/')}`))
  try {
    for (const name of [...names].toSorted()) turns.use(await take(name))
  } catch (cause) {
    throw refusal('busy', { cause })
  }
  return turns.move()
}
