import { expect } from 'chai'
import { backoff, lifecycle, pauseMs } from '../../servers/supervisor/lifecycle.ts'

describe('the life of a service', () => {
  it('restarts what died, and only after a pause', () => {
    expect(lifecycle.ready.died).to.deep.equal(['waiting', 'pause'])
    expect(lifecycle.waiting.timer).to.deep.equal(['starting', 'spawn'])
  })

  it('does not restart what gave up, until somebody asks for another child and that one is ready', () => {
    expect(lifecycle.starting['gave-up']).to.deep.equal(['failed'])
    expect(lifecycle.failed.timer).to.deep.equal(['failed'])
    expect(lifecycle.failed.ready).to.deep.equal(['ready'])
  })

  it('starts nothing any more once it drains', () => {
    for (const state of ['draining', 'stopped'] as const) {
      for (const [event, [, action]] of Object.entries(lifecycle[state]))
        expect(action, `${state} × ${event}`).to.be.oneOf([undefined, 'drain'])
    }
  })

  it('drains from every state that may have a child or a pause', () => {
    for (const state of ['starting', 'ready', 'waiting', 'failed', 'draining'] as const) {
      expect(lifecycle[state].stop, state).to.deep.equal(['draining', 'drain'])
    }
  })

  it('doubles the pause from 100 ms to 30 s and takes up to a quarter off', () => {
    const pauses = [1, 2, 3, 9, 10, 40].map((failures) => pauseMs(failures, 0))
    expect(pauses).to.deep.equal([100, 200, 400, 25_600, 30_000, 30_000])
    expect(pauseMs(1, 1)).to.equal(75)
    expect(backoff.resetAfterMs).to.equal(60_000)
  })
})
