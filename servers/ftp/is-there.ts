import { FileError, type FileStore } from '../../shared/files/file-store.ts'

/**
 * Whether something has the name that a path of the home leads to. What cannot be seen has none here: what would replace it is refused
 * later.
 */
export const isThere = async (files: FileStore, path: string): Promise<boolean> => {
  try {
    await files.stat(path)
    return true
  } catch (error) {
    if (error instanceof FileError && error.code === 'missing') return false
    throw error
  }
}
