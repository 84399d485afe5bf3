/**
 * `npm pack` and `npm publish` put ftp-srv and what it needs into the package: overrides and `file:` dependencies do not reach
 * whoever installs it, and npm would fetch what the stand-ins in vendor/ replace. Only while packing, since npm cannot lock a
 * checkout that has both.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = `${root}package.json`
const kept = `${root}package.json.kept`

/** ftp-srv, its stand-ins, and what is pinned for it; npm adds what these depend on. */
const bundled = ['bunyan', 'ftp-srv', 'ip', 'uuid', 'yargs']

if (process.argv[2] === 'bundle') {
  const text = readFileSync(manifest, 'utf8')
  writeFileSync(kept, text)
  // Whoever installs the package gets Node's requirement told by npm; in a checkout, which brings its Node, it would only warn.
  writeFileSync(
    manifest,
    JSON.stringify({ ...JSON.parse(text), engines: { node: '>=26.4' }, bundleDependencies: bundled }, null, 2),
  )
} else {
  renameSync(kept, manifest)
}
