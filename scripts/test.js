/**
 * `npm test`: builds dist/, then runs mocha on the built program. What the command line adds narrows it: a folder
 * (`npm test -- test/pop3`), a file, or options of mocha (`npm test -- --grep DELE`).
 *
 * `npm run test:long` (`--long`): the same with the tests that take minutes: `*.long.ts`, two files at a time, then `*.alone.ts`, one
 * after the other, as they measure what a load does to others.
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = (args, env = {}) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, HAVRE_TEST_BUILT: '1', ...env } })
    .status ?? 1

// Several files at once: much of a test is waiting for other programs. Two at least.
const manyJobs = Math.min(8, Math.max(2, availableParallelism()))
const everyday = [{ suffix: '.test.ts', jobs: manyJobs }]
const long = [
  { suffix: '.long.ts', jobs: 2 },
  { suffix: '.alone.ts', jobs: 1 },
]

const args = process.argv.slice(2)
const kinds = args.includes('--long') ? long : everyday
const given = args.filter((name) => name !== '--long')
const isFolder = (name) => statSync(join(root, name), { throwIfNoEntry: false })?.isDirectory() ?? false
const isPlace = (name) => isFolder(name) || name.endsWith('.ts')
const options = given.filter((name) => !isPlace(name))
const places = given.filter(isPlace)

/** The files of a kind: all, or those that the command line names. */
const filesOf = (suffix) => {
  const patterns = places.length === 0 ? ['test'] : places
  return patterns.flatMap((place) =>
    isFolder(place) ? globSync(`${place.replace(/\/$/, '')}/**/*${suffix}`, { cwd: root }) : place.endsWith(suffix) ? [place] : [],
  )
}

/** Runs what there is of a kind. @returns its exit code and counts */
const runKind = ({ suffix, jobs }, counts) => {
  const files = filesOf(suffix).sort()
  if (files.length === 0) return { status: 0, told: { passed: 0, failed: 0, skipped: 0, failing: [] } }
  // What was named by hand runs one after the other, as mocha's options of one file may ask for.
  const parallel = jobs > 1 && places.length === 0 ? ['--parallel', '--jobs', String(jobs)] : []
  const status = run(['node_modules/mocha/bin/mocha.js', ...options, ...parallel, ...files], { HAVRE_TEST_COUNTS: counts })
  try {
    return { status, told: JSON.parse(readFileSync(counts, 'utf8')) }
  } catch (error) {
    if (!(error instanceof SyntaxError) && error.code !== 'ENOENT') throw error
    // It ended before it could tell.
    return { status: status === 0 ? 1 : status, told: null }
  }
}

const built = run(['scripts/build.js'])
if (built !== 0) process.exit(built)
const folder = mkdtempSync(join(tmpdir(), 'havre-counts-'))
try {
  const outcomes = kinds.map((kind, index) => runKind(kind, join(folder, `${index}.json`)))
  const file = process.env['HAVRE_TEST_COUNTS']
  const told = outcomes.map((outcome) => outcome.told)
  if (file !== undefined && !told.includes(null)) {
    const sum = (name) => told.reduce((total, counts) => total + counts[name], 0)
    const failing = told.flatMap((counts) => counts.failing)
    writeFileSync(file, JSON.stringify({ passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped'), failing }))
  }
  process.exitCode = outcomes.find(({ status }) => status !== 0)?.status ?? 0
} finally {
  rmSync(folder, { recursive: true, force: true })
}
