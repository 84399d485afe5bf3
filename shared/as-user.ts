/** Root's way into folders that are somebody else's. */
import process from 'node:process'

/** Whom to be, by number. */
export interface Identity {
  readonly uid: number
  readonly gid: number
}

/**
 * Does something with files as their user where we are root: what his folders hold may be links to what only root may touch. Signals are
 * not kept from anybody by it (kill(2) goes by the real user too). The work is done at once: it must not leave anything to be awaited.
 * @param user null: as we are
 */
export const asUser = <T>(user: Identity | null, work: () => T): T => {
  if (user === null || user.uid === 0 || process.getuid?.() !== 0) return work()
  const groups = process.getgroups?.() ?? []
  process.setgroups?.([user.gid])
  process.setegid?.(user.gid)
  process.seteuid?.(user.uid)
  try {
    return work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
    process.setgroups?.(groups)
  }
}
