/**
 * `npm run test:guards`: takes each guard of `test/guards` out of a copy of the project, and ends with 1 unless tests then fail.
 * `-- NAME…`: only guards whose name contains one of these words; `-- --list`: says which there are; `-- --verbose`: names all tests
 * that fail without them.
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Guard } from './guard.ts'
import { guards } from './registry.ts'
import { Tree } from './tree.ts'
import { Trials, type Verdict } from './trial.ts'

const project = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const args = process.argv.slice(2)
const words = args.filter((arg) => !arg.startsWith('--')).map((word) => word.toLowerCase())
const unknown = args.find((arg) => arg.startsWith('--') && arg !== '--list' && arg !== '--verbose')
if (unknown !== undefined) throw new Error(`there is no ${unknown}`)
const chosen = guards.filter(({ name }) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word)))

const tell = ({ name }: Guard, verdict: Verdict, ms: number): void => {
  const seconds = `${(ms / 1_000).toFixed(1)} s`
  if (verdict.kind === 'caught') {
    const tests = verdict.by.length === 1 ? '1 test' : `${verdict.by.length} tests`
    console.log(`caught   ${name}\n         by ${tests} (${seconds}), first: ${verdict.by[0]}`)
    if (args.includes('--verbose')) for (const title of verdict.by.slice(1)) console.log(`                        ${title}`)
  } else console.log(`${verdict.kind.padEnd(8)} ${name}\n         ${verdict.why} (${seconds})`)
}

const tryAll = async (): Promise<ReadonlyMap<Guard, Verdict>> => {
  const verdicts = new Map<Guard, Verdict>()
  const waiting = [...chosen]
  const before = new Map<string, ReturnType<Tree['test']>>()
  const work = async () => {
    await using tree = await Tree.copy(project)
    const trials = new Trials(tree, before)
    for (let guard = waiting.shift(); guard !== undefined; guard = waiting.shift()) {
      const from = performance.now()
      const verdict = await trials.try(guard)
      tell(guard, verdict, performance.now() - from)
      verdicts.set(guard, verdict)
    }
  }
  // Much of a trial is waiting for processes to start.
  const workers = Math.min(4, Math.max(2, availableParallelism()), waiting.length)
  await Promise.all(Array.from({ length: workers }, work))
  return verdicts
}

if (args.includes('--list')) {
  for (const { name, file } of chosen) console.log(`${name}  (${file})`)
} else if (chosen.length === 0) {
  console.error(`No guard is called ${words.join(' or ')}; \`npm run test:guards -- --list\` says which there are.`)
  process.exitCode = 1
} else {
  const verdicts = await tryAll()
  const count = (kind: Verdict['kind']) => [...verdicts.values()].filter((verdict) => verdict.kind === kind).length
  const told = { passed: count('caught'), failed: count('missed'), skipped: count('skipped') }
  console.log(`${told.passed} guards caught, ${told.failed} missed, ${told.skipped} skipped`)
  const file = process.env['HAVRE_TEST_COUNTS']
  const failing = chosen.filter((guard) => verdicts.get(guard)?.kind === 'missed').map(({ name }) => name)
  if (file !== undefined) writeFileSync(file, JSON.stringify({ ...told, failing }))
  if (told.failed > 0) process.exitCode = 1
}
