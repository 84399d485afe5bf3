import { FileError, type FileErrorCode } from './file-store.ts'

const codes: Readonly<Record<string, FileErrorCode>> = {
  ENOENT: 'missing',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ELOOP: 'denied',
  EXDEV: 'denied',
  ENXIO: 'denied',
  ETXTBSY: 'denied',
  ERR_ACCESS_DENIED: 'denied',
  EEXIST: 'exists',
  ENOTEMPTY: 'not-empty',
  EISDIR: 'is-folder',
  ENOTDIR: 'not-folder',
  ENAMETOOLONG: 'bad-name',
  EINVAL: 'bad-name',
  EILSEQ: 'bad-name',
  ERR_INVALID_ARG_VALUE: 'bad-name',
  ENOSPC: 'full',
  EDQUOT: 'over-quota',
  EFBIG: 'full',
  EMFILE: 'too-many-open',
  ENFILE: 'too-many-open',
}

const texts: Record<FileErrorCode, string> = {
  missing: 'no such file or folder',
  denied: 'not permitted',
  exists: 'the name is taken',
  'not-empty': 'the folder is not empty',
  'is-folder': 'it is a folder',
  'not-folder': 'it is not a folder',
  'bad-name': 'not a possible name',
  'read-only': 'the access of this account does not allow it',
  'over-quota': 'the account holds as much as it may',
  full: 'no room left',
  'too-many-open': 'too many files are open',
  busy: 'it is being changed',
  failed: 'the file system failed',
}

/** The code of an error of the system, or undefined. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** An error of the system as the store tells it: its text holds no path of the disk, its cause does, for the journal. */
export const asFileError = (error: unknown): FileError => {
  if (error instanceof FileError) return error
  const code = codes[systemCode(error) ?? ''] ?? 'failed'
  return new FileError(code, texts[code], { cause: error })
}

/** A failure that the store itself finds. */
export const refusal = (code: FileErrorCode, options?: ErrorOptions): FileError => new FileError(code, texts[code], options)

/** Runs an operation; what it throws comes out as a `FileError`. */
export const guarded = async <T>(operation: () => Promise<T>): Promise<T> => {
  try {
    return await operation()
  } catch (error) {
    throw asFileError(error)
  }
}
