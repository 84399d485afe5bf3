/**
 * Builds dist/: what `npm start` runs and what the package ships. Plain JavaScript, since it runs before anything is built.
 * `--if-possible` (npm's `prepare`): does nothing where TypeScript is absent, as after `npm ci --omit=dev`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiler = `${root}node_modules/typescript/bin/tsc`

if (!existsSync(compiler)) {
  if (process.argv.includes('--if-possible')) process.exit(0)
  console.error('Nothing to build with: TypeScript is a development dependency. Run `npm ci` first.')
  process.exit(1)
}

// Built beside and renamed, so that a build that fails leaves the last good one in place.
const fresh = `${root}dist.new`
rmSync(fresh, { recursive: true, force: true })
const run = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh], { cwd: root, stdio: 'inherit' })
if (run.status !== 0) process.exit(run.status ?? 1)
rmSync(`${root}dist`, { recursive: true, force: true })
renameSync(fresh, `${root}dist`)
