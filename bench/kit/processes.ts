/** The processes of a family and their memory, as Linux tells them. */
import { readdirSync, readFileSync } from 'node:fs'

/** PSS (proportional set size) is the honest figure for a family: pages that processes share are counted once. */
export interface Memory {
  readonly name: string
  readonly rssKiB: number
  readonly pssKiB: number
  readonly privateKiB: number
}

const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )

/** The process and all below it, itself first. */
export const processTree = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(processTree)]

/** The service that it serves, or what else it is. */
const nameOf = (pid: number): string => {
  const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  const program = args.findIndex((arg) => /main\.[jt]s$|havre\.js$/.test(arg))
  if (args[program]?.includes('/host/')) return args[program + 1] ?? 'unknown'
  return args[program]?.endsWith('havre.js') ? 'launcher' : 'supervisor'
}

export const memoryOf = (pid: number): Memory => {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kiB = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0)
  return {
    name: nameOf(pid),
    rssKiB: kiB('Rss'),
    pssKiB: kiB('Pss'),
    privateKiB: kiB('Private_Clean') + kiB('Private_Dirty'),
  }
}

export const showMiB = (kiB: number): string => (kiB / 1024).toFixed(1)
