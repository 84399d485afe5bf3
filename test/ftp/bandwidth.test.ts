import { expect } from 'chai'
import type { Running } from '../kit/serving.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

describe('ftp: what the transfers of an account may take', () => {
  let running: Running
  let home: Home
  const start = async (files: Parameters<typeof serveFtp>[0] & object) => {
    running = await serveFtp(files)
    home = new Home(running)
  }
  afterEach(() => running.close())

  const limited = (octets: number) => ({ settings: { files: { bandwidth: { uploadOctets: octets, downloadOctets: octets } } } })
  const tookMs = () => Number(running.journal.of('file.transferred').at(-1)?.fields['durationMs'])

  describe('files.bandwidth', () => {
    it('slows downloads and uploads down, whole files and all', async () => {
      await start(limited(400_000))
      const octets = Buffer.alloc(400_000, 'x')
      using session = await RawSession.open(running)
      expect(await session.upload('STOR a', octets)).to.match(/^226 /)
      expect(tookMs()).to.be.at.least(800)
      expect((await session.download('RETR a')).equals(octets)).to.equal(true)
      expect(tookMs()).to.be.at.least(800)
      expect((await home.octets('a')).equals(octets)).to.equal(true)
    })

    it('holds for all sessions of an account together, and not for others', async () => {
      await start({
        settings: {
          files: {
            bandwidth: { uploadOctets: null, downloadOctets: 400_000 },
            accounts: { bob: { bandwidth: { uploadOctets: null, downloadOctets: null } } },
          },
        },
      })
      await home.put('a', Buffer.alloc(200_000))
      using first = await RawSession.open(running)
      using second = await RawSession.open(running)
      await Promise.all([first.download('RETR a'), second.download('RETR a')])
      expect(tookMs()).to.be.at.least(800)
      using bob = await RawSession.open(running, 'bob')
      expect(await bob.upload('STOR a', Buffer.alloc(5_000_000))).to.match(/^226 /)
      expect((await bob.download('RETR a')).length).to.equal(5_000_000)
    })

    it('is no idleness: who waits for a turn is not told to go', () =>
      undisturbed(500, async () => {
        await start({ ...limited(20_000), limits: { idleMs: 2_000 } })
        try {
          await home.put('a', Buffer.alloc(60_000))
          using session = await RawSession.open(running)
          expect((await session.download('RETR a')).length).to.equal(60_000)
        } finally {
          await running.close()
        }
      }))

    it('does not delay ABOR', async () => {
      await start(limited(100))
      await home.put('a', Buffer.alloc(60_000))
      using session = await RawSession.open(running)
      for (const command of ['RETR a', 'STOR b']) {
        const data = await session.passive()
        expect(await session.ask(command)).to.match(/^150 /)
        if (command === 'STOR b') await data.send(Buffer.alloc(60_000))
        await until('octets are on their way', async () => /under way: [1-9]/.test(await session.ask('STAT')))
        await session.control.send('ABOR\r\n')
        expect(await session.reply()).to.match(/^426 /)
        expect(await session.reply()).to.match(/^226 /)
        await data.rest()
      }
    })
  })

  describe('files.transfers', () => {
    it('refuses with 450 what is too much at once; lists do not count', async () => {
      await start({ settings: { files: { transfers: 1 } } })
      await home.put('a', 'content')
      using first = await RawSession.open(running)
      using second = await RawSession.open(running)
      using bob = await RawSession.open(running, 'bob')
      const data = await first.passive()
      expect(await first.ask('STOR b')).to.match(/^150 /)
      for (const command of ['RETR a', 'STOR c', 'APPE a', 'STOU']) {
        const refused = await second.passive()
        expect(await second.ask(command)).to.equal('450 As many transfers of this account are under way as may be, try again')
        await refused.rest()
      }
      expect((await second.download('NLST')).toString()).to.equal('a\r\n')
      expect(await bob.upload('STOR a', 'his own')).to.match(/^226 /)
      await data.send('new')
      data.end()
      expect(await first.reply()).to.match(/^226 /)
      expect((await second.download('RETR a')).toString()).to.equal('content')
      expect(await home.names()).to.deep.equal(['a', 'b'])
      expect(running.journal.of('ftp.limit.reached')[0]?.fields).to.include({ limit: 'transfers', value: 1 })
    })

    it('counts no transfer that is over, however it ended', async () => {
      await start({ settings: { files: { transfers: 1 } } })
      await home.put('a', Buffer.alloc(30_000_000))
      using session = await RawSession.open(running)
      const broken = await session.passive()
      broken.pause()
      await session.ask('RETR a')
      broken.reset()
      expect(await session.reply()).to.match(/^426 /)
      expect(await session.ask('RETR a')).to.match(/^425 /)
      expect(await session.ask('RETR missing')).to.match(/^550 /)
      await session.passive()
      await session.control.send('RETR a\r\nABOR\r\n')
      while (!(await session.reply()).startsWith('226'));
      expect((await session.download('RETR a')).length).to.equal(30_000_000)
    })
  })
})
