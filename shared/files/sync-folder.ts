import { open } from 'node:fs/promises'
import process from 'node:process'

/** Makes durable which names a folder has: what was made, renamed or removed in it. Not for a sandboxed child, which may sync nothing. */
export const syncFolder = async (path: string): Promise<void> => {
  // Windows opens no folder, and needs no sync of one.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
