/**
 * `npm test`: builds dist/, then runs mocha on the built program. What the command line adds narrows it: a folder
 * (`npm test -- test/pop3`), a file, or options of mocha (`npm test -- --grep DELE`).
 */
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
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

const isFolder = (name) => statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false
const given = process.argv.slice(2).map((name) => (isFolder(name) ? `${name.replace(/\/$/, '')}/**/*.test.ts` : name))
// Without a file or folder among them: all tests, several files at once. Two at least: much of it is waiting for other programs.
const jobs = Math.min(8, Math.max(2, availableParallelism()))
const all = given.some((name) => name.endsWith('.test.ts')) ? [] : ['--parallel', '--jobs', String(jobs), 'test/**/*.test.ts']

run('scripts/build.js')
run('node_modules/mocha/bin/mocha.js', ...given, ...all)
