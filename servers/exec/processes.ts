/** Processes of the system as Linux shows them in /proc: which belong together, and how they are ended for good. */
import { readdirSync, readFileSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process, told apart from a later one that got its number. */
export interface Mark {
  readonly pid: number
  /** In the system's own ticks; empty where the system does not tell. */
  readonly startTime: string
}

/** The first process of a program. */
export interface Root extends Mark {
  /** What all that it starts inherits, as the variable `HAVRE_PROGRAM`, unless it is given another environment. */
  readonly tag: string
}

interface Row extends Mark {
  readonly parent: number
  readonly group: number
  readonly session: number
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Processes come and go while we look, and other systems have no /proc: both mean "not there".
    return ''
  }
}

/** One process, also one of which only the exit code is left to be fetched; null when it is gone. @see proc_pid_stat(5) */
const statOf = (pid: number): (Row & { readonly isOver: boolean; readonly isStopped: boolean }) | null => {
  const text = read(`/proc/${pid}/stat`)
  // The name before it is in parentheses and may hold any character.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent, group, session] = fields
  if (text === '') return null
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startTime: fields[19] ?? '',
    isOver: state === 'Z' || state === 'X',
    isStopped: state === 'T',
  }
}

/** One process that runs. */
const rowOf = (pid: number): Row | null => {
  const row = statOf(pid)
  return row === null || row.isOver ? null : row
}

const allRows = (): Row[] => {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (rowOf(Number(name)) ?? []) : []))
  } catch {
    // No /proc: nothing is known of any process.
    return []
  }
}

/** The process of this number as it is now; it may be over already. */
export const markOf = (pid: number): Mark => ({ pid, startTime: statOf(pid)?.startTime ?? '' })

/** Whether a process was given this tag. Of another user's only root can tell. */
const isTagged = (pid: number, tag: string): boolean => read(`/proc/${pid}/environ`).split('\0').includes(`HAVRE_PROGRAM=${tag}`)

/** Whether this very process still runs. */
export const isAlive = ({ pid, startTime }: Mark): boolean => rowOf(pid)?.startTime === startTime && startTime !== ''

/** Whether this very process is stopped: it runs on only when somebody sends it SIGCONT. One that a debugger holds is not. */
export const isStopped = ({ pid, startTime }: Mark): boolean => {
  const row = statOf(pid)
  return row?.isStopped === true && row.startTime === startTime
}

/** The parent of a process that runs, or null. */
export const parentOf = (pid: number): number | null => rowOf(pid)?.parent ?? null

/**
 * A program with all that belongs to it: its process group, its session, and whatever descends from these or from processes that
 * are known to have been its own. What left group and session and lost its parent is known by its tag.
 * @param tag null: such processes are not looked for, which costs one more file for each process of the system
 */
export const familyOf = (
  { tag, ...root }: Mark & { readonly tag: string | null },
  known: readonly Mark[] = [],
): readonly Mark[] => {
  const rows = allRows()
  const owner = rows.find(({ pid }) => pid === root.pid)
  // Another process has the number by now: then its group is not ours either.
  const isReused = owner !== undefined && owner.startTime !== root.startTime
  const isKnown = (row: Row) => known.some(({ pid, startTime }) => pid === row.pid && startTime === row.startTime)
  const found = new Map<number, Row>()
  for (const row of rows) {
    const isOwn = isKnown(row) || (!isReused && [row.pid, row.group, row.session].includes(root.pid))
    if (isOwn || (tag !== null && isTagged(row.pid, tag))) found.set(row.pid, row)
  }
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const row of rows) if (found.has(row.parent)) found.set(row.pid, row)
  }
  return [...found.values()].map(({ pid, startTime }) => ({ pid, startTime }))
}

/** Sends a signal to each that still runs. */
export const signalAll = (marks: readonly Mark[], signal: NodeJS.Signals): void => {
  for (const mark of marks) if (isAlive(mark)) send(mark.pid, signal)
}

/** Sends a signal to a process, or (by a negative number) to a group; one that is gone misses it. */
export const send = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    // Not ours to signal: it has changed its user and ends by its own means, or not at all.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}

const againMs = 20
/** What was started while the others were killed is found in the next round. */
const rounds = 50

/** Ends a program with all that belongs to it; resolves when nothing of it is left. */
export const killFamily = async (root: Root, known: readonly Mark[] = []): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    const left = killNow(root, known)
    if (left === 0) return
    await sleep(againMs)
  }
}

/** The same without waiting. @returns how many were left to be killed */
export const killNow = (root: Root, known: readonly Mark[] = []): number => {
  // Where there is no /proc, the group is all that is known.
  if (root.startTime === '') {
    send(-root.pid, 'SIGKILL')
    return 0
  }
  const left = familyOf(root, known)
  signalAll(left, 'SIGKILL')
  return left.length
}

/** Resident memory of a program with all that belongs to it, in octets; what its processes share counts for each of them. */
export const memoryOf = (root: Mark): number =>
  familyOf({ ...root, tag: null }).reduce((sum, { pid }) => {
    const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`)) ?? []
    return sum + Number(kibibytes) * 1024
  }, 0)
