import { lockHolder } from '../../servers/supervisor/lock.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient } from './check.ts'
import { childrenOf, type FamilyProcess, stateOf } from './family-processes.ts'

const isStopped = (state: string): boolean => state === 'T' || state === 't'

const stopped = (role: string, pid: number, service: string | null): Finding =>
  found('problem', `${role} (pid ${pid}) was stopped by a signal and does nothing`, `Let it go on: kill -CONT ${pid}`, service)

/** The process that has the data folder's lock, or null. */
const holderOfLock = (data: string): number | null => {
  try {
    return lockHolder(data)
  } catch (error) {
    // No lock was ever taken there, or the list of locks is not to be read.
    if (codeOf(error) === '') throw error
    return null
  }
}

const leftOver = ({ role, pid }: FamilyProcess): Finding =>
  found(
    'warning',
    `${role} (pid ${pid}) is left over from a Havre that is gone`,
    `It ends by itself within some seconds; if it stays, end it: kill ${pid}, at last kill -9 ${pid}`,
    role,
  )

const look = async ({ seen, configuration }: Patient): Promise<Finding[]> => {
  const { data } = configuration.settings
  const supervisor = seen.kind === 'running' ? seen.status.supervisor.pid : holderOfLock(data)
  const state = supervisor === null ? null : stateOf(supervisor)
  const children = childrenOf(data).filter(({ state }) => state !== 'Z')
  const findings = [
    ...(supervisor !== null && state !== null && isStopped(state.state) ? [stopped('the supervisor', supervisor, null)] : []),
    ...children.filter(({ state }) => isStopped(state)).map(({ role, pid }) => stopped(role, pid, role)),
    ...children.filter(({ parent }) => parent !== supervisor).map(leftOver),
  ]
  return findings.length > 0 ? findings : [ok(`nothing is stopped or left over (${children.length} processes of services)`)]
}

/** Processes of the family that were stopped, and those that an earlier family left. */
export const processes: Check = { name: 'processes', ofServices: true, look }
