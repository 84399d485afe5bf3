import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { expect } from 'chai'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

const all = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
const lines = Buffer.concat([all, Buffer.from('\r\n\n\r\r\n\0\r'), all])

describe('ftp: transfers', () => {
  let running: Running
  let home: Home
  beforeEach(async () => {
    running = await serveFtp()
    home = new Home(running)
  })
  afterEach(() => running.close())

  describe('downloads', () => {
    it('send every octet as it is in TYPE I, whatever the size', async () => {
      using session = await RawSession.open(running)
      for (const octets of [Buffer.alloc(0), lines, randomBytes(131_072), randomBytes(131_073), randomBytes(1_000_003)]) {
        await home.put('a', octets)
        expect((await session.download('RETR a')).equals(octets), `${octets.length} octets`).to.equal(true)
      }
    })

    it('tell the size with 150 and start where REST says, once', async () => {
      await home.put('a', '0123456789')
      using session = await RawSession.open(running)
      for (const [at, expected] of [
        [0, '0123456789'],
        [4, '456789'],
        [9, '9'],
        [10, ''],
      ] as const) {
        const data = await session.passive()
        expect(await session.ask(`REST ${at}`)).to.match(/^350 /)
        expect(await session.ask('RETR a')).to.equal(`150 Opening data connection for a (${10 - at} bytes)`)
        expect((await data.rest()).toString()).to.equal(expected)
        expect(await session.reply()).to.match(new RegExp(`^226 Transfer complete: ${10 - at} octets in \\d+\\.\\d{3} s`))
      }
      expect((await session.download('RETR a')).toString()).to.equal('0123456789')
      await session.passive()
      await session.ask('REST 11')
      expect(await session.ask('RETR a')).to.match(/^554 /)
      expect((await session.download('RETR a')).toString()).to.equal('0123456789')
    })

    it('send what was opened, though the file is replaced or removed meanwhile', async () => {
      const old = randomBytes(30_000_000)
      await home.put('a', old)
      using session = await RawSession.open(running)
      using other = await RawSession.open(running)
      const data = await session.passive()
      data.pause()
      expect(await session.ask('RETR a')).to.match(/^150 /)
      expect(await other.upload('STOR a', 'new')).to.match(/^226 /)
      expect(await other.ask('DELE a')).to.match(/^250 /)
      data.resume()
      expect((await data.rest()).equals(old)).to.equal(true)
      expect(await session.reply()).to.match(/^226 /)
    })

    it('go actively, too, by PORT and by EPRT', async () => {
      const octets = randomBytes(300_000)
      await home.put('a', octets)
      using session = await RawSession.open(running)
      for (const command of ['PORT', 'EPRT'] as const) {
        const { arrives } = await session.active(command)
        await session.control.command('RETR a')
        const socket = await arrives
        const chunks: Buffer[] = []
        socket.on('data', (chunk: Buffer) => chunks.push(chunk))
        await once(socket, 'end')
        socket.end()
        expect(Buffer.concat(chunks).equals(octets)).to.equal(true)
        expect(await session.reply()).to.match(/^150 /)
        expect(await session.reply()).to.match(/^226 /)
      }
    })
  })

  describe('uploads', () => {
    it('store every octet as it is in TYPE I', async () => {
      using session = await RawSession.open(running)
      for (const octets of [Buffer.alloc(0), lines, randomBytes(1_000_003)]) {
        expect(await session.upload('STOR a', octets)).to.match(
          new RegExp(`^226 Transfer complete, the file is stored: ${octets.length} octets in \\d+\\.\\d{3} s`),
        )
        expect((await home.octets('a')).equals(octets), `${octets.length} octets`).to.equal(true)
      }
      expect(await home.names()).to.deep.equal(['a'])
    })

    it('show nothing of themselves before they are whole, and sync before they say so', async () => {
      await home.put('a', 'old')
      using session = await RawSession.open(running)
      const data = await session.passive()
      expect(await session.ask('STOR a')).to.match(/^150 /)
      await data.send('new')
      using other = await RawSession.open(running)
      expect((await other.download('RETR a')).toString()).to.equal('old')
      expect((await other.download('NLST')).toString()).to.equal('a\r\n')
      expect(running.desk.synced).to.deep.equal([])
      data.end()
      expect(await session.reply()).to.match(/^226 /)
      expect(await home.text('a')).to.equal('new')
      expect(running.desk.synced).to.have.length(2)
      expect(running.desk.synced[0]).to.match(/\.havre-upload-/)
      expect(running.desk.synced[1]).to.equal(home.path())
    })

    it('are not synced where that is switched off', async () => {
      await using careless = await serveFtp({ settings: { files: { sync: 'never' } } })
      using session = await RawSession.open(careless)
      expect(await session.upload('STOR a', 'new')).to.match(/^226 /)
      expect(await session.ask('MKD folder')).to.match(/^257 /)
      expect(await new Home(careless).text('a')).to.equal('new')
      expect(careless.desk.synced).to.deep.equal([])
    })

    it('append, and go on where REST says, but never behind the end', async () => {
      await home.put('a', '0123456789')
      using session = await RawSession.open(running)
      expect(await session.upload('APPE a', 'abc')).to.match(/^226 /)
      expect(await home.text('a')).to.equal('0123456789abc')
      await session.ask('REST 4')
      expect(await session.upload('STOR a', 'xyz')).to.match(/^226 /)
      expect(await home.text('a')).to.equal('0123xyz')
      await session.ask('REST 8')
      await session.passive()
      // The passive connection of before is used up with the refusal.
      await session.ask('REST 8')
      expect(await session.ask('STOR a')).to.match(/^554 /)
      await session.ask('REST 1')
      expect(await session.ask('STOR missing')).to.match(/^554 /)
      expect(await session.upload('STOR a', 'whole')).to.match(/^226 /)
      expect(await home.text('a')).to.equal('whole')
      expect(await session.upload('APPE new', 'n')).to.match(/^226 /)
      expect(await home.names()).to.deep.equal(['a', 'new'])
    })

    it('go actively, too', async () => {
      using session = await RawSession.open(running)
      const { arrives } = await session.active()
      await session.control.command('STOR a')
      const socket = await arrives
      socket.end('from there')
      expect(await session.reply()).to.match(/^150 /)
      expect(await session.reply()).to.match(/^226 /)
      expect(await home.text('a')).to.equal('from there')
    })

    it('take what was sent before they were asked for', async () => {
      using session = await RawSession.open(running)
      const data = await session.passive()
      await data.send('early')
      data.end()
      expect(await session.ask('STOR a')).to.match(/^150 /)
      expect(await session.reply()).to.match(/^226 /)
      expect(await home.text('a')).to.equal('early')
    })

    it('of two to one name leave the one that was completed last', async () => {
      using first = await RawSession.open(running)
      using second = await RawSession.open(running)
      const one = await first.passive()
      const two = await second.passive()
      await first.ask('STOR a')
      await second.ask('STOR a')
      await one.send('the first')
      await two.send('the second')
      two.end()
      expect(await second.reply()).to.match(/^226 /)
      one.end()
      expect(await first.reply()).to.match(/^226 /)
      expect(await home.text('a')).to.equal('the first')
      expect(await home.names()).to.deep.equal(['a'])
    })
  })

  describe('under a name that the server makes (STOU, RFC 1123 §4.1.2.9)', () => {
    const opened = async (session: RawSession, command: string, content: string): Promise<string> => {
      const data = await session.passive()
      const opening = await session.ask(command)
      await data.send(content)
      data.end()
      expect(await session.reply()).to.match(/^226 /)
      const [, name = ''] = /^150 FILE: (.+)$/.exec(opening) ?? []
      expect(name, opening).to.not.equal('')
      return name
    }

    it('tell it before the transfer, a new one each time, like the one that was wished', async () => {
      await home.put('photo.jpg', 'old')
      using session = await RawSession.open(running)
      await session.ask('MKD in')
      const names: string[] = []
      for (const [command, form] of [
        ['STOU', /^upload-[0-9a-f]{12}$/],
        ['STOU', /^upload-[0-9a-f]{12}$/],
        ['STOU photo.jpg', /^photo-[0-9a-f]{12}\.jpg$/],
        ['STOU in/a b', /^in\/a b-[0-9a-f]{12}$/],
      ] as const) {
        const name = await opened(session, command, `${names.length}`)
        expect(name).to.match(form)
        expect((await session.download(`RETR ${name}`)).toString()).to.equal(`${names.length}`)
        names.push(name)
      }
      expect(new Set(names).size).to.equal(4)
      expect(await home.text('photo.jpg')).to.equal('old')
      expect(running.journal.of('file.transferred')[0]?.fields['file']).to.equal(`/${names[0]}`)
    })

    it('begin at their beginning: a restart point is refused', async () => {
      using session = await RawSession.open(running)
      await session.passive()
      await session.ask('REST 1')
      expect(await session.ask('STOU')).to.match(/^554 /)
      expect(await home.names()).to.deep.equal([])
    })
  })

  describe('in TYPE A (RFC 959 §3.1.1.1)', () => {
    it('turn line ends both ways, wherever the octets are split', async () => {
      await home.put('a', `${'x'.repeat(131_071)}\none\ntwo\r\nthree\rend`)
      using session = await RawSession.open(running)
      await session.ask('TYPE A')
      expect((await session.download('RETR a')).toString().slice(131_071)).to.equal('\r\none\r\ntwo\r\nthree\rend')
      const data = await session.passive()
      await session.ask('STOR b')
      await data.trickle('one\r\ntwo\nthree\rfour\r\r\nfive\r')
      data.end()
      expect(await session.reply()).to.match(/^226 /)
      expect(await home.text('b')).to.equal('one\ntwo\nthree\rfour\r\nfive\r')
    })

    it('start nowhere but at the beginning', async () => {
      await home.put('a', '0123')
      using session = await RawSession.open(running)
      await session.ask('TYPE A')
      await session.ask('REST 1')
      expect(await session.ask('RETR a')).to.match(/^554 /)
      await session.ask('REST 1')
      expect(await session.ask('STOR a')).to.match(/^554 /)
      expect(await home.text('a')).to.equal('0123')
    })
  })

  describe('leave their record', () => {
    it('in the journal and in the transfer log', async () => {
      await home.put('down load', '0123')
      using session = await RawSession.open(running)
      await session.download('RETR down load')
      await session.upload('STOR up', 'abc')
      const [down, up] = running.journal.of('file.transferred')
      expect(down?.fields).to.include({ account: 'alice', direction: 'download', file: '/down load', octets: 4, complete: true })
      expect(up?.fields).to.include({ account: 'alice', direction: 'upload', file: '/up', octets: 3, complete: true })
      const time = String.raw`\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}`
      expect(running.journal.written.transfer[0]).to.match(
        new RegExp(`^${time} 1 127\\.0\\.0\\.1 4 /down_load b _ o r alice ftp 0 \\* c$`),
      )
      expect(running.journal.written.transfer[1]).to.match(
        new RegExp(`^${time} 1 127\\.0\\.0\\.1 3 /up b _ i r alice ftp 0 \\* c$`),
      )
      await session.ask('QUIT')
      await session.control.closed()
      await running.close()
      expect(running.journal.of('ftp.session.ended')[0]?.fields).to.include({
        reason: 'quit',
        uploads: 1,
        downloads: 1,
        octetsIn: 3,
        octetsOut: 4,
      })
    })
  })
})
