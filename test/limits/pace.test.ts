import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { Pace } from '../../shared/limits/pace.ts'
import { type FakeClock, fakeClock } from '../kit/fake-clock.ts'

const rate = 160_000

/** Moves pieces without end; each counts once it may go on. */
const mover = (pace: Pace, pieceOctets: number) => {
  const controller = new AbortController()
  const moved = { octets: 0, turns: 0, ended: Promise.resolve() }
  const run = async () => {
    while (!controller.signal.aborted) {
      await pace.pay(pieceOctets, controller.signal, () => {
        moved.turns += 1
      })
      if (!controller.signal.aborted) moved.octets += pieceOctets
    }
  }
  moved.ended = run()
  return { moved, end: () => controller.abort() }
}

describe('a pace that several transfers share', () => {
  let clock: FakeClock
  let pace: Pace
  beforeEach(() => {
    clock = fakeClock()
    pace = new Pace(rate, clock)
  })

  it('lets so many octets pass a second, from the first second on', async () => {
    const { moved, end } = mover(pace, pace.pieceOctets)
    for (let second = 1; second <= 10; second += 1) {
      await clock.pass(1000)
      // What is made up for is a tenth of a second, what is on its way a piece.
      expect(moved.octets).to.be.within(rate * second - pace.pieceOctets, rate * (second + 0.1) + pace.pieceOctets)
    }
    end()
    await moved.ended
  })

  it('is smooth: in each tenth of a second there is something', async () => {
    const { moved, end } = mover(pace, pace.pieceOctets)
    await clock.pass(1000)
    for (let tenth = 0; tenth < 20; tenth += 1) {
      const before = moved.octets
      await clock.pass(100)
      expect(moved.octets - before).to.be.within(pace.pieceOctets, 3 * pace.pieceOctets)
    }
    end()
    await moved.ended
  })

  it('is shared fairly, also by those who move much at once and those who move little', async () => {
    const large = mover(pace, 16 * pace.pieceOctets)
    const small = mover(pace, pace.pieceOctets)
    const third = mover(pace, pace.pieceOctets)
    await clock.pass(30_000)
    const share = (30 * rate) / 3
    for (const { moved } of [large, small, third]) {
      expect(moved.octets).to.be.within(share - 17 * pace.pieceOctets, share + 17 * pace.pieceOctets)
    }
    // Who is alone again has all of it.
    large.end()
    third.end()
    await large.moved.ended
    await third.moved.ended
    const before = small.moved.octets
    await clock.pass(10_000)
    expect(small.moved.octets - before).to.be.within(10 * rate - 3 * pace.pieceOctets, 10 * rate + 3 * pace.pieceOctets)
    small.end()
    await small.moved.ended
  })

  it('gives a turn at least each second, however slow it is and however much is moved at once', async () => {
    const slow = new Pace(10, clock)
    const { moved, end } = mover(slow, 65_536)
    await clock.pass(20_000)
    expect(moved.turns).to.be.at.least(20)
    expect(moved.octets).to.equal(0)
    end()
    await moved.ended
  })

  it('saves nothing up while nobody moves', async () => {
    await clock.pass(60_000)
    const { moved, end } = mover(pace, pace.pieceOctets)
    await clock.pass(1000)
    expect(moved.octets).to.be.at.most(1.1 * rate + pace.pieceOctets)
    end()
    await moved.ended
  })

  it('sets no timer for who does not wait, and takes back that of who gives up', async () => {
    let timers = 0
    const counting = new Pace(rate, {
      nowMs: () => 0,
      after: () => {
        timers += 1
        return () => {
          timers -= 1
        }
      },
    })
    const controller = new AbortController()
    await counting.pay(100, controller.signal, () => undefined)
    expect(timers).to.equal(0)
    const waiting = counting.pay(rate, controller.signal, () => undefined)
    await setImmediate()
    expect(timers).to.equal(1)
    controller.abort()
    await waiting
    expect(timers).to.equal(0)
  })
})
