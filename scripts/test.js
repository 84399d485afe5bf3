/**
 * `npm test`: builds dist/, then runs mocha with what the command line adds (`npm test -- test/pop3`), on the built program.
 */
import { spawnSync } from 'node:child_process'
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
run('scripts/build.js')
run('node_modules/mocha/bin/mocha.js', ...process.argv.slice(2))
