import { randomBytes } from 'node:crypto'
import { appendFile, truncate } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { fakeDesk } from '../kit/fake-desk.ts'
import type { Running } from '../kit/serving.ts'
import { SmallDisk } from '../kit/small-disk.ts'
import { turns } from '../kit/turns.ts'
import { undisturbed } from '../kit/undisturbed.ts'
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
    // The hidden file goes just after the record.
    await eventually(async () => expect(await home.names()).to.deep.equal(['a']))
    expect((await home.octets('a')).length).to.equal(3)
    expect(await home.text('a')).to.equal('old')
  }
  const incomplete = async () => {
    await until('the transfer is journalled', () => running.journal.of('file.transferred').length > 0)
    expect(running.journal.of('file.transferred').at(-1)?.fields['complete']).to.equal(false)
    expect(running.journal.written.transfer.at(-1)).to.match(/ i$/)
  }
  /** A client sends all of a file, and is gone by the time the disk has it. */
  const goneMeanwhile = async (name: string) => {
    const disk = Promise.withResolvers<void>()
    let asked = 0
    const slow = async () => {
      asked += 1
      await disk.promise
    }
    await start({ desk: { ...fakeDesk(), sync: slow } })
    using session = await RawSession.open(running)
    const data = await session.passive()
    await session.ask(`STOR ${name}`)
    await data.send('new')
    data.end()
    await until('all is on its way to the disk', () => asked === 1)
    session.control.end()
    await turns(20)
    disk.resolve()
    expect(await session.reply()).to.match(/^426 /)
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
      await goneMeanwhile('a')
      await nothingChanged()
      await incomplete()
    })

    it('of a client that is gone by the time the disk has all of a new file can be continued: nothing came for nothing', async () => {
      await goneMeanwhile('b')
      await incomplete()
      using again = await RawSession.open(running)
      await eventually(async () => expect(await again.ask('SIZE b')).to.equal('213 3'))
      const rest = await again.passive()
      await again.ask('REST 3')
      await again.ask('STOR b')
      await rest.send('er')
      rest.end()
      expect(await again.reply()).to.match(/^226 /)
      expect(await home.text('b')).to.equal('newer')
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
      using disk = new SmallDisk()
      await start({
        prepare: disk.prepare,
      })
      if (disk.folder === null) this.skip() // needs root
      using session = await RawSession.open(running)
      const data = await session.passive()
      expect(await session.ask('STOR a')).to.match(/^150 /)
      await data.send(randomBytes(3_000_000))
      expect(await session.reply()).to.equal('452 No room left; the old file, if any, is as it was')
      await nothingChanged()
      await incomplete()
      expect(await session.upload('STOR a', 'fits')).to.match(/^226 /)
      expect(await home.text('a')).to.equal('fits')
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

    it('of a file that becomes shorter meanwhile get 451, and never octets that it has not', async () => {
      await start()
      await home.put('large', Buffer.alloc(30_000_000, 'x'))
      using session = await RawSession.open(running)
      const data = await session.passive()
      data.pause()
      expect(await session.ask('RETR large')).to.equal('150 Opening data connection for large (30000000 bytes)')
      await truncate(home.path('large'), 20_000_000)
      data.resume()
      const octets = await data.rest()
      expect(octets.length).to.be.at.most(20_000_000)
      expect(octets.equals(Buffer.alloc(octets.length, 'x'))).to.equal(true)
      expect(await session.reply()).to.match(/^451 Transfer broken off: the file became shorter/)
      await incomplete()
    })

    it('of a file that grows meanwhile send what it had', async () => {
      await start()
      await home.put('large', Buffer.alloc(30_000_000, 'x'))
      using session = await RawSession.open(running)
      const data = await session.passive()
      data.pause()
      await session.ask('RETR large')
      await appendFile(home.path('large'), 'more')
      data.resume()
      expect((await data.rest()).equals(Buffer.alloc(30_000_000, 'x'))).to.equal(true)
      expect(await session.reply()).to.match(/^226 /)
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

    it('octets on the data connection count as activity; a stall ends the session with 421', () =>
      undisturbed(500, async () => {
        // Long beside the pauses, which are longer than it together.
        await start({ limits: { idleMs: 1_500 } })
        try {
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
        } finally {
          await running.close()
        }
      }))

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
