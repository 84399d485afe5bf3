import { expect } from 'chai'
import { FairQueue, type Lane, QueueClosedError, QueueFullError } from '../../shared/accounts/fair-queue.ts'

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
    const queue = new FairQueue({ atOnce: 2, laterAtOnce: 1, waitingPerKey: 10, waiting: 20, passedOver: 8 })
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
    const queue = new FairQueue({ atOnce: 1, laterAtOnce: 1, waitingPerKey: 2, waiting: 3, passedOver: 8 })
    const taken = [queue.run('a', work('a1')), queue.run('a', work('a2')), queue.run('a', work('a3'))]
    await expectRejection(queue.run('a', work('a4')), QueueFullError)
    taken.push(queue.run('b', work('b1')))
    await expectRejection(queue.run('c', work('c1')), QueueFullError)
    await endOne()
    taken.push(queue.run('c', work('c2')))
    for (let left = 4; left > 0; left--) await endOne()
    expect(await Promise.all(taken)).to.deep.equal(['a1', 'a2', 'a3', 'b1', 'c2'])
  })

  it('lets the first lane go first, and keeps a place for it', async () => {
    const { begun, work, endOne } = works()
    const queue = new FairQueue({ atOnce: 2, laterAtOnce: 1, waitingPerKey: 10, waiting: 100, passedOver: 8 })
    for (let n = 0; n < 3; n++) void queue.run(`last${n}`, work(`last${n}`), () => 'last')
    for (let n = 0; n < 2; n++) void queue.run(`second${n}`, work(`second${n}`), () => 'second')
    expect(begun).to.deep.equal(['last0'])
    void queue.run('good', work('good'), () => 'first')
    expect(begun, 'at once').to.deep.equal(['last0', 'good'])
    void queue.run('good2', work('good2'), () => 'first')
    await endOne()
    expect(begun).to.deep.equal(['last0', 'good', 'good2'])
    for (let left = 6; left > 0; left--) await endOne()
    expect(begun).to.deep.equal(['last0', 'good', 'good2', 'second0', 'second1', 'last1', 'last2'])
  })

  it('gives a lane that was passed over for long a turn', async () => {
    const { begun, work, endOne } = works()
    const queue = new FairQueue({ atOnce: 1, laterAtOnce: 1, waitingPerKey: 10, waiting: 100, passedOver: 3 })
    for (let n = 0; n < 8; n++) void queue.run(`good${n}`, work(`good${n}`))
    void queue.run('guess', work('guess'), () => 'last')
    void queue.run('other', work('other'), () => 'last')
    for (let left = 10; left > 0; left--) await endOne()
    expect(begun.indexOf('guess')).to.equal(4)
    expect(begun.indexOf('other')).to.equal(8)
  })

  it('lets what waits fall back where it has to, and refuses it where there is no room', async () => {
    const { begun, work, endOne } = works()
    const queue = new FairQueue({ atOnce: 1, laterAtOnce: 1, waitingPerKey: 1, waiting: 10, passedOver: 100 })
    let lane: Lane = 'first'
    const all = [queue.run('running', work('running')), queue.run('guess', work('guess'), () => lane)]
    all.push(
      queue.run('good', work('good')),
      queue.run('old', work('old'), () => 'last'),
    )
    lane = 'last'
    await endOne()
    expect(begun).to.deep.equal(['running', 'good'])
    // Its place in the last lane is taken by now, and the next one finds none.
    lane = 'first'
    const pushedOut = queue.run('guess', work('pushed out'), () => lane)
    lane = 'last'
    await endOne()
    await expectRejection(pushedOut, QueueFullError)
    for (let left = 2; left > 0; left--) await endOne()
    expect(await Promise.all(all)).to.deep.equal(['running', 'guess', 'good', 'old'])
  })

  it('refuses guesses without end, and takes a good login beside them', async () => {
    const { begun, work, endOne } = works()
    const queue = new FairQueue({ atOnce: 2, laterAtOnce: 1, waitingPerKey: 2, waiting: 3, passedOver: 8 })
    const taken = [1, 2, 3, 4].map((n) => queue.run(`a${n}`, work(`a${n}`), () => 'last'))
    await expectRejection(
      queue.run('a5', work('a5'), () => 'last'),
      QueueFullError,
    )
    taken.push(queue.run('good', work('good')))
    expect(begun).to.deep.equal(['a1', 'good'])
    for (let left = 5; left > 0; left--) await endOne()
    await Promise.all(taken)
  })

  it('goes on after a work that failed', async () => {
    const queue = new FairQueue({ atOnce: 1, laterAtOnce: 1, waitingPerKey: 2, waiting: 2, passedOver: 8 })
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
    const queue = new FairQueue({ atOnce: 1, laterAtOnce: 1, waitingPerKey: 2, waiting: 2, passedOver: 8 })
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
