import { open, stat, truncate } from 'node:fs/promises'
import { expect } from 'chai'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

const GiB = 2 ** 30

describe('ftp: a file of 10 GiB', () => {
  let running: Running
  let home: Home
  beforeEach(async () => {
    running = await serveFtp()
    home = new Home(running)
  })
  afterEach(() => running.close())

  /** Around the limits of 31 and 32 bits, in the middle and at the end: each place says where it is. */
  const places = [0, 2 * GiB - 8, 4 * GiB - 8, 4 * GiB + 24, 7 * GiB + 12_345, 10 * GiB - 16]
  const mark = (at: number) => Buffer.from(`<${String(at).padStart(14, '0')}>`)

  const sparse = async () => {
    const file = await open(home.path('large'), 'w')
    try {
      await file.truncate(10 * GiB)
      for (const at of places) await file.write(mark(at), 0, 16, at)
    } finally {
      await file.close()
    }
  }

  it('tells its size, and is sent from each place exactly', async () => {
    await sparse()
    using session = await RawSession.open(running)
    expect(await session.ask('SIZE large')).to.equal(`213 ${10 * GiB}`)
    for (const at of places) {
      const data = await session.passive()
      expect(await session.ask(`REST ${at}`)).to.match(/^350 /)
      expect(await session.ask('RETR large')).to.equal(`150 Opening data connection for large (${10 * GiB - at} bytes)`)
      expect((await data.octets(16)).toString()).to.equal(mark(at).toString())
      data.pause()
      if (at + 16 === 10 * GiB) {
        expect(await session.reply()).to.match(/^226 Transfer complete: 16 octets/)
        continue
      }
      await session.control.send('ABOR\r\n')
      expect(await session.reply()).to.match(/^426 /)
      expect(await session.reply()).to.match(/^226 /)
    }
  })

  it('is not sent from behind its end', async () => {
    await sparse()
    using session = await RawSession.open(running)
    await session.ask(`REST ${10 * GiB}`)
    expect((await session.download('RETR large')).length).to.equal(0)
    await session.passive()
    await session.ask(`REST ${10 * GiB + 1}`)
    expect(await session.ask('RETR large')).to.match(/^554 /)
  })

  it('that broke off is continued where it was, without being copied', async () => {
    using session = await RawSession.open(running)
    const data = await session.passive()
    await session.ask('STOR large')
    await data.send('begin')
    await until('it has come', async () => (await session.ask('STAT')).includes('under way: 5 octets'))
    data.reset()
    expect(await session.reply()).to.match(/^426 /)
    const [kept = ''] = await home.names()
    await truncate(home.path(kept), 10 * GiB)
    expect(await session.ask('SIZE large')).to.equal(`213 ${10 * GiB}`)
    await session.ask(`REST ${10 * GiB}`)
    expect(await session.upload('STOR large', 'end')).to.match(/^226 Transfer complete, the file is stored: 3 octets/)
    const { size, blocks } = await stat(home.path('large'))
    expect(size).to.equal(10 * GiB + 3)
    expect(blocks * 512).to.be.lessThan(1_000_000)
    await session.ask(`REST ${10 * GiB - 2}`)
    expect(await session.download('RETR large')).to.deep.equal(Buffer.from('\0\0end'))
  })
})
