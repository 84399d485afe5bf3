import { expect } from 'chai'
import { fromWire, type Representation, toWire } from '../../servers/ftp/representation.ts'
import { seeded } from '../kit/seeded.ts'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

/** Whatever pieces it comes in. */
const through = (conversion: ReturnType<typeof toWire>, octets: Buffer, pieces: (source: Buffer) => readonly Buffer[]): Buffer => {
  if (conversion === null) throw new Error('nothing is converted')
  return Buffer.concat([...pieces(octets).map((piece) => Buffer.from(conversion.turn(piece))), conversion.end()])
}

describe('ftp: records on the wire (RFC 959 §3.4.1)', () => {
  const text: Representation = { type: 'ascii', structure: 'record' }
  const image: Representation = { type: 'binary', structure: 'record' }
  const whole = (octets: Buffer) => [octets]

  it('are lines of a text, or all of a file, with their marks', () => {
    const sent = (representation: Representation, octets: string) =>
      through(toWire(representation), Buffer.from(octets, 'latin1'), whole).toString('latin1')
    expect(sent(text, 'a\nb\n')).to.equal('a\xff\x01b\xff\x01\xff\x02')
    expect(sent(text, 'a\n\nb')).to.equal('a\xff\x01\xff\x01b\xff\x02')
    expect(sent(text, '')).to.equal('\xff\x02')
    expect(sent(text, '\xff\n')).to.equal('\xff\xff\xff\x01\xff\x02')
    expect(sent(image, 'a\nb\xff')).to.equal('a\nb\xff\xff\xff\x03')
    const taken = (representation: Representation, octets: string) =>
      through(fromWire(representation), Buffer.from(octets, 'latin1'), whole).toString('latin1')
    expect(taken(text, 'a\xff\x01b\xff\x03')).to.equal('a\nb\n')
    expect(taken(image, 'a\xff\x01b\xff\x03')).to.equal('ab')
  })

  it('come back as they were, however they are split', () => {
    const random = seeded()
    for (let n = 0; n < 300; n += 1) {
      const octets = Buffer.from(random.text(random.between(0, 40), 'a\n\r\xff\x01\x02'), 'latin1')
      const pieces = (source: Buffer): Buffer[] => {
        const parts: Buffer[] = []
        for (let at = 0; at < source.length; ) {
          const next = random.between(at + 1, source.length)
          parts.push(source.subarray(at, next))
          at = next
        }
        return parts
      }
      for (const representation of [text, image]) {
        const wire = through(toWire(representation), octets, pieces)
        expect(through(fromWire(representation), wire, pieces).toString('hex')).to.equal(octets.toString('hex'))
      }
    }
  })
})

describe('ftp: STRU R', () => {
  let running: Running
  let home: Home
  beforeEach(async () => {
    running = await serveFtp()
    home = new Home(running)
    await home.put('a', 'old\n')
  })
  afterEach(() => running.close())

  const opened = async (...parameters: string[]): Promise<RawSession> => {
    const session = await RawSession.open(running)
    for (const parameter of parameters) expect(await session.ask(parameter)).to.match(/^200 /)
    return session
  }

  it('sends and takes records: of a text its lines, of anything else all of it', async () => {
    using session = await opened('TYPE A', 'STRU R')
    expect(await session.upload('STOR a', Buffer.from('one\xff\x01two\xff\x01\xff\x02', 'latin1'))).to.match(/^226 /)
    expect(await home.text('a')).to.equal('one\ntwo\n')
    expect((await session.download('RETR a')).toString('latin1')).to.equal('one\xff\x01two\xff\x01\xff\x02')
    await session.ask('TYPE I')
    expect((await session.download('RETR a')).toString('latin1')).to.equal('one\ntwo\n\xff\x03')
    await home.put('empty', '')
    expect((await session.download('RETR empty')).toString('latin1')).to.equal('\xff\x03')
    await session.ask('STRU F')
    expect((await session.download('RETR a')).toString()).to.equal('one\ntwo\n')
  })

  it('sends large files whole: their marks come behind the last octet', async () => {
    const large = Buffer.alloc(1_200_000, 'line\n')
    await home.put('large', large.toString())
    using session = await opened('TYPE I', 'STRU R')
    expect((await session.download('RETR large')).equals(Buffer.concat([large, Buffer.of(0xff, 3)]))).to.equal(true)
  })

  for (const [what, octets] of [
    ['without a mark of its end', 'one\xff\x01'],
    ['cut off in a mark', 'one\xff'],
    ['with a mark that is none', 'one\xff\x07\xff\x02'],
    ['that goes on behind its end', 'one\xff\x03two'],
    ['of nothing', ''],
  ] as const) {
    it(`takes no file ${what}, and leaves the old one`, async () => {
      using session = await opened('TYPE A', 'STRU R')
      expect(await session.upload('STOR a', Buffer.from(octets, 'latin1'))).to.match(/^426 /)
      expect(await home.text('a')).to.equal('old\n')
      expect(await session.ask('NOOP')).to.match(/^200 /)
    })
  }

  it('knows no sizes and no restart points: they would be of other octets', async () => {
    using session = await opened('TYPE I', 'STRU R')
    expect(await session.ask('SIZE a')).to.match(/^550 /)
    for (const command of ['RETR a', 'STOR a']) {
      expect(await session.ask('REST 1')).to.match(/^350 /)
      await session.passivePort()
      expect(await session.ask(command)).to.match(/^554 /)
    }
  })
})
