import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import type { Running } from '../kit/serving.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

const content = randomBytes(900_000)
const came = 500_000

describe('ftp: uploads that broke off are continued', () => {
  let running: Running
  let home: Home
  const start = async (setup: Parameters<typeof serveFtp>[0] = {}) => {
    running = await serveFtp(setup)
    home = new Home(running)
  }
  afterEach(() => running.close())

  /** Begins an upload, and returns when its first part is there. */
  const begin = async (session: RawSession, command = 'STOR b') => {
    const data = await session.passive()
    expect(await session.ask(command)).to.match(/^150 /)
    await data.send(content.subarray(0, came))
    await until('it has come', async () => (await session.ask('STAT')).includes(`under way: ${came} octets`))
    return data
  }
  /** An upload that broke off. */
  const broken = async (session: RawSession, command?: string) => {
    ;(await begin(session, command)).reset()
    expect(await session.reply()).to.match(/^426 /)
  }
  const isWhole = async () => {
    expect((await home.octets('b')).equals(content)).to.equal(true)
    await eventually(async () => expect(await home.names()).to.deep.equal(['b']))
  }

  describe('from where SIZE says', () => {
    for (const command of ['STOR', 'APPE']) {
      it(`with REST and ${command}`, async () => {
        await start()
        using session = await RawSession.open(running)
        await broken(session)
        expect(await session.ask('SIZE b')).to.equal(`213 ${came}`)
        expect(await session.ask(`REST ${came}`)).to.match(/^350 /)
        expect(await session.upload(`${command} b`, content.subarray(came))).to.match(/^226 /)
        await isWhole()
      })
    }

    it('with APPE alone, which without SIZE begins a new file', async () => {
      await start()
      using session = await RawSession.open(running)
      await broken(session)
      expect(await session.ask('SIZE b')).to.equal(`213 ${came}`)
      expect(await session.upload('APPE b', content.subarray(came))).to.match(/^226 /)
      await isWhole()
      expect(await session.ask('DELE b')).to.match(/^250 /)
      await broken(session)
      expect(await session.upload('APPE b', 'new')).to.match(/^226 /)
      expect(await home.text('b')).to.equal('new')
      expect(await home.names()).to.deep.equal(['b'])
    })

    it('by another session, in pieces, each of which breaks off', async () => {
      await start()
      {
        using session = await RawSession.open(running)
        await broken(session)
      }
      using session = await RawSession.open(running)
      for (let at = came; at < content.length; at += 100_000) {
        expect(await session.ask('SIZE b')).to.equal(`213 ${at}`)
        await session.ask(`REST ${at}`)
        const data = await session.passive()
        await session.ask('STOR b')
        await data.send(content.subarray(at, at + 100_000))
        await until('it has come', async () => (await session.ask('STAT')).includes('under way: 100000 octets'))
        data.reset()
        expect(await session.reply()).to.match(/^426 /)
      }
      await session.ask(`REST ${content.length}`)
      expect(await session.upload('STOR b', '')).to.match(/^226 /)
      await isWhole()
    })
  })

  it('from earlier on: what is behind the restart point goes; not from behind its end', async () => {
    await start()
    using session = await RawSession.open(running)
    await broken(session)
    await session.passive()
    await session.ask(`REST ${came + 1}`)
    expect(await session.ask('STOR b')).to.match(/^554 /)
    expect(await session.ask('SIZE b')).to.equal(`213 ${came}`)
    await session.ask('REST 1000')
    expect(await session.upload('STOR b', content.subarray(1000))).to.match(/^226 /)
    await isWhole()
  })

  it('REST 0 is none: the upload begins anew', async () => {
    await start()
    using session = await RawSession.open(running)
    await broken(session)
    await session.ask('REST 0')
    expect(await session.upload('STOR b', 'new')).to.match(/^226 /)
    expect(await home.text('b')).to.equal('new')
    expect(await home.names()).to.deep.equal(['b'])
    await session.ask('REST 0')
    expect((await session.download('RETR b')).toString()).to.equal('new')
  })

  describe('however they broke off', () => {
    const continued = async () => {
      using session = await RawSession.open(running)
      await until('it is kept', async () => (await session.ask('SIZE b')) === `213 ${came}`)
      await until('the old upload is over', () => running.journal.of('file.transferred').length === 1)
      await session.ask(`REST ${came}`)
      expect(await session.upload('STOR b', content.subarray(came))).to.match(/^226 /)
      await isWhole()
    }

    it('by ABOR', async () => {
      await start()
      using session = await RawSession.open(running)
      await begin(session)
      await session.control.send('ABOR\r\nSIZE b\r\n')
      expect(await session.reply()).to.match(/^426 /)
      expect(await session.reply()).to.match(/^226 /)
      expect(await session.reply()).to.equal(`213 ${came}`)
      await continued()
    })

    it('because the control connection is gone', async () => {
      await start()
      using session = await RawSession.open(running)
      await begin(session)
      session.control.reset()
      await continued()
    })

    it('because both connections were closed, without QUIT', async () => {
      await start()
      using session = await RawSession.open(running)
      const data = await begin(session)
      session.control.end()
      data.end()
      await continued()
    })

    it('because nothing came for too long', () =>
      undisturbed(500, async () => {
        await start({ limits: { idleMs: 1_500 } })
        try {
          using session = await RawSession.open(running)
          await begin(session)
          expect(await session.reply()).to.match(/^421 /)
          await continued()
        } finally {
          await running.close()
        }
      }))
  })

  it('while the old connection has not noticed yet that its client is gone', async () => {
    await start()
    using gone = await RawSession.open(running)
    await begin(gone)
    using session = await RawSession.open(running)
    await until('it is written', async () => (await session.ask('SIZE b')) === `213 ${came}`)
    await session.ask(`REST ${came}`)
    expect(await session.upload('STOR b', content.subarray(came))).to.match(/^226 /)
    expect(await gone.reply()).to.match(/^426 /)
    await isWhole()
    expect(running.journal.of('file.transferred').map(({ fields }) => fields['why'])).to.deep.equal(['continued', null])
  })

  it('although the first try to continue comes to nothing', async () => {
    await start()
    using session = await RawSession.open(running)
    await broken(session)
    await session.ask(`REST ${came}`)
    expect(await session.ask('STOR b')).to.match(/^425 /)
    expect(await session.ask('SIZE b')).to.equal(`213 ${came}`)
    await session.passive()
    await session.control.send(`REST ${came}\r\nSTOR b\r\nABOR\r\n`)
    while (!(await session.reply()).startsWith('226'));
    expect(await session.ask('SIZE b')).to.equal(`213 ${came}`)
  })

  it('but what was kept is no file yet: only its length is told, and DELE removes it', async () => {
    await start()
    using session = await RawSession.open(running)
    await broken(session)
    for (const command of ['MDTM b', 'RETR b', 'RNFR b']) expect(await session.ask(command), command).to.match(/^550 /)
    expect((await session.download('NLST')).toString()).to.equal('')
    expect(await session.ask('DELE b')).to.match(/^250 /)
    expect(await session.ask('SIZE b')).to.match(/^550 /)
    expect(await home.names()).to.deep.equal([])
  })

  it('but not of a name that has a file: SIZE and REST mean that, and nothing is kept beside it', async () => {
    await start()
    await home.put('b', '0123456789')
    using session = await RawSession.open(running)
    await broken(session)
    expect(await session.ask('SIZE b')).to.equal('213 10')
    expect(await home.names()).to.deep.equal(['b'])
    await broken(session, 'APPE b')
    expect(await home.names()).to.deep.equal(['b'])
    expect(await home.text('b')).to.equal('0123456789')
    await session.ask('REST 4')
    expect(await session.upload('APPE b', 'xyz')).to.match(/^226 /)
    expect(await home.text('b')).to.equal('0123xyz')
  })

  it('but not text: its octets are counted otherwise by its client', async () => {
    await start()
    using session = await RawSession.open(running)
    await session.ask('TYPE A')
    const data = await session.passive()
    await session.ask('STOR b')
    await data.send('one\r\ntwo\r\n')
    await until('it has come', async () => (await session.ask('STAT')).includes('under way: 10 octets'))
    data.reset()
    expect(await session.reply()).to.match(/^426 /)
    await session.ask('TYPE I')
    expect(await session.ask('SIZE b')).to.match(/^550 /)
    expect(await home.names()).to.deep.equal([])
  })

  it('two to one new name, neither continued: the last one that is complete wins, and nothing stays beside it', async () => {
    await start()
    using first = await RawSession.open(running)
    using second = await RawSession.open(running)
    const one = await begin(first)
    const two = await begin(second)
    two.end()
    expect(await second.reply()).to.match(/^226 /)
    one.reset()
    expect(await first.reply()).to.match(/^426 /)
    expect((await home.octets('b')).equals(content.subarray(0, came))).to.equal(true)
    expect(await home.names()).to.deep.equal(['b'])
  })
})
