import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import Dispatcher from 'ftp-srv/src/commands/index.js'
import registry from 'ftp-srv/src/commands/registry.js'
import FramedConnection from 'ftp-srv/src/connection.js'
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

  it('holds a session with nobody at the start, and says clearly when the frame does not do its part', async () => {
    const engine = new Engine('hello', commandNames)
    await engine.rehearse('NOOP')
    const { reply } = FramedConnection.prototype
    const { handle } = Dispatcher.prototype
    const failing = async (): Promise<void> => {
      let failed: unknown = null
      await engine.rehearse('NOOP').catch((error: unknown) => {
        failed = error
      })
      expect(failed).to.be.instanceOf(PermanentError)
      expect(String(failed)).to.match(/ftp-srv is not as expected: what it says in a session /)
    }
    try {
      // As a later version might: its own words before ours, a command that it does not hand over.
      FramedConnection.prototype.reply = function (this: object, code: number, letter: { message: string }) {
        return reply.call(this, code, { ...letter, message: `${code} ${letter.message}` })
      }
      await failing()
      FramedConnection.prototype.reply = reply
      Dispatcher.prototype.handle = () => Promise.resolve()
      await failing()
    } finally {
      FramedConnection.prototype.reply = reply
      Dispatcher.prototype.handle = handle
      engine.close()
    }
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
