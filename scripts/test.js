/**
 * `npm test`: builds dist/, then runs mocha on the built program. What the command line adds narrows it: a folder
 * (`npm test -- test/pop3`), a file, or options of mocha (`npm test -- --grep DELE`).
 *
 * `npm run test:long` (`--long`): the same with the tests that take minutes, `*.long.ts`, one file after the other.
 */
import { spawnSync } from 'node:child_process'
import { globSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = (...args) => {
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, HAVRE_TEST_BUILT: '1' },
  })
  if (status !== 0) process.exit(status ?? 1)
}

const args = process.argv.slice(2)
const long = args.includes('--long')
const suffix = long ? '.long.ts' : '.test.ts'
const isFolder = (name) => statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false
const given = args
  .filter((name) => name !== '--long')
  .map((name) => (isFolder(name) ? `${name.replace(/\/$/, '')}/**/*${suffix}` : name))
// Several files at once: much of a test is waiting for other programs. Two at least.
const jobs = Math.min(8, Math.max(2, availableParallelism()))
// Without a file or folder among them: all tests. Long ones put load on the machine: each has it for itself.
const all = given.some((name) => name.endsWith(suffix))
  ? []
  : [...(long ? [] : ['--parallel', '--jobs', String(jobs)]), `test/**/*${suffix}`]

if (long && globSync(`test/**/*${suffix}`, { cwd: root }).length === 0) {
  // mocha would call that an error; a project without long tests is none.
  const counts = process.env['HAVRE_TEST_COUNTS']
  if (counts !== undefined) writeFileSync(counts, JSON.stringify({ passed: 0, failed: 0, skipped: 0 }))
  console.log('There are no long tests.')
  process.exit(0)
}

run('scripts/build.js')
run('node_modules/mocha/bin/mocha.js', ...given, ...all)
