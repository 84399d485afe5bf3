/** Failures of SQLite and of the system as the store's own, and how they pass from the worker to the other thread. */
import { PermanentError } from '../../service.ts'
import { StoreError, type StoreErrorCode } from '../mail-store.ts'
import type { Failure } from './requests.ts'

/** SQLite's primary result codes (sqlite.org/rescode.html) that say something about the store rather than about a statement. */
const sqliteCodes: Readonly<Record<number, StoreErrorCode>> = {
  5: 'locked', // BUSY
  6: 'locked', // LOCKED
  8: 'damaged', // READONLY
  10: 'damaged', // IOERR
  11: 'damaged', // CORRUPT
  13: 'full', // FULL
  14: 'damaged', // CANTOPEN
  26: 'damaged', // NOTADB
}

const systemCodes: Readonly<Record<string, StoreErrorCode>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  ENOENT: 'damaged',
  ENOTDIR: 'damaged',
  EACCES: 'damaged',
  EPERM: 'damaged',
  EROFS: 'damaged',
  EIO: 'damaged',
  EMFILE: 'damaged',
  ENFILE: 'damaged',
}

/** One text for each code: what a client or an operator may read. */
const texts: Readonly<Record<StoreErrorCode, string>> = {
  full: 'no room for mail',
  'over-quota': 'the mailbox is full',
  locked: 'the mail store is busy',
  damaged: 'the mail store cannot be read or written',
  closed: 'the mail store is closed',
  missing: 'no such message',
}

/** A store error of this code, in its usual words. */
export const storeError = (code: StoreErrorCode, options?: ErrorOptions): StoreError => new StoreError(code, texts[code], options)

/** Which failure of the store this error is, or null when it is none. */
export const codeOf = (error: unknown): StoreErrorCode | null => {
  if (error instanceof StoreError) return error.code
  if (!(error instanceof Error)) return null
  // The low byte is the primary code, the rest tells variants (IOERR_FSYNC, …).
  if ('errcode' in error && typeof error.errcode === 'number') return sqliteCodes[error.errcode & 0xff] ?? null
  if ('code' in error && typeof error.code === 'string') return systemCodes[error.code] ?? null
  return null
}

/** Whether it tells of damage: of pages that cannot be read, or of an integer past all that ours can be (`node:sqlite`), which nobody wrote. */
export const isDamage = (error: unknown): boolean =>
  codeOf(error) === 'damaged' || (error instanceof RangeError && 'code' in error && error.code === 'ERR_OUT_OF_RANGE')

const causeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const detail = 'errcode' in error ? ` (SQLite ${error.errcode})` : ''
  return `${error.stack ?? error.message}${detail}`
}

/** The error as it goes to the other thread. */
export const toFailure = (error: unknown): Failure => {
  if (error instanceof PermanentError) return { code: 'permanent', message: error.message, cause: causeOf(error) }
  const code = codeOf(error)
  if (error instanceof StoreError) return { code, message: error.message, cause: causeOf(error) }
  return { code, message: code === null ? 'the mail store failed' : texts[code], cause: causeOf(error) }
}

/** The error as it is thrown on the other thread. @param again the trouble is known */
export const fromFailure = ({ code, message, cause }: Failure, again = false): Error => {
  if (code === null) return new Error(message, { cause })
  if (code === 'permanent') return new PermanentError(message, { cause })
  return new StoreError(code, message, { cause, again })
}
