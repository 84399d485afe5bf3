/** Files of `data/tls`: written whole and durably, under their name only when they are complete. */
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '../files/sync-folder.ts'

/** Only the owner may read a private key. */
export const keyMode = 0o600
export const keyFolderMode = 0o700
export const certificateMode = 0o644

/** Puts a file in the place of whatever has its name. */
export const replaceFile = async (path: string, content: string | Buffer, mode: number): Promise<void> => {
  const unfinished = `${path}.new`
  const file = await open(unfinished, 'w', mode)
  try {
    // One that a killed process left has the mode it was made with.
    await file.chmod(mode)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
  await syncFolder(dirname(path))
}
