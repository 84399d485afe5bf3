import { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { parseCommandLine } from '../../servers/ftp/command-line.ts'
import { CommandReader } from '../../servers/ftp/command-reader.ts'
import { fromNetwork, toNetwork } from '../../servers/ftp/line-ends.ts'
import { TelnetFilter } from '../../servers/ftp/telnet.ts'
import { transferLine } from '../../servers/ftp/transfer-log.ts'
import { Client } from '../kit/client.ts'
import { dialogue } from '../kit/dialogue.ts'
import { seeded } from '../kit/seeded.ts'
import { serveFtp } from './raw-session.ts'

/** A stream into which the test pushes what the client sends. */
const stream = () => new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })

describe('ftp: TELNET on the control connection (RFC 854)', () => {
  const cases: readonly (readonly [string, readonly number[], readonly number[]])[] = [
    ['plain text', [65, 66, 13, 10], [65, 66, 13, 10]],
    ['interrupt and data mark', [255, 244, 255, 242, 65], [65]],
    ['options', [65, 255, 251, 1, 66, 255, 254, 255, 67], [65, 66, 67]],
    ['subnegotiation', [65, 255, 250, 24, 1, 255, 255, 2, 255, 240, 66], [65, 66]],
    ["a subnegotiation without an end, up to the line's", [65, 255, 250, 24, 1, 10, 66], [65, 10, 66]],
    ['a doubled 255', [65, 255, 255, 66], [65, 255, 66]],
    ['a 255 that nobody doubled', [65, 255, 66], [65, 255, 66]],
  ]
  for (const [name, sent, kept] of cases) {
    it(`takes out ${name}, however it is split`, () => {
      for (let at = 0; at <= sent.length; at += 1) {
        const filter = new TelnetFilter(() => undefined)
        const parts = [filter.filter(Buffer.from(sent.slice(0, at))), filter.filter(Buffer.from(sent.slice(at)))]
        expect([...Buffer.concat(parts)], `split at ${at}`).to.deep.equal(kept)
      }
    })
  }
})

describe('ftp: an option that a client wants to negotiate', () => {
  const answers = (...parts: readonly (readonly number[])[]): number[] => {
    const said: Buffer[] = []
    const filter = new TelnetFilter((octets) => said.push(octets))
    for (const part of parts) filter.filter(Buffer.from(part))
    return [...Buffer.concat(said)]
  }

  it('is refused, however it is split: DONT to WILL, WONT to DO, nothing to WONT and DONT (RFC 1123 §3.2.1)', () => {
    const sent = [65, 255, 251, 1, 255, 253, 255, 66, 255, 252, 3, 255, 254, 4]
    for (let at = 0; at <= sent.length; at += 1)
      expect(answers(sent.slice(0, at), sent.slice(at)), `split at ${at}`).to.deep.equal([255, 254, 1, 255, 252, 255])
  })

  it('is refused once: what a client sends without end is not answered without end', () => {
    const sent = Array.from({ length: 10_000 }, (_, n) => [255, n % 2 === 0 ? 251 : 253, (n >> 1) % 256])
    expect(answers(sent.flat()).length).to.equal(2 * 256 * 3)
  })

  it('gets its answer before the reply, and is no part of the command (RFC 1123 §4.1.2.12)', async () => {
    await using running = await serveFtp()
    using client = await Client.connect(running.port)
    await client.reply()
    await client.send(Buffer.from('\xff\xfb\x18\xff\xfd\x01NOOP\r\n', 'latin1'))
    expect((await client.lineOctets()).toString('latin1')).to.equal('\xff\xfe\x18\xff\xfc\x01200 OK')
    await client.send(Buffer.from('NO\xff\xfe\x05\xff\xfb\x18OP\r\n', 'latin1'))
    expect((await client.lineOctets()).toString('latin1')).to.equal('200 OK')
  })
})

describe('ftp: command lines', () => {
  it('are a name, a blank and an argument', () => {
    const parsed = (line: string) => {
      const { name, argument } = parseCommandLine(Buffer.from(line, 'latin1'))
      return [name, argument?.toString('latin1') ?? null]
    }
    expect(parsed('retr  a b ')).to.deep.equal(['RETR', ' a b '])
    expect(parsed('NOOP')).to.deep.equal(['NOOP', null])
    expect(parsed('NOOP ')).to.deep.equal(['NOOP', ''])
    expect(parsed('')).to.deep.equal(['', null])
    expect(parsed('\xf2ABOR')).to.deep.equal(['ABOR', null])
    expect(parsed(`${'x'.repeat(5000)} y`)).to.deep.equal(['X'.repeat(17), 'y'])
  })
})

