/**
 * `npm test`: builds dist/, then runs mocha on the built program. What the command line adds narrows it: a folder
 * (`npm test -- test/pop3`), a file, or options of mocha (`npm test -- --grep DELE`).
 */
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
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
// Without a file or folder among them: all tests.
const all = given.some((name) => name.endsWith('.test.ts')) ? [] : ['test/**/*.test.ts']

run('scripts/build.js')
run('node_modules/mocha/bin/mocha.js', ...given, ...all)
