import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { temporaryFolder } from '../kit/folder.ts'
import { run } from '../kit/run.ts'

const host = new URL('../../servers/host/host.ts', import.meta.url).href

/** Uses up all descriptors, then asks for the counters. */
const script = `
  import { openSync } from 'node:fs'
  import { Host } from '${host}'
  const log = { write() {}, with: () => log, keeps: () => false }
  const host = new Host({ serve() {}, refuse: () => '', stop: async () => {} }, { idleMs: 1000, connections: 1, connectionsPerAddress: 1 }, log)
  const before = host.counters.memoryOctets
  try {
    for (;;) openSync('/dev/null')
  } catch (error) {
    if (error.code !== 'EMFILE') throw error
  }
  console.log(host.counters.memoryOctets === before && before > 0)
  process.exit(0)
`

describe('a child that has no descriptor left', () => {
  it('still counts, with the memory as it was measured last', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('full.ts'), script)
    const { stdout, stderr } = await run('sh', ['-c', `ulimit -n 64; exec "$0" "$1"`, process.execPath, folder.at('full.ts')])
    expect(`${stdout}${stderr}`).to.equal('true\n')
  })
})
