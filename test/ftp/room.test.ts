import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import type { Running, Setup } from '../kit/serving.ts'
import { SmallDisk } from '../kit/small-disk.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

describe('ftp: uploads for which there is no room', () => {
  let running: Running
  let home: Home
  const start = async (setup: Partial<Setup> = {}) => {
    running = await serveFtp(setup)
    home = new Home(running)
    await home.put('a', 'old')
  }
  afterEach(() => running.close())

  const quota = (octets: number) => ({ settings: { files: { quota: { octets } } } })

  /** Sends without end, until the server ends it. @returns octets that the system took */
  const pour = async (session: RawSession, command: string): Promise<number> => {
    const { socket } = await session.passive()
    expect(await session.ask(command)).to.match(/^150 /)
    const ended = Promise.withResolvers<void>()
    // What arrives too late is answered with a reset: an error, which the client's class keeps.
    socket.once('close', () => ended.resolve())
    let octets = 0
    for (const chunk = randomBytes(65_536); !socket.destroyed; octets += chunk.length) {
      const taken = Promise.withResolvers<void>()
      if (socket.write(chunk, () => taken.resolve())) continue
      await Promise.race([taken.promise, ended.promise])
    }
    return octets
  }
  const nothingChanged = async () => {
    await eventually(async () => expect(await home.names()).to.deep.equal(['a']))
    expect(await home.text('a')).to.equal('old')
    expect(running.journal.of('file.transferred').at(-1)?.fields['complete']).to.equal(false)
  }

  it('are told so in the middle, at once: 552 over the quota, and the old file stays', async () => {
    await start(quota(1_000_000))
    using session = await RawSession.open(running)
    for (const command of ['STOR a', 'APPE a', 'STOR new']) {
      // What is under way in the system's buffers does not count.
      expect(await pour(session, command), command).to.be.lessThan(60_000_000)
      expect(await session.reply()).to.equal('552 Your quota is used up; the old file, if any, is as it was')
      await nothingChanged()
    }
    expect(await session.upload('STOR a', 'fits')).to.match(/^226 /)
    expect(await home.text('a')).to.equal('fits')
  })

  it('ALLO tells before anything is sent', async () => {
    await start(quota(1_000))
    using session = await RawSession.open(running)
    expect(await session.ask('ALLO 997')).to.match(/^200 /)
    expect(await session.ask('ALLO 998')).to.equal('552 There is room for 997 octets')
    expect(await session.upload('STOR b', Buffer.alloc(997))).to.match(/^226 /)
    expect(await session.ask('ALLO 1')).to.match(/^552 /)
    expect(await session.ask('ALLO 0')).to.match(/^200 /)
  })

  it('what was kept of one that was continued over the quota is still there: there may be room later', async () => {
    await start(quota(1_000_000))
    using session = await RawSession.open(running)
    const data = await session.passive()
    await session.ask('STOR b')
    await data.send(Buffer.alloc(600_000))
    await until('it has come', async () => (await session.ask('STAT')).includes('under way: 600000 octets'))
    await session.control.send('ABOR\r\n')
    expect(await session.reply()).to.match(/^426 /)
    expect(await session.reply()).to.match(/^226 /)
    const kept = Number((await session.ask('SIZE b')).slice(4))
    expect(kept).to.equal(600_000)
    await session.ask(`REST ${kept}`)
    await pour(session, 'STOR b')
    expect(await session.reply()).to.match(/^552 /)
    expect(Number((await session.ask('SIZE b')).slice(4))).to.be.at.least(kept)
    // Begun anew it may take all the room there is.
    expect(await session.upload('STOR b', Buffer.alloc(999_990))).to.match(/^226 /)
    expect(await home.names()).to.deep.equal(['a', 'b'])
  })

  it('on a full disk: 452 in the middle, at once, and the old file stays', async function () {
    using disk = new SmallDisk()
    await start({
      prepare: disk.prepare,
    })
    if (disk.folder === null) this.skip() // needs root
    using session = await RawSession.open(running)
    for (const command of ['STOR a', 'APPE a', 'STOR new']) {
      expect(await pour(session, command), command).to.be.lessThan(60_000_000)
      expect(await session.reply()).to.equal('452 No room left; the old file, if any, is as it was')
      await nothingChanged()
    }
    expect(running.journal.of('ftp.store.failed')[0]?.fields).to.include({ command: 'upload', code: 'full' })
    expect(await session.upload('STOR a', 'fits')).to.match(/^226 /)
  })
})
