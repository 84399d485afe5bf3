import { appendFile, mkdir, open, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { Search, type Sought } from '../../cli/record-search.ts'
import { momentOf } from '../../cli/time-argument.ts'
import { JournalFollower, journalsIn } from '../../shared/log/log-reader.ts'
import { anyTime, parseRecord } from '../../shared/log/read-record.ts'
import { rotatedName } from '../../shared/log/rotated-file.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

const start = Date.UTC(2026, 0, 1, 12)

/** One record a second. */
const line = (n: number, service = 'http', fields: Record<string, unknown> = {}): string =>
  `${JSON.stringify({ time: new Date(start + n * 1_000).toISOString(), level: n % 10 === 0 ? 'warn' : 'info', service, event: 'a.b', n, ...fields })}\n`
const lines = (from: number, to: number, service = 'http') =>
  Array.from({ length: to - from }, (_, at) => line(from + at, service)).join('')
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

describe('the reader of journals', () => {
  let folder: TemporaryFolder
  let followers: JournalFollower[]
  beforeEach(async () => {
    folder = await temporaryFolder()
    followers = []
  })
  afterEach(async () => {
    for (const follower of followers) await follower.close()
    await folder.remove()
  })

  const begun = async (...services: string[]) => {
    const follower = new JournalFollower(folder.path, (name) => services.length === 0 || services.includes(name))
    followers.push(follower)
    await follower.begin()
    return follower
  }
  const numbersOf = (records: readonly { record: Readonly<Record<string, unknown>> | null }[]) =>
    records.map(({ record }) => Number(record?.['n']))
  const search = (sought: Partial<Sought> = {}) => new Search({ range: anyTime, ...sought })
  const last = async (count: number, sought: Partial<Sought> = {}) => numbersOf(await (await begun()).last(count, search(sought)))
  const all = async (sought: Partial<Sought> = {}) => numbersOf(await Array.fromAsync((await begun()).all(search(sought))))
  const between = (from: number, to: number) => ({ range: { fromMs: start + from * 1_000, toMs: start + to * 1_000 } })

  /** 0–99 as another program put it away, 100–199 compressed, 200–299 put away, 300–399 being written. */
  const fourFiles = async () => {
    const at = (n: number) => rotatedName('http.log', start + n * 1_000)
    await writeFile(folder.at('http.log.1.gz'), gzipSync(lines(0, 100)))
    await utimes(folder.at('http.log.1.gz'), start / 1_000 + 100, start / 1_000 + 100)
    await writeFile(folder.at(`${at(200)}.gz`), gzipSync(lines(100, 200)))
    await writeFile(folder.at(at(300)), lines(200, 300))
    // As it is while a file is being compressed.
    await writeFile(folder.at(`${at(300)}.gz`), gzipSync(lines(200, 300)))
    await writeFile(folder.at(`${at(300)}.gz.part`), 'half')
    await writeFile(folder.at('http.log'), lines(300, 400))
    await writeFile(folder.at('http.access.log'), 'no journal\n')
  }

  it('goes back through files that were put away and compressed, in the order of time, each record once', async () => {
    await fourFiles()
    expect(await journalsIn(folder.path)).to.deep.equal(['http'])
    for (const count of [1, 100, 101, 250, 399, 400, 1_000]) expect(await last(count)).to.deep.equal(numbers(0, 400).slice(-count))
    expect(await all()).to.deep.equal(numbers(0, 400))
  })

  it('finds a stretch of time in each of them', async () => {
    await fourFiles()
    for (const [from, to] of [
      [0, 5],
      [95, 105],
      [150, 160],
      [195, 205],
      [299, 300],
      [350, 1_000],
      [500, 600],
    ] as const) {
      const wanted = numbers(from, Math.min(to + 1, 400))
      expect(await all(between(from, to)), `${from}-${to}`).to.deep.equal(wanted)
      expect(await last(1_000, between(from, to)), `${from}-${to}`).to.deep.equal(wanted)
      expect(await last(3, between(from, to)), `${from}-${to}`).to.deep.equal(wanted.slice(-3))
    }
  })

  it('finds it at every place of a large file, also where records stand a little out of order', async () => {
    const swapped = numbers(0, 20_000).map((n) => (n % 7 === 3 ? n + 1 : n % 7 === 4 ? n - 1 : n))
    await writeFile(folder.at('http.log'), swapped.map((n) => line(n, 'http', { text: 'ü'.repeat(n % 300) })).join(''))
    for (const from of [0, 1, 3, 4, 777, 9_999, 10_000, 19_998, 19_999]) {
      const wanted = numbers(from, Math.min(from + 4, 20_000))
      const found = await all(between(from, from + 3))
      expect(
        found.sort((one, other) => one - other),
        String(from),
      ).to.deep.equal(wanted)
      expect(
        (await last(100, between(from, from + 3))).sort((one, other) => one - other),
        String(from),
      ).to.deep.equal(wanted)
    }
  })

  it('reads little of a large file for its end, and for a moment in it', async () => {
    const path = folder.at('http.log')
    const block = lines(0, 20_000)
    await writeFile(path, block)
    expect((await stat(path)).size).to.be.greaterThan(1_000_000)
    const looked: string[] = []
    const counting = (sought: Partial<Sought>) => {
      const real = search(sought)
      const mayBe = (text: string) => {
        looked.push(text)
        return real.mayBe(text)
      }
      return { range: real.range, wants: real.wants.bind(real), mayBe }
    }
    const follower = await begun()
    expect(await follower.last(5, counting({}))).to.have.length(5)
    expect(looked.length).to.be.below(10)
    looked.length = 0
    expect(await Array.fromAsync(follower.all(counting(between(15_000, 15_002))))).to.have.length(3)
    expect(looked.length).to.be.below(100)
  })

  it('merges the journals of several services by time', async () => {
    await writeFile(folder.at('http.log'), line(0) + line(3) + line(4))
    await writeFile(folder.at('smtp.log'), line(1, 'smtp') + line(2, 'smtp') + line(5, 'smtp'))
    expect(await last(4)).to.deep.equal([2, 3, 4, 5])
    expect(await all()).to.deep.equal([0, 1, 2, 3, 4, 5])
    expect(numbersOf(await (await begun('smtp')).last(9, search()))).to.deep.equal([1, 2, 5])
  })

  it('picks by level and account', async () => {
    await fourFiles()
    await appendFile(
      folder.at('http.log'),
      line(400, 'http', { account: 'alice' }) + line(401, 'http', { account: 'alice', path: '"account":"bob"' }),
    )
    expect(await last(2, { level: 'warn' })).to.deep.equal([390, 400])
    expect(await all({ level: 'warn' })).to.deep.equal(numbers(0, 41).map((n) => n * 10))
    expect(await last(5, { account: 'alice' })).to.deep.equal([400, 401])
    expect(await all({ account: 'alice', level: 'warn' })).to.deep.equal([400])
    expect(await last(5, { account: 'bob' })).to.deep.equal([])
  })

  it('skips lines that are no records and counts them; a whole record behind a torn half is found', async () => {
    const torn = line(9).slice(0, 30)
    await writeFile(folder.at('http.log'), `${line(0)}${torn}\n\n${line(1)}${torn}${line(2)}[1]\nnull\n${line(3)}${torn}`)
    const sought = search()
    expect(numbersOf(await (await begun()).last(9, sought))).to.deep.equal([0, 1, 2, 3])
    expect([sought.takeBroken(), sought.takeBroken()]).to.deep.equal([4, 0])
    expect(await all()).to.deep.equal([0, 1, 2, 3])
    expect(parseRecord(line(2).trim()).record).to.include({ n: 2 })
  })

  it('follows a log that is put away again and again, with what slow writers still write to the old one', async () => {
    const path = folder.at('http.log')
    await writeFile(path, line(0))
    const follower = await begun()
    await appendFile(path, line(1))
    const slow = await open(path, 'a')
    try {
      for (const n of [2, 4]) {
        await rename(path, folder.at(rotatedName('http.log', start + n)))
        await writeFile(path, line(n))
      }
      await slow.write(line(5))
      expect(numbersOf(await follower.added())).to.have.members([1, 2, 4, 5])
      await slow.write(line(6).slice(0, 20))
      expect(await follower.added()).to.deep.equal([])
      await slow.write(line(6).slice(20))
      await appendFile(path, line(7))
      expect(numbersOf(await follower.added())).to.deep.equal([6, 7])
      await rm(path)
      expect(await follower.added()).to.deep.equal([])
      await writeFile(path, line(8))
      await writeFile(folder.at('smtp.log'), line(9, 'smtp'))
      expect(numbersOf(await follower.added())).to.deep.equal([8, 9])
    } finally {
      await slow.close()
    }
  })

  it('follows a log that another program copied and emptied', async () => {
    const path = folder.at('http.log')
    await writeFile(path, lines(0, 10))
    const follower = await begun()
    await writeFile(folder.at('http.log.1'), await readFile(path))
    await writeFile(path, '')
    expect(await follower.added()).to.deep.equal([])
    await appendFile(path, line(10))
    expect(numbersOf(await follower.added())).to.deep.equal([10])
  })

  it('has nothing to tell where there is no folder, until there is one', async () => {
    const follower = new JournalFollower(folder.at('logs'), () => true)
    followers.push(follower)
    await follower.begin()
    expect(await follower.last(5, search())).to.deep.equal([])
    await mkdir(folder.at('logs'))
    await writeFile(folder.at('logs', 'http.log'), line(1))
    expect(numbersOf(await follower.added())).to.deep.equal([1])
  })
})

describe('a time on the command line', () => {
  const now = new Date(2026, 10, 21, 15, 0).getTime()
  const local = (...parts: [number, number, number, number?, number?, number?]) => new Date(...parts).getTime()

  it('is so long ago, a time of today, a day, or a moment with or without a zone', () => {
    expect(momentOf('10m', now)).to.equal(now - 600_000)
    expect(momentOf('7d', now)).to.equal(now - 7 * 86_400_000)
    expect(momentOf('14:30', now)).to.equal(local(2026, 10, 21, 14, 30))
    expect(momentOf('2026-11-20', now)).to.equal(local(2026, 10, 20))
    expect(momentOf('2026-11-20', now, true)).to.equal(local(2026, 10, 21) - 1)
    expect(momentOf('2026-11-20T14:30', now)).to.equal(local(2026, 10, 20, 14, 30))
    expect(momentOf('2026-11-20 14:30:15', now)).to.equal(local(2026, 10, 20, 14, 30, 15))
    expect(momentOf('2026-11-20T14:30:00.500Z', now)).to.equal(Date.UTC(2026, 10, 20, 14, 30, 0, 500))
    expect(momentOf('2026-11-20T14:30:00+02:00', now)).to.equal(Date.UTC(2026, 10, 20, 12, 30))
  })

  it('is nothing else', () => {
    for (const text of ['', 'yesterday', '10', '25:00', '2026-13-01', '2026-11-20T14', 'm10', '-5m'])
      expect(momentOf(text, now), text).to.equal(null)
  })
})
