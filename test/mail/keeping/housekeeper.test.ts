import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { housekeeping, type Keepable, type KeepingParts } from '../../../shared/mail/keeping/housekeeper.ts'
import { type KeepingOptions, keep, type RoundEnd } from '../../../shared/mail/keeping/keep.ts'
import { StoreError } from '../../../shared/mail/mail-store.ts'
import { capturedJournal } from '../../kit/captured-journal.ts'
import { eventually } from '../../kit/eventually.ts'
import { fakeClock } from '../../kit/fake-clock.ts'
import { type SettingsChanges, testSettings } from '../../kit/settings.ts'
import { lab, message } from './lab.ts'

const [second, minute, hour] = [1_000, 60_000, 3_600_000]

/** As the usual times of the housekeeping are; a start up to twice as late. */
const startMs = 2 * minute

describe('the housekeeping of mail begins', () => {
  const nothing: Keepable = { expire: async () => ({ messages: 0, octets: 0, held: false }), tidy: async () => undefined }

  /** A housekeeper whose rounds are only counted. */
  const housekeeper = (changes: SettingsChanges = {}, store: Keepable = nothing) => {
    const clock = fakeClock()
    const journal = capturedJournal()
    const begunMs: number[] = []
    let next: (options: KeepingOptions) => Promise<RoundEnd> = async () => 'done'
    const round: KeepingParts['round'] = (options) => {
      begunMs.push(clock.nowMs())
      return next(options)
    }
    const keeping = housekeeping(testSettings('/none', changes), journal.log, { clock, round })(store)
    return {
      keeping,
      clock,
      journal,
      begunMs,
      /** What each round from now on comes to. */
      rounds: (how: typeof next) => {
        next = how
      },
      /** Until the first round, which an earlier process may have left to do, is over. */
      settled: async () => {
        await clock.pass(startMs)
        begunMs.length = 0
      },
    }
  }

  it('once after the start, one to two minutes later, and never again while nothing happens', async () => {
    const { clock, begunMs } = housekeeper()
    await clock.pass(minute - 1)
    expect(begunMs).to.deep.equal([])
    await clock.pass(30 * 24 * hour)
    expect(begunMs).to.have.length(1)
    expect(begunMs[0]).to.be.within(minute, 2 * minute)
  })

  it('half a minute after the first of many changes, once for all of them', async () => {
    const { keeping, clock, begunMs, settled } = housekeeper()
    await settled()
    const from = clock.nowMs()
    for (let count = 0; count < 29; count += 1) {
      keeping.changed()
      await clock.pass(second)
    }
    expect(begunMs).to.deep.equal([])
    await clock.pass(hour)
    expect(begunMs).to.deep.equal([from + 30 * second])
  })

  it('sooner than at the start where something changed', async () => {
    const { keeping, clock, begunMs } = housekeeper()
    keeping.changed()
    await clock.pass(hour)
    expect(begunMs).to.deep.equal([30 * second])
  })

  it('after the one that goes on, for what came meanwhile, and never two at a time', async () => {
    const { keeping, clock, begunMs, settled, rounds } = housekeeper()
    await settled()
    const long = Promise.withResolvers<RoundEnd>()
    rounds(() => long.promise)
    keeping.changed()
    await clock.pass(minute)
    for (let count = 0; count < 10; count += 1) {
      keeping.changed()
      await clock.pass(minute)
    }
    expect(begunMs).to.have.length(1)
    rounds(async () => 'done')
    long.resolve('done')
    await clock.pass(hour)
    expect(begunMs).to.have.length(2)
  })

  it('every hour where mail grows too old, and not where only its room is bounded', async () => {
    const old = housekeeper({ mail: { retention: { ageMs: 24 * hour, messages: null, octets: null } } })
    await old.clock.pass(startMs + 10 * hour)
    expect(old.begunMs).to.have.length(11)
    const large = housekeeper({ mail: { retention: { ageMs: null, messages: 5, octets: null } } })
    await large.clock.pass(startMs + 10 * hour)
    expect(large.begunMs).to.have.length(1)
  })

  it('half a minute later where another process is at it', async () => {
    const { clock, begunMs, rounds } = housekeeper()
    rounds(async () => 'busy')
    await clock.pass(startMs + 10 * minute)
    expect(begunMs.length).to.be.within(20, 22)
    expect((begunMs[1] ?? 0) - (begunMs[0] ?? 0)).to.be.closeTo(30 * second, 1)
  })

  it('five minutes later where a session held a mailbox', async () => {
    const store: Keepable = { ...nothing, expire: async () => ({ messages: 0, octets: 0, held: true }) }
    const { clock, begunMs, rounds } = housekeeper({ mail: { retention: { ageMs: null, messages: 5, octets: null } } }, store)
    rounds(async ({ retention }) => {
      await retention?.expire({ account: 'alice', ids: [1] })
      rounds(async () => 'done')
      return 'done'
    })
    await clock.pass(startMs + hour)
    expect(begunMs).to.have.length(2)
    expect((begunMs[1] ?? 0) - (begunMs[0] ?? 0)).to.be.closeTo(5 * minute, 1)
  })

  const pauses = (times: readonly number[]): number[] =>
    times.slice(1).map((atMs, index) => Math.round((atMs - (times[index] ?? 0)) / minute))

  for (const [what, how] of [
    ['whose threads all die', async (): Promise<RoundEnd> => 'gave up'],
    ['whose store cannot be used', async (): Promise<RoundEnd> => Promise.reject(new StoreError('damaged', 'for a test'))],
  ] as const)
    it(`later and later after one ${what}, however much comes, and as ever once it goes well`, async () => {
      const { keeping, clock, begunMs, rounds } = housekeeper()
      rounds(how)
      keeping.changed()
      while (begunMs.length < 8) {
        keeping.changed()
        await clock.pass(10 * second)
      }
      expect(pauses(begunMs)).to.deep.equal([5, 10, 20, 40, 60, 60, 60])
      rounds(async () => 'done')
      keeping.changed()
      await clock.pass(hour)
      begunMs.length = 0
      keeping.changed()
      await clock.pass(hour)
      expect(begunMs).to.have.length(1)
      rounds(how)
      keeping.changed()
      begunMs.length = 0
      await clock.pass(10 * minute)
      expect(pauses(begunMs)).to.deep.equal([5])
    })

  it('never again once it is closed, which ends the one that goes on and waits for it', async () => {
    const { keeping, clock, begunMs, rounds } = housekeeper()
    let ended = false
    rounds(({ signal }) => {
      const { promise, resolve } = Promise.withResolvers<RoundEnd>()
      signal.addEventListener('abort', () => {
        setImmediate(() => {
          ended = true
          resolve('stopped')
        })
      })
      return promise
    })
    await clock.pass(startMs)
    keeping.changed()
    await keeping.close()
    expect(ended).to.equal(true)
    keeping.changed()
    await clock.pass(24 * hour)
    expect(begunMs).to.have.length(1)
  })

  it('with a thread that is gone when the round is over, and no other before something changes', async function () {
    if (process.platform !== 'linux') this.skip()
    this.timeout(120_000)
    const nameOf = (task: string): string => {
      try {
        return readFileSync(`/proc/self/task/${task}/comm`, 'utf8')
      } catch (error) {
        // It ended meanwhile.
        if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return ''
        throw error
      }
    }
    const threads = (): number => readdirSync('/proc/self/task').filter((task) => nameOf(task).startsWith('mail-keeping')).length
    const place = await lab()
    const clock = fakeClock()
    const { promise: over, resolve } = Promise.withResolvers<RoundEnd>()
    let most = 0
    const looking = setInterval(() => {
      most = Math.max(most, threads())
    }, 1)
    const round: KeepingParts['round'] = async (options) => {
      const end = await keep({ ...options, mailFile: place.place.file, indexFile: place.indexFile })
      resolve(end)
      return end
    }
    const keeping = housekeeping(testSettings(place.place.folder), capturedJournal().log, { clock, round })(place.keepable)
    try {
      for (let count = 0; count < 50; count += 1) await place.put(message([], 'word'))
      keeping.changed()
      await clock.pass(30 * second)
      expect(await over).to.equal('done')
      await eventually(() => expect(threads()).to.equal(0))
      expect(most).to.equal(1)
      await clock.pass(24 * hour)
      expect(threads()).to.equal(0)
    } finally {
      clearInterval(looking)
      await keeping.close()
      await place.remove()
    }
  })
})
