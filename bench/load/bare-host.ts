/** What a host needs that serves for a benchmark only. */
import type { Limits } from '../../shared/config/settings.ts'
import type { Journal } from '../../shared/log/journal.ts'
import type { Log } from '../../shared/log/log.ts'

const log: Log = { write: () => undefined, with: () => log, keeps: () => false }

/** A journal that keeps nothing: what it costs is not what is measured. */
export const forgetfulJournal: Journal = {
  log,
  lines: () => ({ write: () => undefined }),
  health: { ok: true, error: null, dropped: 0 },
  reopen: () => undefined,
  moveTo: () => undefined,
  keepFrom: () => undefined,
  settle: () => undefined,
  flush: async () => undefined,
  close: async () => undefined,
}

/** Limits that no load meets. */
export const wideLimits: Limits = {
  connections: 1_000,
  connectionsPerAddress: 1_000,
  connectionsPerSecond: null,
  idleMs: 60_000,
  handshakeMs: 10_000,
  loginMs: null,
  totalMs: null,
  memoryOctets: 16 * 2 ** 20,
}
