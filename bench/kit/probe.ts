/**
 * How late the event loop of each process of a family is, and what CPU it takes, measured within the processes as they really
 * run: sandboxed, built, unchanged. A preload that comes with NODE_OPTIONS measures; on SIGUSR2 it tells what was since the last one.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Family } from '../../test/kit/family.ts'
import { preloading } from './preload.ts'

/** One process, since it was asked before. Times are of the thread that serves the sockets, but for `cpuMs`. */
export interface Told {
  readonly name: string
  /** By how much a timer came too late. */
  readonly lateMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** The most that the thread itself computed between two ticks: the rest of a delay it waited for a core, or for the disk. */
  readonly longestWorkMs: number
  readonly mainCpuMs: number
  /** Of all threads. */
  readonly cpuMs: number
}

// Runs in every process, before the program; a worker's thread serves no sockets. The histogram holds the times between two
// ticks of a timer of 1 ms, hence the 1 that is taken off.
const preload = `
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'
import { writeSync } from 'node:fs'
if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let cpu = process.cpuUsage()
  let mainCpu = process.threadCpuUsage()
  const late = (ns) => Math.max(0, ns / 1e6 - 1)
  const ms = ({ user, system }) => (user + system) / 1000
  let longestWorkMs = 0
  let tick = process.threadCpuUsage()
  setInterval(() => {
    const now = process.threadCpuUsage()
    longestWorkMs = Math.max(longestWorkMs, ms(now) - ms(tick))
    tick = now
  }, 1).unref()
  process.on('SIGUSR2', () => {
    const lateMs = { p50: late(delay.percentile(50)), p99: late(delay.percentile(99)), max: late(delay.max) }
    const cpuMs = ms(process.cpuUsage(cpu))
    const told = { probe: process.pid, lateMs, longestWorkMs, cpuMs, mainCpuMs: ms(process.threadCpuUsage(mainCpu)) }
    writeSync(2, JSON.stringify(told) + '\\n')
    delay.reset()
    longestWorkMs = 0
    cpu = process.cpuUsage()
    mainCpu = process.threadCpuUsage()
  })
}`

/** A process whose event loop is blocked for longer does not tell. */
const tellMs = 10_000

/** What the environment of a family must hold for `tellAll`. */
export const probeEnvironment = preloading(preload)

/** The names and pids of those that live. */
export const members = async (family: Family): Promise<Map<number, string>> => {
  const { supervisor, services } = await family.status()
  const children = services.flatMap(({ name, pid }): [number, string][] => (pid === null ? [] : [[pid, name]]))
  return new Map([[supervisor.pid, 'supervisor'], ...children])
}

/** Asks every process; what follows counts from here. */
export const tellAll = async (family: Family, of: ReadonlyMap<number, string>): Promise<readonly Told[]> => {
  const before = family.output().length
  for (const pid of of.keys()) process.kill(pid, 'SIGUSR2')
  const lines = () =>
    [
      ...family
        .output()
        .slice(before)
        .matchAll(/^(\{"probe":.*\})\n/gm),
    ].map(([, line]) => line ?? '')
  const deadline = performance.now() + tellMs
  while (lines().length < of.size) {
    if (performance.now() > deadline) throw new Error(`of ${of.size} processes ${lines().length} told their figures`)
    await sleep(10)
  }
  return lines().map((line) => {
    const { probe, ...figures } = JSON.parse(line)
    return { name: of.get(probe) ?? String(probe), ...figures }
  })
}

/** A line a process; the idle ones show what the machine's own noise is. */
export const showTold = (told: readonly Told[], seconds: number): string => {
  const number = (ms: number) => ms.toFixed(1).padStart(9)
  const share = (ms: number) => `${((ms / seconds / 1000) * 100).toFixed(0)} %`.padStart(9)
  const rows = told
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .map(
      ({ name, lateMs: { p50, p99, max }, longestWorkMs, mainCpuMs, cpuMs }) =>
        `  ${name.padEnd(12)}${number(p50)}${number(p99)}${number(max)}${number(longestWorkMs)}${share(mainCpuMs)}${share(cpuMs)}`,
    )
  return ['  event loop late, ms:  p50      p99    worst own work      CPU  all threads', ...rows].join('\n')
}
