import { expect } from 'chai'
import { type Trouble, Watch, watching } from '../../servers/supervisor/watch.ts'
import { fakeClock } from '../kit/fake-clock.ts'

/** A child whose answers the test gives. */
const watched = () => {
  const clock = fakeClock()
  const asked: { readonly atMs: number; readonly answer: (trouble: Trouble) => void }[] = []
  const stuck: { readonly atMs: number; readonly trouble: string }[] = []
  const ask = () =>
    new Promise<Trouble>((resolve) => {
      asked.push({ atMs: clock.nowMs(), answer: resolve })
    })
  const watch = new Watch(ask, (trouble) => stuck.push({ atMs: clock.nowMs(), trouble }), clock)
  return { clock, asked, stuck, watch }
}

describe('the watch over a child', () => {
  it('asks every few seconds as long as all is well, and finds nobody stuck', async () => {
    const { clock, asked, stuck } = watched()
    for (let round = 0; round < 100; round++) {
      await clock.pass(watching.everyMs)
      expect(asked).to.have.length(round + 1)
      asked.at(-1)?.answer(null)
    }
    expect(stuck).to.deep.equal([])
  })

  it('finds one that stops answering stuck within 12 s, after four questions, and asks no more', async () => {
    const { clock, asked, stuck } = watched()
    await clock.pass(watching.everyMs)
    asked[0]?.answer(null)
    await clock.pass(60_000)
    expect(stuck).to.deep.equal([{ atMs: watching.everyMs + 12_000, trouble: 'did not answer' }])
    expect(asked.slice(1).map(({ atMs }) => atMs - watching.everyMs)).to.deep.equal([4_000, 6_000, 8_000, 10_000])
  })

  it('takes the answer to any question for a sign of life, however late', async () => {
    const { clock, asked, stuck } = watched()
    await clock.pass(watching.everyMs + watching.patienceMs - 1)
    expect(asked.length).to.be.greaterThan(2)
    asked[0]?.answer(null)
    await clock.pass(watching.everyMs)
    expect(stuck).to.deep.equal([])
    asked.at(-1)?.answer(null)
    await clock.pass(watching.everyMs)
    expect(stuck).to.deep.equal([])
  })

  it('takes a wrong answer for none, and tells what was wrong at last', async () => {
    const { clock, asked, stuck } = watched()
    for (let second = 0; second < 12; second++) {
      await clock.pass(1_000)
      for (const { answer } of asked) answer('answered `421` to a probe')
    }
    expect(stuck).to.deep.equal([{ atMs: 12_000, trouble: 'answered `421` to a probe' }])
  })

  it('ends when it is closed', async () => {
    const { clock, asked, stuck, watch } = watched()
    await clock.pass(watching.everyMs)
    watch.close()
    await clock.pass(60_000)
    expect(asked).to.have.length(1)
    expect(stuck).to.deep.equal([])
  })
})
