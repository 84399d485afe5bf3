import { expect } from 'chai'
import { type Signal, takeSignals } from '../../servers/supervisor/signals.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What was done for these signals, given as `kernel SIGINT` or `launcher SIGINT`; `wait 1000` lets so many milliseconds pass. */
const actionsFor = (terminal: boolean, ...given: string[]): string[] => {
  const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]))
  const done: string[] = []
  let nowMs = 0
  const take = takeSignals(
    { stop: (signal) => done.push(`stop ${signal}`), endAtOnce: () => done.push('at once'), reload: () => done.push('reload') },
    terminal,
    () => nowMs,
  )
  for (const word of given) {
    const [from, name] = word.split(' ') as ['kernel' | 'launcher', Signal]
    if (word.startsWith('wait ')) nowMs += Number(word.slice(5))
    else if (from === 'launcher') take(name)
    else for (const listener of process.listeners(name)) if (!before.get(name)?.includes(listener)) listener(name)
  }
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) if (!before.get(signal)?.includes(listener)) process.off(signal, listener)
  }
  return done
}

describe('signals', () => {
  it('SIGTERM and SIGINT drain, a second one ends at once', () => {
    expect(actionsFor(false, 'kernel SIGTERM')).to.deep.equal(['stop SIGTERM'])
    expect(actionsFor(false, 'kernel SIGINT', 'kernel SIGINT')).to.deep.equal(['stop SIGINT', 'at once'])
    expect(actionsFor(false, 'launcher SIGTERM', 'kernel SIGINT')).to.deep.equal(['stop SIGTERM', 'at once'])
  })

  it('one that reaches the launcher and the supervisor at the same moment is one', () => {
    expect(actionsFor(false, 'kernel SIGINT', 'launcher SIGINT')).to.deep.equal(['stop SIGINT'])
    expect(actionsFor(false, 'launcher SIGINT', 'kernel SIGINT')).to.deep.equal(['stop SIGINT'])
    // The launcher has a busy machine's patience.
    expect(actionsFor(false, 'kernel SIGINT', 'wait 1500', 'launcher SIGINT')).to.deep.equal(['stop SIGINT'])
    expect(actionsFor(false, 'kernel SIGINT', 'wait 3000', 'launcher SIGINT')).to.deep.equal(['stop SIGINT', 'at once'])
  })

  it('one that reaches the launcher twice and the supervisor once, at one moment, is one', () => {
    expect(actionsFor(false, 'launcher SIGTERM', 'kernel SIGTERM', 'launcher SIGTERM')).to.deep.equal(['stop SIGTERM'])
    expect(actionsFor(false, 'launcher SIGTERM', 'kernel SIGTERM', 'wait 200', 'launcher SIGTERM')).to.deep.equal([
      'stop SIGTERM',
      'at once',
    ])
  })

  it('two that reach both are two, however soon and in whatever order', () => {
    const [kernel, launcher] = ['kernel SIGINT', 'launcher SIGINT']
    for (const given of [
      [kernel, launcher, kernel, launcher],
      [kernel, kernel, launcher, launcher],
      [launcher, kernel, kernel, launcher],
      [launcher, kernel, launcher, kernel],
    ])
      expect(actionsFor(false, ...given)).to.deep.equal(['stop SIGINT', 'at once'])
  })

  it('SIGHUP reloads, except when stdin is a terminal, whose closing ends it', () => {
    expect(actionsFor(false, 'kernel SIGHUP')).to.deep.equal(['reload'])
    expect(actionsFor(false, 'kernel SIGHUP', 'launcher SIGHUP')).to.deep.equal(['reload'])
    expect(actionsFor(false, 'kernel SIGHUP', 'wait 1000', 'launcher SIGHUP')).to.deep.equal(['reload', 'reload'])
    expect(actionsFor(true, 'kernel SIGHUP')).to.deep.equal(['stop SIGHUP'])
  })
})
