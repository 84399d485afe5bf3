/** FTP's events: one function a kind. */
import type { Log } from '../../shared/log/log.ts'

/** Names that clients try may be of any length. */
const shownNameLength = 64

/** Somebody logged in. */
export const loginAccepted = (log: Log, account: string, secure: boolean): void =>
  log.write('info', 'ftp.login.accepted', { account, secure })

/** A login was refused: wrong, its address blocked, in clear where that is not taken, or the desk did not answer. */
export const loginRefused = (log: Log, name: string, reason: 'wrong' | 'blocked' | 'in-clear' | 'no-desk' | 'no-home'): void =>
  log.write('warn', 'ftp.login.refused', { name: name.slice(0, shownNameLength), reason })

/** A file went up or down, whole or not. `why`: the end of one that is not. */
export const transferred = (
  log: Log,
  transfer: {
    readonly direction: 'upload' | 'download'
    readonly file: string
    readonly type: string
    readonly octets: number
    readonly durationMs: number
    readonly complete: boolean
    readonly why: string | null
  },
): void => log.write(transfer.complete ? 'info' : 'warn', 'file.transferred', transfer)

/** A folder's list was sent. */
export const listed = (log: Log, folder: string, octets: number, durationMs: number, complete: boolean): void =>
  log.write('info', 'folder.listed', { folder, octets, durationMs, complete })

/** A file was removed. */
export const fileRemoved = (log: Log, file: string): void => log.write('info', 'file.removed', { file })

/** The time of modification of a file or folder was set. */
export const timeSet = (log: Log, file: string, ms: number): void =>
  log.write('info', 'file.time-set', { file, modified: new Date(ms).toISOString() })

/** The permissions of a file or folder were set. */
export const modeSet = (log: Log, file: string, mode: number): void =>
  log.write('info', 'file.mode-set', { file, mode: mode.toString(8).padStart(3, '0') })

/** A hash of a file, or of a part of it, was told, or its making broken off. */
export const hashed = (
  log: Log,
  hashing: {
    readonly file: string
    readonly hash: string
    readonly octets: number
    readonly durationMs: number
    readonly complete: boolean
  },
): void => log.write('info', 'file.hashed', hashing)

/** A file or folder got another name. */
export const renamed = (log: Log, from: string, to: string): void => log.write('info', 'file.renamed', { from, to })

/** A folder was made. */
export const folderMade = (log: Log, folder: string): void => log.write('info', 'folder.made', { folder })

/** A folder was removed. */
export const folderRemoved = (log: Log, folder: string): void => log.write('info', 'folder.removed', { folder })

/** A data connection is over: whose port it was, what went over it. */
export const dataClosed = (
  log: Log,
  data: {
    readonly mode: 'passive' | 'active'
    readonly address: string
    readonly direction: 'upload' | 'download' | 'list'
    readonly octets: number
    readonly complete: boolean
    readonly secure: boolean
  },
): void => log.write('debug', 'data.closed', data)

/** Somebody other than the client came to its passive port. */
export const stranger = (log: Log, address: string): void => log.write('warn', 'data.stranger', { address })

/** A data connection was encrypted, but not with the session of its control connection, as the setting dataTls wants it. */
export const dataNotResumed = (log: Log): void => log.write('warn', 'data.not-resumed')

/** No passive port was to be had: all are in use, or the system refused one (`error`: its code). */
export const noPort = (log: Log, error: string | null): void => log.write('error', 'data.no-port', { error })

/** A limit ended the session. */
export const limitReached = (log: Log, limit: string, value: number): void =>
  log.write('warn', 'ftp.limit.reached', { limit, value })

/** A command failed as nobody foresaw. */
export const failed = (log: Log, name: string, error: unknown): void =>
  log.write('error', 'ftp.command.failed', {
    command: name,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })

/** The file system refused for a reason of its own. */
export const storeFailed = (log: Log, name: string, code: string, error: unknown): void =>
  log.write('error', 'ftp.store.failed', {
    command: name,
    code,
    error: error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error),
  })

/** A session is over. */
export const sessionEnded = (
  log: Log,
  session: {
    readonly reason: string
    readonly commands: number
    readonly uploads: number
    readonly downloads: number
    readonly octetsIn: number
    readonly octetsOut: number
    readonly durationMs: number
  },
): void => log.write('info', 'ftp.session.ended', session)
