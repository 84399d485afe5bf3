/**
 * Start and memory of the idle family, as a user starts it: `bin/havre.js start` on the built program. Prints the time to the
 * line `ready`, on an empty data folder and on one that is there, and the memory of every process.
 *
 * PSS (proportional set size) is the honest figure for a family: pages that processes share are counted once. Linux only.
 * HAVRE_TEST_OLD_NODE names an older Node (v20) to start the launcher under, as on a machine whose own Node does not fit.
 */
import { spawn } from 'node:child_process'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { familyArgs } from '../test/kit/family.ts'
import { temporaryFolder } from '../test/kit/folder.ts'
import { conditions, percentile } from './kit/figures.ts'
import { type Memory, memoryOf, processTree, showMiB } from './kit/processes.ts'

const runs = 5
const settleMs = 3_000
const launcher = fileURLToPath(new URL('../bin/havre.js', import.meta.url))
const node = process.env['HAVRE_TEST_OLD_NODE'] ?? process.execPath

const start = async (args: readonly string[], whenReady: (pid: number) => Promise<void>): Promise<number> => {
  const from = performance.now()
  const child = spawn(node, [launcher, 'start', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const readyMs = await new Promise<number>((resolve, reject) => {
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += String(chunk)
      if (/^ready$/m.test(output)) resolve(performance.now() - from)
    })
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${output}`)))
  })
  try {
    await whenReady(child.pid ?? 0)
  } finally {
    child.kill('SIGTERM')
    await ended
  }
  return readyMs
}

const show = (values: readonly number[]): string =>
  `${Math.min(...values).toFixed(0)} / ${percentile(values, 0.5).toFixed(0)} / ${Math.max(...values).toFixed(0)} ms`

console.log(conditions())
const first: number[] = []
const again: number[] = []
let processes: Memory[] = []
for (let run = 0; run < runs; run++) {
  await using folder = await temporaryFolder()
  const args = familyArgs(folder)
  first.push(await start(args, async () => undefined))
  again.push(
    await start(args, async (pid) => {
      if (run < runs - 1) return
      await sleep(settleMs)
      processes = processTree(pid).map(memoryOf)
    }),
  )
}
const sum = (of: (each: Memory) => number) => processes.reduce((total, each) => total + of(each), 0)
console.log(`start to ready, empty data folder (min / median / max of ${runs}): ${show(first)}`)
console.log(`start to ready, the second time    (min / median / max of ${runs}): ${show(again)}`)
console.log(`idle family after ${settleMs / 1_000} s, MiB:  PSS  private`)
for (const { name, pssKiB, privateKiB } of processes)
  console.log(`  ${name.padEnd(12)} ${showMiB(pssKiB).padStart(18)} ${showMiB(privateKiB).padStart(8)}`)
console.log(
  `  ${'all'.padEnd(12)} ${showMiB(sum(({ pssKiB }) => pssKiB)).padStart(18)} ${showMiB(sum(({ privateKiB }) => privateKiB)).padStart(8)}`,
)
