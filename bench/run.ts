/** `npm run bench -- NAME…`: runs the benchmarks of this folder, each a file; without a name it lists them. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import process from 'node:process'

const folder = new URL('.', import.meta.url)
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -3))
const given = process.argv.slice(2)
const wanted = given.includes('all') ? names : given
const unknown = wanted.filter((name) => !names.includes(name))

if (wanted.length === 0 || unknown.length > 0) {
  for (const name of unknown) console.error(`there is no benchmark ${name}`)
  console.log(`npm run bench -- NAME…\n\nThere are: ${names.join(', ')}, or all.`)
  process.exit(unknown.length > 0 ? 100 : 0)
}
// What is measured is the built program, as it is now.
const built = spawnSync(process.execPath, [new URL('../scripts/build.js', folder).pathname], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
for (const name of wanted) {
  const { status } = spawnSync(process.execPath, [new URL(`${name}.ts`, folder).pathname], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = status ?? 1
}
