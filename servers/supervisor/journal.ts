/** The supervisor's events: one function a kind. */
import type { LoginEvents } from '../../shared/accounts/login-desk.ts'
import type { Log } from '../../shared/log/log.ts'

/** The family starts. */
export const started = (log: Log, version: string, data: string): void => log.write('info', 'supervisor.started', { version, data })

/** A service went from one state to another. */
export const serviceChanged = (log: Log, name: string, from: string, to: string): void =>
  log.write('info', 'service.changed', { about: name, from, to })

/** A child ended that should not have. */
export const childDied = (log: Log, name: string, pid: number, why: string, nextTryMs: number | null): void =>
  log.write('error', 'service.died', { about: name, pid, why, nextTryMs: nextTryMs === null ? null : Math.round(nextTryMs) })

/** A new configuration is in force. */
export const reloaded = (log: Log, changes: readonly string[]): void => log.write('info', 'supervisor.reloaded', { changes })

/** A new configuration was wrong, or could not be put in force. */
export const notReloaded = (log: Log, why: string): void => log.write('error', 'supervisor.not-reloaded', { why })

/** The family ends. */
export const stopping = (log: Log, why: string): void => log.write('info', 'supervisor.stopping', { why })

/** All children are gone. */
export const stopped = (log: Log): void => log.write('info', 'supervisor.stopped')

/** A child's question met a failure of ours. */
export const deskFailed = (log: Log, name: string, call: string, error: unknown): void =>
  log.write('error', 'desk.failed', {
    about: name,
    call,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })

/** What the desk tells beside its answers. */
export const loginEvents = (log: Log): LoginEvents => ({
  /** Too many bad logins: the address is refused on all services for a while. */
  addressBlocked: ({ address, failures, blockMs, service }) =>
    log.write('warn', 'login.blocked', { address, failures, blockMs, about: service }),
  /** A password was hashed anew at its login, or keys of SCRAM were made of it, with what is asked of them now. */
  hashRenewed: ({ account }) => log.write('info', 'login.hash-renewed', { account }),
  /** It could not be: what was there stays, the next login tries again. */
  hashNotRenewed: ({ account, error }) => log.write('error', 'login.hash-not-renewed', { account, error: describe(error) }),
})

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

/** The local certificate was made, or renewed. @param authority whether the authority was too: clients have to trust it first */
export const certificateMade = (log: Log, names: readonly string[], until: Date, authority: boolean): void =>
  log.write('info', 'tls.certificate.made', { names: [...names], until: until.toISOString(), authority })

/** Other certificates are in force from now on. */
export const certificatesTaken = (log: Log, names: readonly string[]): void =>
  log.write('info', 'tls.certificate.taken', { names: [...names] })

/** New certificates cannot be used; the old ones stay in force. */
export const certificatesNotTaken = (log: Log, why: string): void => log.write('error', 'tls.certificate.not-taken', { why })

/** A certificate of the operator's is near its end, has expired, or is not valid yet. */
export const certificateDates = (log: Log, names: readonly string[], state: string, from: Date, until: Date): void =>
  log.write('warn', 'tls.certificate.dates', {
    names: [...names],
    state,
    from: from.toISOString(),
    until: until.toISOString(),
  })

/** A log was put away: it had grown large, or its day was over. */
export const logRotated = (log: Log, file: string, octets: number): void => log.write('debug', 'log.rotated', { file, octets })

/** The oldest of the logs that were put away had to go. */
export const logRemoved = (log: Log, file: string, octets: number): void => log.write('info', 'log.removed', { file, octets })

/** Logs cannot be put away, compressed or removed; it is tried again. */
export const logsNotRotated = (log: Log, error: unknown): void => log.write('error', 'log.not-rotated', { error: describe(error) })
