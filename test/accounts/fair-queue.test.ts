import { expect } from 'chai'
import { FairQueue, QueueClosedError, QueueFullError } from '../../shared/accounts/fair-queue.ts'

/** Works that end when they are told to, in the order in which they began. */
const works = () => {
  const begun: string[] = []
  const ends: (() => void)[] = []
  return {
    begun,
    work: (name: string) => async () => {
      begun.push(name)
      await new Promise<void>((resolve) => ends.push(resolve))
      return name
    },
    /** Lets the work that began first end, and what follows from it happen. */
    async endOne() {
      ends.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('the fair queue', () => {
  it('lets keys take turns, one work of each at once, so many in all', async () => {
    const { begun, work, endOne } = works()
    const queue = new FairQueue({ atOnce: 2, waitingPerKey: 10, waiting: 20 })
    const all = Promise.all([
      ...['flood1', 'flood2', 'flood3', 'flood4'].map((name) => queue.run('flood', work(name))),
      queue.run('a', work('a1')),
      queue.run('a', work('a2')),
      queue.run('b', work('b1')),
    ])
    expect(begun).to.deep.equal(['flood1', 'a1'])
    expect(queue.waiting).to.equal(5)
    await endOne()
    expect(begun).to.deep.equal(['flood1', 'a1', 'flood2'])
    await endOne()
    expect(begun).to.deep.equal(['flood1', 'a1', 'flood2', 'a2'])
    await endOne()
    expect(begun).to.deep.equal(['flood1', 'a1', 'flood2', 'a2', 'b1'])
    for (let left = 4; left > 0; left--) await endOne()
    expect(await all).to.deep.equal(['flood1', 'flood2', 'flood3', 'flood4', 'a1', 'a2', 'b1'])
    expect(queue.waiting).to.equal(0)
  })

  it('refuses what passes its bounds, and takes more when there is room', async () => {
    const { work, endOne } = works()
    const queue = new FairQueue({ atOnce: 1, waitingPerKey: 2, waiting: 3 })
    const taken = [queue.run('a', work('a1')), queue.run('a', work('a2')), queue.run('a', work('a3'))]
    await expectRejection(queue.run('a', work('a4')), QueueFullError)
    taken.push(queue.run('b', work('b1')))
    await expectRejection(queue.run('c', work('c1')), QueueFullError)
    await endOne()
    taken.push(queue.run('c', work('c2')))
    for (let left = 4; left > 0; left--) await endOne()
    expect(await Promise.all(taken)).to.deep.equal(['a1', 'a2', 'a3', 'b1', 'c2'])
  })

  it('goes on after a work that failed', async () => {
    const queue = new FairQueue({ atOnce: 1, waitingPerKey: 2, waiting: 2 })
    const failing = queue.run('a', () => Promise.reject(new RangeError('no')))
    const throwing = queue.run('b', () => {
      throw new TypeError('no')
    })
    const next = queue.run('a', async () => 'next')
    await expectRejection(failing, RangeError)
    await expectRejection(throwing, TypeError)
    expect(await next).to.equal('next')
  })

  it('refuses what waits when it is closed, and waits for what is under way', async () => {
    const { begun, work, endOne } = works()
    const queue = new FairQueue({ atOnce: 1, waitingPerKey: 2, waiting: 2 })
    const running = queue.run('a', work('a1'))
    const waiting = expectRejection(queue.run('a', work('a2')), QueueClosedError)
    let closed = false
    const closing = queue.close().then(() => {
      closed = true
    })
    await waiting
    await expectRejection(queue.run('b', work('b1')), QueueClosedError)
    expect(closed).to.equal(false)
    await endOne()
    await closing
    expect(await running).to.equal('a1')
    expect(begun).to.deep.equal(['a1'])
  })
})

const expectRejection = async (promise: Promise<unknown>, type: new (...args: never[]) => Error): Promise<void> => {
  const reason = await promise.then(
    () => null,
    (error: unknown) => error,
  )
  expect(reason).to.be.instanceOf(type)
}
