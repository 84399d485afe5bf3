/** What the system says of a path, as advice for whoever named it. */
import { PermanentError } from '../../shared/service.ts'
import { quoted } from './printing.ts'

/** Trying again does not help. */
const permanent: Readonly<Record<string, string>> = {
  EACCES: 'may not be used by this user (as root, Havre works as its own user)',
  EPERM: 'may not be used by this user (as root, Havre works as its own user)',
  EROFS: 'is on a file system that is read only',
  ENOENT: 'is not there, or a folder above it is not',
  ENOTDIR: 'is below something that is no folder',
  EISDIR: 'is a folder',
  ENAMETOOLONG: 'is too long a name for this file system',
  ELOOP: 'leads in a circle of links',
}

/** And these may be over in a while. */
const temporary: Readonly<Record<string, string>> = {
  ENOSPC: 'cannot be written: the disk is full',
  EDQUOT: 'cannot be written: the quota of this user is used up',
  EMFILE: 'cannot be opened: this process has too many files open',
  EIO: 'cannot be read or written: the disk reports an error',
}

/** What to say instead of an error of the system; any other error as it is. @param path what was worked on, where it does not say */
export const explanationOf = (error: unknown, path: string): unknown => {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return error
  const which = 'path' in error && typeof error.path === 'string' ? error.path : path
  const lasting = permanent[error.code]
  if (lasting !== undefined) return new PermanentError(`${quoted(which)} ${lasting}`, { cause: error })
  const passing = temporary[error.code]
  return passing === undefined ? error : new Error(`${quoted(which)} ${passing}`, { cause: error })
}

/** Does work on files at a path. @throws {PermanentError} and Errors that say what is wrong with it */
export const explained = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw explanationOf(error, path)
  }
}
