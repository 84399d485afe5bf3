/** The events of logins: one function a kind. That one was taken, the record of its request tells. */
import type { Log } from '../../../shared/log/log.ts'

/** Names that clients try may be of any length. */
const shownNameLength = 64

/** A login that was not taken. */
export interface RefusedLogin {
  /** As the client wrote it; null: none was looked at. */
  readonly name: string | null
  readonly reason: 'refused' | 'blocked' | 'in-clear' | 'no-desk'
  /** Who tried, where a listed proxy passed it on. */
  readonly client: string | null
}

/** A login was refused: wrong, its address blocked, in clear where that is not taken, or the desk did not answer. */
export const refused = (log: Log, { name, reason, client }: RefusedLogin): void =>
  log.write('warn', 'web.login.refused', {
    name: name?.slice(0, shownNameLength),
    reason: reason === 'refused' ? 'wrong' : reason,
    ...(client === null ? {} : { client }),
  })
