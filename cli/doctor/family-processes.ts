/** The processes of a data folder's family as Linux shows them in /proc; elsewhere there are none to be seen. */
import { readdirSync, readFileSync } from 'node:fs'

/** One of them. */
export interface FamilyProcess {
  readonly pid: number
  readonly parent: number
  /** `R`, `S`, `D`, `T`, …: proc_pid_stat(5). */
  readonly state: string
  /** `supervisor`, or the service that it serves. */
  readonly role: string
}

/** How a child, or a runner, is started: of this installation or of another one. */
const program = /[/\\]host[/\\](?:main|runner)\.[jt]s$/

/** Whether this command line is that of a child of a supervisor of this data folder. */
export const isOfFamily = (data: string, args: readonly string[]): boolean =>
  args.includes(`--data=${data}`) && args.some((arg) => program.test(arg))

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Processes come and go while we look, and other systems have no /proc: both mean "not there".
    return ''
  }
}

const pids = (): number[] => {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

/** State and parent of a process; null when it is gone. */
export const stateOf = (pid: number): { readonly state: string; readonly parent: number } | null => {
  const text = read(`/proc/${pid}/stat`)
  // The name before it is in parentheses and may hold any character.
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return text === '' || state === undefined ? null : { state, parent: Number(parent) }
}

/** All children of supervisors of a data folder, living and dead ones. */
export const childrenOf = (data: string): readonly FamilyProcess[] =>
  pids().flatMap((pid) => {
    const args = read(`/proc/${pid}/cmdline`).split('\0')
    if (!isOfFamily(data, args)) return []
    const state = stateOf(pid)
    const at = args.findIndex((arg) => program.test(arg))
    return state === null ? [] : [{ pid, ...state, role: args[at + 1] ?? 'a service' }]
  })
