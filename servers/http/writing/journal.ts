/** The events of what HTTP changes: one function a kind. Each is on record before the client hears of it. */
import type { Log } from '../../../shared/log/log.ts'

/** A change that an account asked for: the path is that of the URL. */
export interface Change {
  readonly account: string
  readonly path: string
  /** The request's id. */
  readonly request: string
}

/** A file came in by PUT, whole; it is new, or replaced another one. */
export const stored = (
  log: Log,
  change: Change & { readonly octets: number; readonly created: boolean; readonly durationMs: number },
): void => log.write('info', 'web.file.stored', { ...change })

/** A file was not stored: the client broke off, sent too much, or there was no room. What was there before is as it was. */
export const notStored = (log: Log, change: Change & { readonly octets: number; readonly reason: string }): void =>
  log.write('warn', 'web.file.not-stored', { ...change })

/** A file was removed. */
export const fileRemoved = (log: Log, change: Change): void => log.write('info', 'web.file.removed', { ...change })

/** A folder was made. */
export const folderMade = (log: Log, change: Change): void => log.write('info', 'web.folder.made', { ...change })

/** A folder was removed. */
export const folderRemoved = (log: Log, change: Change): void => log.write('info', 'web.folder.removed', { ...change })
