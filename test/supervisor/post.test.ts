import { expect } from 'chai'
import type { Birth, Child, ChildEvents } from '../../servers/supervisor/child.ts'
import { type State, serviceState } from '../../servers/supervisor/lifecycle.ts'
import { Post } from '../../servers/supervisor/post.ts'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { loadConfiguration } from '../../shared/config/load.ts'
import { AdmissionTable } from '../../shared/limits/admission.ts'
import { fakeClock } from '../kit/fake-clock.ts'

const { settings, services } = loadConfiguration({ protocols, env: {} })

const dutyOf = (): Birth => {
  const service = services.find(({ name }) => name === 'pop3')
  if (service === undefined) throw new Error('no pop3')
  const port = { host: '127.0.0.1', port: 1, fd: () => null, share: () => port, close: () => false }
  return {
    plan: { service: { ...service, tls: 'off' }, settings, version: '0', console: false, network: 'accept', flags: [] },
    port,
  }
}

/** A post whose children live and die as the test says; every pause is as long as it can be. */
const posting = () => {
  const clock = fakeClock()
  const born: {
    readonly child: Child
    readonly bornAtMs: number
    readonly ready: () => void
    readonly die: (permanent?: boolean) => void
  }[] = []
  const ended: number[] = []
  const fork = (_birth: Birth, events: ChildEvents): Child => {
    const child: Child = {
      startedAt: new Date(),
      pid: born.length + 1,
      counters: { open: 1, served: 10, refused: {}, memoryOctets: 0 },
      journal: { ok: true, error: null, dropped: 0 },
      failure: null,
      tell: () => undefined,
      end: () => ended.push(child.pid),
      kill: () => undefined,
      count: () => Promise.resolve(child.counters),
    }
    const die = (permanent = false) => events.gone(child, permanent, `death of ${child.pid}`)
    born.push({ child, bornAtMs: clock.nowMs(), ready: () => events.ready(child), die })
    return child
  }
  const states: State[] = []
  const died: (number | null)[] = []
  const left: number[] = []
  const post: Post = new Post(
    dutyOf(),
    {
      changed: () => states.push(post.state),
      died: (_pid, _why, nextTryMs) => died.push(nextTryMs),
      asked: () => undefined,
      left: (child: Child) => left.push(child.pid),
      material: () => null,
      admission: new AdmissionTable({ connections: 1, connectionsPerAddress: 1, connectionsPerSecond: null }),
    },
    { fork, clock, random: () => 0 },
  )
  post.start()
  return { clock, post, born, ended, states, died, left, last: () => born.at(-1) }
}

describe('a post', () => {
  it('waits ever longer for what dies as soon as it is ready, up to 30 s, and says when the next try is', async () => {
    const { clock, post, died, last, born } = posting()
    const expected = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]
    for (const [round, pauseMs] of expected.entries()) {
      last()?.ready()
      expect(post.nextTryAt).to.equal(null)
      const from = Date.now()
      last()?.die()
      expect(post).to.include({ state: 'waiting', restarts: round + 1, lastError: `death of ${round + 1}` })
      expect(post.nextTryAt?.getTime()).to.be.within(from + pauseMs, Date.now() + pauseMs)
      await clock.pass(pauseMs - 1)
      expect(born).to.have.length(round + 1)
      await clock.pass(1)
      expect(born).to.have.length(round + 2)
      expect(post.state).to.equal('starting')
    }
    expect(died).to.deep.equal(expected)
  })

  it('tells of each child that is gone, whyever: what it held is given free', async () => {
    const { clock, died, left, last } = posting()
    last()?.ready()
    last()?.die()
    expect(left).to.deep.equal([1])
    await clock.pass(died.at(-1) ?? 0)
    last()?.die(true)
    expect(left).to.deep.equal([1, 2])
  })

  it('waits 100 ms again after 60 s of good service, and not after less', async () => {
    const { clock, died, last } = posting()
    const serve = async (ms: number) => {
      last()?.ready()
      await clock.pass(ms)
      last()?.die()
      await clock.pass(died.at(-1) ?? 0)
    }
    for (const ms of [0, 0, 0, 59_999, 60_000, 0]) await serve(ms)
    expect(died).to.deep.equal([100, 200, 400, 800, 100, 200])
  })

  it('does not take the time until a child was ready for good service', async () => {
    const { clock, died, last } = posting()
    for (let round = 0; round < 3; round++) {
      await clock.pass(100_000)
      last()?.ready()
      last()?.die()
      await clock.pass(died.at(-1) ?? 0)
    }
    expect(died).to.deep.equal([100, 200, 400])
  })

  it('leaves what gave up alone until somebody asks for another child', async () => {
    const { clock, post, born, died, last } = posting()
    last()?.die(true)
    expect(post).to.include({ state: 'failed', restarts: 0, lastError: 'death of 1', nextTryAt: null })
    await clock.pass(3_600_000)
    expect(born).to.have.length(1)
    expect(died).to.deep.equal([null])
    const prepared = post.prepare(dutyOf())
    last()?.ready()
    await prepared
    expect(post.state).to.equal('failed')
    post.takeOver(dutyOf(), 'leave')
    expect(post).to.include({ state: 'ready', pid: 2, lastError: null })
  })

  it('keeps the old child when the new one is discarded, and the new one when it takes over', async () => {
    const { post, ended, last } = posting()
    last()?.ready()
    for (const how of ['discard', 'takeOver'] as const) {
      const prepared = post.prepare(dutyOf())
      expect(post.pid).to.equal(1)
      last()?.ready()
      await prepared
      if (how === 'discard') post.discard()
      else post.takeOver(dutyOf(), 'leave')
    }
    expect(ended).to.deep.equal([2, 1])
    expect(post).to.include({ state: 'ready', pid: 3, restarts: 0 })
  })

  it('starts another child where the prepared one dies before it takes over', async () => {
    const { clock, post, born, last } = posting()
    last()?.ready()
    const prepared = post.prepare(dutyOf())
    last()?.ready()
    await prepared
    born[1]?.die()
    post.takeOver(dutyOf(), 'leave')
    born[0]?.die()
    await clock.pass(0)
    expect(born).to.have.length(3)
    last()?.ready()
    expect(post).to.include({ state: 'ready', pid: 3 })
  })

  it('counts what a child that died was doing as served', async () => {
    const { post, last } = posting()
    last()?.ready()
    last()?.die()
    expect((await post.count()).served).to.equal(11)
  })
})

describe('the state of a service', () => {
  const rows: readonly (readonly [readonly State[], begun: boolean, State])[] = [
    [['ready', 'starting'], false, 'starting'],
    [['ready', 'waiting'], false, 'waiting'],
    [['ready', 'failed'], false, 'failed'],
    [['ready', 'ready'], false, 'ready'],
    [['ready', 'starting'], true, 'ready'],
    [['ready', 'failed'], true, 'ready'],
    [['starting', 'waiting'], true, 'starting'],
    [['failed', 'waiting'], true, 'waiting'],
    [['failed', 'failed'], true, 'failed'],
    [['draining', 'stopped'], true, 'draining'],
    [['stopped', 'stopped'], true, 'stopped'],
  ]
  for (const [places, begun, state] of rows) {
    it(`is ${state} with ${places.join(' and ')}, ${begun ? 'once all were ready' : 'at its start'}`, () =>
      expect(serviceState(places, begun)).to.equal(state))
  }
})
