import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { fakeDesk, testAccounts } from '../kit/fake-desk.ts'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

describe('ftp: ABOR (RFC 959 §4.1.3)', () => {
  let running: Running
  let home: Home
  const start = async (setup: Parameters<typeof serveFtp>[0] = {}) => {
    running = await serveFtp(setup)
    home = new Home(running)
    await home.put('a', 'old')
  }
  afterEach(() => running.close())

  const nothingChanged = async () => {
    await eventually(async () => expect(await home.names()).to.deep.equal(['a']))
    expect(await home.text('a')).to.equal('old')
  }

  /** Exactly the two replies: what comes next is the answer to what is asked next. */
  const aborted = async (session: RawSession) => {
    expect(await session.reply()).to.equal('426 Transfer aborted, no file was changed')
    expect(await session.reply()).to.equal('226 Abort done')
    expect(await session.ask('NOOP')).to.match(/^200 /)
  }

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

  for (const command of ['RETR a', 'STOR a', 'APPE a', 'STOU', 'LIST', 'NLST']) {
    it(`ends the wait for a data connection, and takes its port away (${command})`, async () => {
      await start()
      using session = await RawSession.open(running)
      const port = await session.passivePort()
      await session.control.command(command)
      await abort(session)
      await aborted(session)
      await refusesConnections(port)
      await nothingChanged()
    })
  }

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

  it('ends an upload that nobody sends anything for', async () => {
    await start()
    using session = await RawSession.open(running)
    const data = await session.passive()
    expect(await session.ask('STOR a')).to.match(/^150 /)
    await abort(session)
    await aborted(session)
    await data.rest()
    await nothingChanged()
  })

  for (const command of ['RETR a', 'STOR a', 'LIST']) {
    it(`in one packet with its command ends it: ${command}`, async () => {
      await start()
      using session = await RawSession.open(running)
      for (let n = 0; n < 5; n += 1) {
        const data = await session.passive()
        await session.control.send(`${command}\r\nABOR\r\n`)
        const replies = [await session.reply()]
        // 150 may have been said before the ABOR was seen.
        if (replies[0]?.startsWith('150')) replies[0] = await session.reply()
        replies.push(await session.reply())
        expect(replies.map((reply) => reply.slice(0, 3))).to.deep.equal(['426', '226'])
        expect(await session.ask('NOOP')).to.match(/^200 /)
        await data.rest()
      }
      await nothingChanged()
    })
  }

  it('ends the wait for TLS on a data connection', async () => {
    await start({ tls: 'starttls' })
    using session = await RawSession.open(running)
    expect(await session.ask('AUTH TLS')).to.match(/^234 /)
    await session.control.startTls()
    await session.ask('USER alice')
    expect(await session.ask(`PASS ${testAccounts['alice']}`)).to.match(/^230 /)
    await session.ask('PBSZ 0')
    expect(await session.ask('PROT P')).to.match(/^200 /)
    const data = await session.passive()
    await session.control.command('RETR a')
    expect(await session.reply()).to.match(/^150 /)
    await abort(session)
    await aborted(session)
    await data.rest()
  })

  it('is answered at once while the disk takes its time; what follows waits for the end of the upload', async () => {
    const disk = Promise.withResolvers<void>()
    let asked = 0
    const sync = async () => {
      asked += 1
      await disk.promise
    }
    await start({ desk: { ...fakeDesk(), sync } })
    using session = await RawSession.open(running)
    const data = await session.passive()
    await session.ask('STOR a')
    await data.send('new')
    data.end()
    await until('all is on its way to the disk', () => asked === 1)
    await abort(session)
    expect(await session.reply()).to.match(/^426 /)
    expect(await session.reply()).to.match(/^226 /)
    await session.control.send('STAT\r\nNOOP\r\n')
    expect(await session.reply()).to.match(/^211-.*No transfer under way/s)
    // It has come with STAT, and is not answered by the time that another one's is.
    using other = await RawSession.open(running)
    expect(await other.ask('NOOP')).to.match(/^200 /)
    expect(session.control.unread).to.equal(0)
    disk.resolve()
    expect(await session.reply()).to.match(/^200 /)
    expect(await home.names()).to.deep.equal(['a'])
    await nothingChanged()
  })

  it('after the moment in which the upload counts is too late: 226 for the file, 226 for ABOR', async () => {
    const disk = Promise.withResolvers<void>()
    let asked = 0
    // The content first, then its name.
    const sync = async () => {
      asked += 1
      if (asked === 2) await disk.promise
    }
    await start({ desk: { ...fakeDesk(), sync } })
    using session = await RawSession.open(running)
    const data = await session.passive()
    await session.ask('STOR a')
    await data.send('new')
    data.end()
    await until('it has its name', () => asked === 2)
    using other = await RawSession.open(running)
    await abort(session)
    // By the time that another one is answered it has arrived.
    expect(await other.ask('NOOP')).to.match(/^200 /)
    expect(session.control.unread).to.equal(0)
    disk.resolve()
    expect(await session.reply()).to.match(/^226 Transfer complete, the file is stored/)
    expect(await session.reply()).to.equal('226 Abort done')
    expect(await session.ask('NOOP')).to.match(/^200 /)
    expect(await home.text('a')).to.equal('new')
    expect(running.journal.of('file.transferred').at(-1)?.fields['complete']).to.equal(true)
  })

  it('with nothing under way is 226 alone', async () => {
    await start()
    using session = await RawSession.open(running)
    for (const how of ['ABOR\r\n', Buffer.from('\xff\xf4\xff\xf2ABOR\r\n', 'latin1')]) {
      await abort(session, how)
      expect(await session.reply()).to.equal('226 Abort done')
      expect(await session.ask('NOOP')).to.match(/^200 /)
    }
    expect((await session.download('RETR a')).toString()).to.equal('old')
    await abort(session)
    expect(await session.reply()).to.equal('226 Abort done')
    await session.ask('PASV')
    await session.control.send('RETR missing\r\nABOR\r\n')
    expect(await session.reply()).to.match(/^550 /)
    expect(await session.reply()).to.match(/^226 /)
  })

  // The system keeps an urgent octet apart, and clients differ in which of the sequence that is: the others are left.
  for (const [which, left] of [
    ['first', '\xf4\xff\xf2'],
    ['second', '\xff\xff\xf2'],
    ['third', '\xff\xf4\xf2'],
    ['fourth', '\xff\xf4\xff'],
  ] as const) {
    it(`is known where the ${which} octet of the Telnet sequence was urgent`, async () => {
      await start()
      using session = await RawSession.open(running)
      for (const line of ['ABOR\r\n', 'abor\r']) {
        await session.passive()
        expect(await session.ask('STOR a')).to.match(/^150 /)
        await abort(session, Buffer.from(`${left}${line}`, 'latin1'))
        await aborted(session)
      }
      await nothingChanged()
    })
  }

  it('split over packets, with the Telnet sequence, at many moments of a transfer', async () => {
    await start()
    await home.put('large', Buffer.alloc(3_000_000))
    using session = await RawSession.open(running)
    for (let n = 0; n < 12; n += 1) {
      const data = await session.passive()
      expect(await session.ask('RETR large')).to.match(/^150 /)
      for (let turn = 0; turn < n; turn += 1) await setImmediate()
      for (const piece of ['\xff', '\xf4\xff', '\xf2A', 'BO', 'R\r', '\n']) await session.control.send(Buffer.from(piece, 'latin1'))
      const first = await session.reply()
      expect(first).to.match(/^(?:426 Transfer aborted|226 Transfer complete)/)
      expect(await session.reply()).to.equal('226 Abort done')
      const octets = await data.rest()
      if (first.startsWith('226')) expect(octets.length).to.equal(3_000_000)
      expect(await session.ask('NOOP')).to.match(/^200 /)
    }
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
