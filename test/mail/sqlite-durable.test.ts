import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { findProgram } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { type SqlitePlace, sqlitePlace } from './place.ts'

const script = new URL('durable-child.ts', import.meta.url).pathname

/** What a trace shows, in its order: `write`, `sync` of the write-ahead log, and the words of the child. */
const events = (trace: string): string[] =>
  trace.split('\n').flatMap((line) => {
    const word = /write\(1[^"]*"([A-Z]+)\\n"/.exec(line)?.[1]
    if (word !== undefined) return [word]
    if (/pwrite64\([^)]*mail\.db-wal>/.test(line)) return ['write']
    // A call that another thread interrupted is told in two lines; the second has its result.
    return /(?:fsync|fdatasync)\([^)]*mail\.db-wal>.*= 0|<\.\.\. f(?:data)?sync resumed>.*= 0/.test(line) ? ['sync'] : []
  })

describe('the SQLite store under strace', () => {
  let place: SqlitePlace
  beforeEach(async () => {
    place = await sqlitePlace()
  })
  afterEach(() => place.remove())

  it('has written and synced before it says that a message is stored or removed', async function () {
    const strace = findProgram('strace')
    if (strace === null || (await run(strace, ['true'])).code !== 0) this.skip() // not installed, or not allowed here
    const file = join(place.folder, 'trace')
    const calls = 'trace=pwrite64,fsync,fdatasync,write'
    const { code, stderr } = await run(strace, ['-f', '-y', '-e', calls, '-o', file, process.execPath, script, place.file], {
      deadlineMs: 30_000,
    })
    expect(code, stderr).to.equal(0)
    const seen = events(await readFile(file, 'utf8'))
    const told = seen.flatMap((event, place) => (event === 'COMMITTED' || event === 'REMOVED' ? [place] : []))
    expect(told).to.have.length(3)
    for (const end of told) {
      const begin = Math.max(seen.lastIndexOf('COMMITTING', end), seen.lastIndexOf('REMOVING', end))
      const between = seen.slice(begin + 1, end)
      expect(between, 'something is written').to.include('write')
      // What is swept after the answer may already be written when the child says its word.
      expect(between.lastIndexOf('sync'), 'and then synced').to.be.above(between.indexOf('write'))
    }
  }).timeout(40_000)
})
