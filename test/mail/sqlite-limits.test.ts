import { expect } from 'chai'
import { runNode } from '../kit/run.ts'
import { count } from './inspect.ts'
import { type SqlitePlace, sqlitePlace } from './place.ts'

const script = new URL('large-child.ts', import.meta.url).pathname
const root = new URL('../..', import.meta.url).pathname

describe('the SQLite store in a process of its own', () => {
  let place: SqlitePlace
  beforeEach(async () => {
    place = await sqlitePlace()
  })
  afterEach(() => place.remove())

  it('streams a message of 64 MiB in and out, exactly, in memory that does not grow with it', async () => {
    const { stdout, stderr } = await runNode(['--max-semi-space-size=1', script, place.file, '64'], { deadlineMs: 60_000 })
    const { grownMiB, same } = JSON.parse(stdout.toString() || `"${stderr}"`)
    expect(same).to.equal(true)
    expect(grownMiB).to.be.below(48)
  }).timeout(70_000)

  it('needs no right but those to mail.db itself, to see its log, and to threads', async () => {
    const rights = [
      '--permission',
      '--allow-worker',
      `--allow-fs-read=${root}`,
      `--allow-fs-read=${place.file}`,
      `--allow-fs-read=${place.file}-wal`,
      `--allow-fs-write=${place.file}`,
    ]
    const { stdout, stderr } = await runNode([...rights, '--disable-warning=SecurityWarning', script, place.file, '1'])
    expect(stderr).to.equal('')
    expect(JSON.parse(stdout.toString()).same).to.equal(true)
    expect(count(place.file, 'SELECT count(*) FROM message')).to.equal(1)
  })
})
