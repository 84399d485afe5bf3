import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import registry from 'ftp-srv/src/commands/registry.js'
import { commandNames } from '../../servers/ftp/commands.ts'
import { Engine } from '../../servers/ftp/engine.ts'
import { PermanentError } from '../../shared/service.ts'
import { RawSession, serveFtp } from './raw-session.ts'

describe('ftp: the adapter to ftp-srv', () => {
  const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const

  it('leaves no listener to signals behind: ending is not its to decide', () => {
    const before = signals.map((signal) => process.listenerCount(signal))
    const engine = new Engine('hello', commandNames)
    expect(signals.map((signal) => process.listenerCount(signal))).to.deep.equal(before)
    engine.close()
  })

  it('leaves none of its handlers in the registry: each entry is one of ours', () => {
    new Engine('hello', commandNames).close()
    expect(Object.keys(registry).sort()).to.deep.equal([...commandNames].sort())
    const handlers = new Set(Object.values(registry).map(({ handler }) => handler))
    expect(handlers.size).to.equal(1)
    expect(String([...handlers][0])).to.include('command.perform()')
  })

  it('says clearly when a part that it replaces is not there any more', () => {
    new Engine('hello', commandNames).close()
    const { NOOP } = registry
    delete registry['NOOP']
    try {
      expect(() => new Engine('hello', commandNames)).to.throw(
        PermanentError,
        /^ftp-srv is not as expected: its command registry .* install exactly/,
      )
    } finally {
      if (NOOP !== undefined) registry['NOOP'] = NOOP
    }
    new Engine('hello', commandNames).close()
  })

  it('keeps no timer and no session of its own once a client is gone', async () => {
    await using running = await serveFtp()
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    for (let n = 0; n < 10; n += 1) {
      using session = await RawSession.open(running)
      await session.ask('QUIT')
      await session.control.closed()
    }
    expect(timers() - before).to.be.lessThan(4)
  })

  it('writes nothing to stdout by itself', async () => {
    const { write } = process.stdout
    const written = new PassThrough()
    process.stdout.write = ((chunk: string) => written.write(chunk)) as typeof write
    try {
      await using running = await serveFtp()
      using session = await RawSession.open(running)
      await session.ask('QUIT')
    } finally {
      process.stdout.write = write
    }
    expect(written.read()).to.equal(null)
  })
})
