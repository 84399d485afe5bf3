import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

const child = fileURLToPath(new URL('store-child.ts', import.meta.url))

/** What the store has said to its disk, and we to our caller, in their order. */
const callsOf = (trace: string): string[] =>
  [...trace.matchAll(/\bf(?:data)?sync(?:\(\d+\)| resumed>\)) += 0|\bwrite\(1, "(\w+)\\n"/g)].map(([, word]) => word ?? 'sync')

describeWith(['strace'], 'mail on disk', function () {
  this.timeout(120_000)

  it('is synced before a message, or its removal, is acknowledged: each time, and after what need not be', async () => {
    await using folder = await temporaryFolder()
    const trace = folder.at('trace')
    const options = ['-f', '-e', 'trace=fsync,fdatasync,write', '-s', '100', '-o', trace]
    const { code, stdout, stderr } = await run('strace', [...options, process.execPath, child, folder.at('mail.db'), 'sync'], {
      deadlineMs: 100_000,
    })
    expect(code, stderr).to.equal(0)
    expect(stdout.toString().split('\n')).to.deep.equal(['opened', 'delivered', 'delivered', 'held', 'delivered', 'removed', ''])
    const calls = callsOf(await readFile(trace, 'utf8'))
    for (const [at, call] of calls.entries()) {
      if (call === 'delivered' || call === 'removed') expect(calls[at - 1], calls.join(' ')).to.equal('sync')
    }
    expect(calls.filter((call) => call !== 'sync')).to.deep.equal([
      'opened',
      'delivered',
      'delivered',
      'held',
      'delivered',
      'removed',
    ])
  })
})
