/** How many connections fit into the open files that the system allows a process. Node raises its own limit as far as it may. */
import { readFileSync } from 'node:fs'
import type { ConfiguredService } from '../../shared/config/settings.ts'

/** A conversation may have a file, a data connection and an upstream beside its own socket. */
const perConnection = 2

/** What a process needs for itself: its program, databases, journals; and for those whom it turns away with a word. */
const own = 64 + 64

/** The limit of open files of a process, or null where the system does not tell. @see proc_pid_limits(5) */
export const descriptorLimit = (pid: number | 'self'): number | null => {
  try {
    const line = /^Max open files\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))
    return line === null ? null : line[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line[1])
  } catch (error) {
    // Processes come and go, other users' are closed to us, other systems have no /proc: all mean "not known".
    if (error instanceof Error && 'code' in error) return null
    throw error
  }
}

/** Open files that so many connections need. */
export const descriptorsFor = (connections: number): number => connections * perConnection + own

/**
 * Of the connections that a service may have those that fit: without a descriptor left, a client would be cut off without a word.
 * At least one.
 */
export const fittingConnections = ({ limits, external }: ConfiguredService, limit = descriptorLimit('self')): number =>
  limit === null || external !== null
    ? limits.connections
    : Math.min(limits.connections, Math.max(1, Math.floor((limit - own) / perConnection)))

/** What to tell at the start where they do not fit, as sentences for people. */
export const descriptorProblems = (services: readonly ConfiguredService[], limit = descriptorLimit('self')): readonly string[] =>
  services.flatMap((service) => {
    const fitting = fittingConnections(service, limit)
    const { name, enabled, limits } = service
    if (!enabled || fitting >= limits.connections) return []
    const needed = descriptorsFor(limits.connections)
    return [`${name} takes ${fitting} connections, not ${limits.connections}: that needs ulimit -n ${needed}, and it is ${limit}`]
  })
