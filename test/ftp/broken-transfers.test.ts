import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { fakeDesk } from '../kit/fake-desk.ts'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

describe('ftp: transfers that break', () => {
  let running: Running
  let home: Home
  const start = async (setup: Parameters<typeof serveFtp>[0] = {}) => {
    running = await serveFtp(setup)
    home = new Home(running)
    await home.put('a', 'old')
  }
  afterEach(() => running.close())

  const nothingChanged = async () => {
    expect(await home.names()).to.deep.equal(['a'])
    expect((await home.octets('a')).length).to.equal(3)
    expect(await home.text('a')).to.equal('old')
  }
  const incomplete = async () => {
    await until('the transfer is journalled', () => running.journal.of('file.transferred').length > 0)
    expect(running.journal.of('file.transferred').at(-1)?.fields['complete']).to.equal(false)
    expect(running.journal.written.transfer.at(-1)).to.match(/ i$/)
  }

  describe('uploads', () => {
    for (const command of ['STOR', 'APPE']) {
      it(`of a data connection that is reset change nothing (${command})`, async () => {
        await start()
        using session = await RawSession.open(running)
        const data = await session.passive()
        await session.ask(`${command} a`)
        await data.send(randomBytes(200_000))
        data.reset()
        expect(await session.reply()).to.match(/^426 /)
        await nothingChanged()
        await incomplete()
        expect(await session.ask('NOOP')).to.match(/^200 /)
        expect(await session.upload('STOR a', 'new')).to.match(/^226 /)
      })
    }

    it('of a client that is gone change nothing: control connection reset', async () => {
      await start()
      using session = await RawSession.open(running)
      const data = await session.passive()
      await session.ask('STOR a')
      await data.send('new')
      session.control.reset()
      data.end()
      await incomplete()
      await nothingChanged()
    })

    it('of a client that is gone change nothing: both connections closed, in either order, without QUIT', async () => {
      await start()
      for (const controlFirst of [true, false]) {
        using session = await RawSession.open(running)
        const data = await session.passive()
        await session.ask('STOR a')
        await data.send('new')
        if (controlFirst) session.control.end()
        data.end()
        if (!controlFirst) session.control.end()
        expect(await session.reply()).to.match(/^426 /)
        await incomplete()
        await nothingChanged()
      }
    })

    it('of a client that is gone by the time the disk has it all change nothing', async () => {
      const disk = Promise.withResolvers<void>()
      let asked = 0
      const slow = async () => {
        asked += 1
        await disk.promise
      }
      await start({ desk: { ...fakeDesk(), sync: slow } })
      using session = await RawSession.open(running)
      const data = await session.passive()
      await session.ask('STOR a')
      await data.send('new')
      data.end()
      await until('all is on its way to the disk', () => asked === 1)
      session.control.end()
      await sleep(20)
      disk.resolve()
      expect(await session.reply()).to.match(/^426 /)
      await nothingChanged()
      await incomplete()
    })

    it('behind which QUIT was said are complete though the client sends no more', async () => {
      await start()
      using session = await RawSession.open(running)
      const data = await session.passive()
      await session.control.send('STOR a\r\nQUIT\r\n')
      session.control.end()
      expect(await session.reply()).to.match(/^150 /)
      await data.send('new')
      data.end()
      expect(await session.reply()).to.match(/^226 /)
      expect(await session.reply()).to.match(/^221 /)
      await session.control.closed()
      expect(await home.text('a')).to.equal('new')
    })

    it('without room are told so, and the old file stays', async function () {
      const mounted: string[] = []
      await start({
        prepare: async ({ data }) => {
          const disk = join(data, 'files', 'alice')
          await mkdir(disk, { recursive: true })
          if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]).status === 0) mounted.push(disk)
        },
      })
      if (mounted.length === 0) this.skip() // needs root
      try {
        using session = await RawSession.open(running)
        const data = await session.passive()
        expect(await session.ask('STOR a')).to.match(/^150 /)
        await data.send(randomBytes(3_000_000))
        expect(await session.reply()).to.equal('452 No room left; the old file, if any, is as it was')
        await nothingChanged()
        await incomplete()
        expect(await session.upload('STOR a', 'fits')).to.match(/^226 /)
        expect(await home.text('a')).to.equal('fits')
      } finally {
        for (const disk of mounted) spawnSync('umount', ['-l', disk])
      }
    })

    it('that cannot be made durable are not said to be stored', async () => {
      await start()
      using session = await RawSession.open(running)
      running.desk.fail(true)
      expect(await session.upload('STOR a', 'new')).to.match(/^451 /)
      await nothingChanged()
      running.desk.fail(false)
      expect(await session.upload('STOR a', 'new')).to.match(/^226 /)
    })
  })

  describe('downloads', () => {
    it('of a data connection that is closed or reset get 426', async () => {
      await start()
      await home.put('large', Buffer.alloc(30_000_000))
      using session = await RawSession.open(running)
      for (const end of ['reset', 'dispose'] as const) {
        const data = await session.passive()
        data.pause()
        await session.ask('RETR large')
        if (end === 'reset') data.reset()
        else data[Symbol.dispose]()
        expect(await session.reply()).to.match(/^426 /)
        await incomplete()
      }
      expect((await session.download('RETR a')).toString()).to.equal('old')
    })

    it('of a client that is gone end with it', async () => {
      await start()
      await home.put('large', Buffer.alloc(30_000_000))
      using session = await RawSession.open(running)
      const data = await session.passive()
      data.pause()
      await session.ask('RETR large')
      session.control.reset()
      await incomplete()
      await until('the session is over', () => running.open === 0)
    })
  })

  describe('ABOR', () => {
    const abort = (session: RawSession, how: string | Buffer = 'ABOR\r\n') => session.control.send(how)

    it('ends a download that nobody reads: 426, 226, and the session goes on (RFC 959 §4.1.3)', async () => {
      await start()
      await home.put('large', Buffer.alloc(30_000_000))
      using session = await RawSession.open(running)
      for (const how of [
        'ABOR\r\n',
        Buffer.from('\xff\xf4\xff\xf2ABOR\r\n', 'latin1'),
        Buffer.from('\xff\xf4\xf2abor\r\n', 'latin1'),
        'ABOR\r',
      ]) {
        const data = await session.passive()
        data.pause()
        expect(await session.ask('RETR large')).to.match(/^150 /)
        await abort(session, how)
        expect(await session.reply()).to.equal('426 Transfer aborted, no file was changed')
        expect(await session.reply()).to.equal('226 Abort done')
        data.resume()
        await data.rest()
        expect(await session.ask('NOOP')).to.match(/^200 /)
      }
      expect((await session.download('RETR a')).toString()).to.equal('old')
    })

    it('ends an upload, and nothing has changed', async () => {
      await start()
      using session = await RawSession.open(running)
      const data = await session.passive()
      await session.ask('STOR a')
      await data.send('new')
      await abort(session)
      expect(await session.reply()).to.match(/^426 /)
      expect(await session.reply()).to.match(/^226 /)
      await nothingChanged()
      expect(running.journal.of('file.transferred').at(-1)?.fields['why']).to.equal('client')
      expect(await session.upload('STOR a', 'new')).to.match(/^226 /)
    })

    it('ends the wait for a data connection, and takes its port away', async () => {
      await start()
      using session = await RawSession.open(running)
      const port = await session.passivePort()
      await session.control.command('RETR a')
      await abort(session)
      expect(await session.reply()).to.match(/^426 /)
      expect(await session.reply()).to.match(/^226 /)
      await refusesConnections(port)
    })

    it('closes a data connection that was prepared and not used', async () => {
      await start()
      using session = await RawSession.open(running)
      const data = await session.passive()
      expect(await session.ask('ABOR')).to.match(/^226 /)
      await data.rest()
      expect(await session.ask('RETR a')).to.match(/^425 /)
    })

    it('is answered in its turn when other commands wait before it', async () => {
      await start()
      await home.put('large', Buffer.alloc(30_000_000))
      using session = await RawSession.open(running)
      const data = await session.passive()
      data.pause()
      expect(await session.ask('RETR large')).to.match(/^150 /)
      await session.control.send('PWD\r\nSYST\r\nABOR\r\nNOOP\r\n')
      const codes: string[] = []
      for (let n = 0; n < 5; n += 1) codes.push((await session.reply()).slice(0, 3))
      expect(codes).to.deep.equal(['426', '257', '215', '226', '200'])
    })
  })

  describe('while one is under way', () => {
    it('STAT is answered at once, other commands in their turn', async () => {
      await start()
      await home.put('large', Buffer.alloc(30_000_000))
      using session = await RawSession.open(running)
      const data = await session.passive()
      data.pause()
      await session.ask('RETR large')
      const status = await session.ask('STAT')
      expect(status)
        .to.match(/^211-/)
        .and.match(/\n Transfer under way: \d+ octets so far\n211 End/)
      await session.control.send('NOOP\r\nSTAT\r\nPWD\r\n')
      data.resume()
      expect((await data.rest()).length).to.equal(30_000_000)
      expect(await session.reply()).to.match(/^226 /)
      expect(await session.reply()).to.match(/^200 /)
      expect(await session.reply()).to.match(/^211-.*No transfer under way/s)
      expect(await session.reply()).to.match(/^257 /)
    })

    it('octets on the data connection count as activity; a stall ends the session with 421', async () => {
      // Long beside the pauses, so that a busy machine makes no stall of them; together they are longer than it.
      await start({ limits: { idleMs: 1_500 } })
      using session = await RawSession.open(running)
      const data = await session.passive()
      await session.ask('STOR a')
      for (let n = 0; n < 20; n += 1) {
        await data.send('x')
        await sleep(100)
      }
      expect(session.control.ended).to.equal(false)
      expect(await session.reply()).to.equal('421 No activity for too long, closing')
      await session.control.closed()
      await nothingChanged()
      await incomplete()
    })

    it('a stop waits for it, and then says 421', async () => {
      await start()
      using session = await RawSession.open(running)
      using idle = await RawSession.open(running)
      const data = await session.passive()
      await session.ask('STOR a')
      await data.send('ne')
      const closed = running.close()
      expect(await idle.reply()).to.match(/^421 /)
      await data.send('w')
      data.end()
      expect(await session.reply()).to.match(/^226 /)
      expect(await session.reply()).to.match(/^421 /)
      await session.control.closed()
      await closed
      expect(running.journal.of('file.transferred').at(-1)?.fields['complete']).to.equal(true)
    })

    it('a slow client holds no memory and delays nobody', async () => {
      await start()
      await home.put('large', Buffer.alloc(200_000_000))
      using slow = await RawSession.open(running)
      using other = await RawSession.open(running)
      const data = await slow.passive()
      data.pause()
      const before = process.memoryUsage().arrayBuffers
      await slow.ask('RETR large')
      for (let n = 0; n < 20; n += 1) expect((await other.download('RETR a')).toString()).to.equal('old')
      expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(8_000_000)
      data.reset()
      expect(await slow.reply()).to.match(/^426 /)
    })
  })
})

const refusesConnections = async (port: number): Promise<void> => {
  const { connect } = await import('node:net')
  await until(`nobody listens on ${port}`, async () => {
    const socket = connect(port, '127.0.0.1')
    const refused = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false))
      socket.once('error', () => resolve(true))
    })
    socket.destroy()
    return refused
  })
}
