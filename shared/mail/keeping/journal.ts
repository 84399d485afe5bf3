/** The housekeeping's events: one function a kind. */
import type { Log } from '../../log/log.ts'
import { StoreError } from '../mail-store.ts'
import type { Made } from './index-database.ts'
import type { LeftOut } from './steps.ts'

/** Messages were removed from a mailbox, since `mail.retention` says so: how many, and their octets. */
export const expired = (log: Log, account: string, messages: number, octets: number): void =>
  log.write('info', 'mail.expired', { account, messages, octets })

/** Messages came into the index, so that `havre mail search` finds them; how many were removed from it is not counted. */
export const indexed = (log: Log, messages: number, durationMs: number): void =>
  log.write('debug', 'mail.indexed', { messages, durationMs: Math.round(durationMs) })

/** The index was made: there was none, or (`warn`) the one that there was could not be used, and all mail is indexed again. */
export const indexMade = (log: Log, why: Made): void => log.write(why === 'missing' ? 'info' : 'warn', 'mail.index.made', { why })

/** A message is not in the index: it is damaged, or it twice ended the thread that took it apart. It can be read as ever. */
export const leftOut = (log: Log, message: number, why: LeftOut): void => log.write('warn', 'mail.index.left-out', { message, why })

/** The thread of the housekeeping died, and nothing with it; it is started again. */
export const died = (log: Log, error: Error): void => log.write('warn', 'mail.keeping.died', { error: error.message })

/** The housekeeping cannot do its work; it tries again after some minutes. */
export const failed = (log: Log, error: unknown): void =>
  log.write('error', 'mail.keeping.failed', {
    code: error instanceof StoreError ? error.code : null,
    error: error instanceof Error ? error.message : String(error),
  })
