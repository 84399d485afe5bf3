/** POP3's events: one function a kind. */

import type { Log } from '../../shared/log/log.ts'
import type { StoreError, StoreErrorCode } from '../../shared/mail/mail-store.ts'
import type { Ending } from '../../shared/service.ts'
import type { Closing, Tally } from './session.ts'

/** How the password came. */
export type Method = 'USER' | 'PLAIN' | 'SCRAM-SHA-256'

/** Why a login was refused. */
export type LoginRefusal = 'credentials' | 'blocked' | 'too-soon' | 'in-use' | 'needs-tls' | 'authorization' | 'desk' | 'store'

/** An account logged in and holds its mailbox. */
export const loginAccepted = (log: Log, method: Method, messages: number, octets: number): void =>
  log.write('info', 'pop3.login.accepted', { method, messages, octets })

/** Names of accounts are shorter; a client may send what it likes. */
const shownNameLength = 100

/** A login was refused. @param name as the client wrote it; undefined where it was not asked for */
export const loginRefused = (log: Log, method: Method | undefined, reason: LoginRefusal, name?: string): void =>
  log.write('warn', 'pop3.login.refused', { method, reason, name: name?.slice(0, shownNameLength) })

/** A client is gone or was told to go: what it fetched and removed. */
export const sessionEnded = (
  log: Log,
  reason: Closing | Ending | 'failed',
  tally: Tally,
  commands: number,
  durationMs: number,
): void => log.write('info', 'pop3.session.ended', { reason, ...tally, commands, durationMs: Math.round(durationMs) })

/** A client went over a limit of the protocol. */
export const limitReached = (log: Log, limit: string, value: number): void =>
  log.write('warn', 'pop3.limit.reached', { limit, value })

/** The store failed under this command; of trouble that lasts the first failure is told. */
export const storeFailed = (log: Log, command: string, code: StoreErrorCode, error: StoreError): void => {
  if (!error.again)
    log.write('error', 'pop3.store.failed', { command, code, error: error.message, cause: String(error.cause ?? '') })
}