describe('ftp: the reader of commands', () => {
  const limits = { commandLineOctets: 4096, pipelinedCommands: 3 }
  const readerOf = (from: Duplex, consumes: (name: string) => boolean = () => false) => {
    const controller = new AbortController()
    let ends = 0
    const reader = new CommandReader(
      from,
      limits,
      ({ command }) => consumes(command.name),
      () => (ends += 1),
      controller.signal,
    )
    return { reader, abort: () => controller.abort(), ends: () => ends }
  }
  const nameOf = async (reader: CommandReader) => {
    const said = await reader.next()
    return said?.kind === 'command' ? said.command.name : said
  }

  it('pauses while too many commands wait, loses none, and keeps their order', async () => {
    const from = stream()
    const { reader } = readerOf(from)
    from.push('A\r\nB\r\nC\r\nD\r\nE\r\n')
    from.push('F\r\n')
    await setImmediate()
    expect(from.isPaused()).to.equal(true)
    for (const name of ['A', 'B', 'C', 'D', 'E', 'F']) expect(await nameOf(reader)).to.equal(name)
    expect(from.isPaused()).to.equal(false)
    // Also when somebody else lets the stream go on.
    from.push('A\r\nB\r\nC\r\nD\r\n')
    await setImmediate()
    from.resume()
    from.push('E\r\nF\r\n')
    await setImmediate()
    for (const name of ['A', 'B', 'C', 'D', 'E', 'F']) expect(await nameOf(reader)).to.equal(name)
    from.push(null)
    expect(await reader.next()).to.equal(null)
  })

  it('shows each command as it arrives and keeps those that are dealt with to itself', async () => {
    const from = stream()
    const { reader } = readerOf(from, (name) => name === 'STAT')
    from.push('STAT\r\nNOOP\r\nSTAT\r\n')
    expect(await nameOf(reader)).to.equal('NOOP')
    expect(reader.empty).to.equal(true)
  })

  it('takes ABOR and CR for whole, and the line feed behind it for none', async () => {
    for (const [sent, expected] of [
      [['ABOR\r'], ['ABOR']],
      [
        ['ABOR\r', '\nNOOP\r\n'],
        ['ABOR', 'NOOP'],
      ],
      [
        ['ABOR\r', 'NOOP\r\n'],
        ['ABOR', 'NOOP'],
      ],
      [
        ['AB', 'OR', '\r', '\n', '\r\n'],
        ['ABOR', ''],
      ],
      [
        ['NOOP\r\nabor\r', '\n', 'NOOP\r\n'],
        ['NOOP', 'ABOR', 'NOOP'],
      ],
      [
        ['X ABOR\r', '\nNOOP\r\n'],
        ['X', 'NOOP'],
      ],
      [
        ['long-name-ABOR\r', '\nNOOP\r\n'],
        ['LONG-NAME-ABOR', 'NOOP'],
      ],
      [
        ['RETR x', 'ABOR\r', '\nNOOP\r\n'],
        ['RETR', 'NOOP'],
      ],
    ] as const) {
      const from = stream()
      const { reader } = readerOf(from)
      for (const part of sent) {
        from.push(part)
        await setImmediate()
      }
      for (const name of expected) expect(await nameOf(reader), JSON.stringify(sent)).to.equal(name)
      expect(reader.empty, JSON.stringify(sent)).to.equal(true)
    }
  })

  it('ends when the client does, when its connection is gone, and when it is told to', async () => {
    const ended = stream()
    const first = readerOf(ended)
    ended.push('QUIT\r\n')
    ended.push(null)
    await setImmediate()
    expect(first.reader.waits('QUIT')).to.equal(true)
    expect(first.reader.ended).to.equal(true)
    expect(await nameOf(first.reader)).to.equal('QUIT')
    expect(await first.reader.next()).to.equal(null)
    expect(first.ends()).to.equal(1)
    const gone = stream()
    const second = readerOf(gone)
    gone.destroy()
    expect(await second.reader.next()).to.equal(null)
    const told = readerOf(stream())
    const waiting = told.reader.next()
    told.abort()
    expect(await waiting).to.equal(null)
  })

  dialogue('takes commands in any case, with blanks behind, with LF alone, with TELNET between', {
    service: 'ftp',
    as: 'alice',
    lines: `
      C: type i \\c
      C: \\r\\n\\c
      S: 200 Type is I
      C: nOoP\\n\\c
      S: 200 OK
      C: \\xff\\xf1NO\\xff\\xf6OP
      S: 200 OK
      C: SYST\\r\\r\\n\\c
      S: 500 Unknown command
    `,
  })
})

describe('ftp: line ends of text', () => {
  it('are the same however the text is split', () => {
    const random = seeded()
    for (let n = 0; n < 300; n += 1) {
      const text = random.text(random.between(0, 40), 'ab\r\n')
      const pieces = (source: string): Buffer[] => {
        const parts: Buffer[] = []
        for (let at = 0; at < source.length; ) {
          const next = random.between(at + 1, source.length)
          parts.push(Buffer.from(source.slice(at, next)))
          at = next
        }
        return parts
      }
      const out = toNetwork()
      const network = Buffer.concat([...pieces(text).map((part) => Buffer.from(out.turn(part))), out.end()]).toString()
      expect(network, JSON.stringify(text)).to.equal(text.replace(/(?<!\r)\n/g, '\r\n'))
      const back = fromNetwork()
      const file = Buffer.concat([...pieces(network).map((part) => Buffer.from(back.turn(part))), back.end()]).toString()
      expect(file, JSON.stringify(network)).to.equal(network.replace(/\r\n/g, '\n'))
    }
  })
})

describe('ftp: a line of the transfer log (xferlog)', () => {
  it('has all fields in their order, each without blanks', () => {
    const line = transferLine({
      endedAtMs: new Date(2026, 10, 5, 9, 2, 3).getTime(),
      durationMs: 2_600,
      address: '2001:db8::7',
      octets: 1_234,
      file: '/a folder/line\nbreak ü',
      type: 'ascii',
      direction: 'upload',
      account: 'alice',
      guest: null,
      service: 'ftp',
      complete: false,
    })
    expect(line).to.equal('Thu Nov  5 09:02:03 2026 3 2001:db8::7 1234 /a_folder/line_break_ü a _ i r alice ftp 0 * i')
  })
})
