import { AssertionError } from 'node:assert'
import { expect } from 'chai'
import { LineSplitter } from '../../shared/net/line-splitter.ts'
import { type Connection, type Context, endingOf, type Server } from '../../shared/service.ts'
import { compare, type Dialogue, dialogue, type Played, playDialogue } from './dialogue.ts'
import { linePattern, octetsOf, parseScript } from './script.ts'

/** How the small server of these tests can be wrong. */
interface Faults {
  /** Takes a packet for a line. */
  readonly packets?: boolean
  /** Does not end when the client is gone. */
  readonly endless?: boolean
  /** Writes what clients say into its journal. */
  readonly chatty?: boolean
  /** Tells its journal of each packet. */
  readonly counting?: boolean
  /** Says how many octets came in the packet. */
  readonly measuring?: boolean
  /** Forgets pipelined lines after the first. */
  readonly oneAtATime?: boolean
}

/** A server that greets, says every line back, and knows QUIT and WAIT (never answered). */
const echo =
  (faults: Faults = {}) =>
  (_context: Context<unknown>): Server => ({
    serve: async ({ stream, signal, log }: Connection) => {
      stream.write('+OK echo here\r\n')
      const lines = new LineSplitter(100)
      const answer = (text: string) => {
        if (faults.chatty) log.write('info', 'echo.said', { text })
        if (text === 'WAIT') return
        stream.write(Buffer.from(text === 'QUIT' ? '+OK bye\r\n' : `+OK ${text}\r\n`, 'latin1'))
        if (text === 'QUIT') stream.end()
      }
      stream.on('data', (chunk: Buffer) => {
        if (faults.counting) log.write('info', 'echo.packet')
        if (faults.packets) return answer(chunk.toString('latin1').replace(/\r\n$/, ''))
        for (const line of lines.push(chunk)) {
          if (line.kind === 'too-long') stream.write('-ERR too long\r\n')
          else answer(line.octets.toString('latin1'))
          if (faults.measuring) stream.write(`-ERR ${chunk.length < 4 ? 'few' : 'many'} octets\r\n`)
          if (faults.oneAtATime) return
        }
      })
      if (faults.endless) return new Promise(() => undefined)
      await new Promise((resolve) => {
        stream.once('end', resolve)
        signal.addEventListener('abort', resolve, { once: true })
      })
      if (endingOf(signal) === 'stopping') stream.end('-ERR stopping\r\n')
    },
    refuse: () => '-ERR no\r\n',
    stop: () => Promise.resolve(),
  })

const base: Dialogue = { service: 'echo', create: echo(), lines: 'C: one\nS: +OK one\nC: two\nS: +OK two' }

/** The message with which this dialogue fails. */
const failureOf = async (what: Partial<Dialogue>, manner: Parameters<typeof playDialogue>[1] = 'line by line'): Promise<string> => {
  try {
    await playDialogue({ ...base, ...what }, manner)
  } catch (error) {
    if (error instanceof Error) return error.message
    throw error
  }
  throw new AssertionError({ message: 'the dialogue holds, but should not' })
}

describe('the kit: dialogues', () => {
  dialogue('plays what the server says', { ...base, source: 'RFC 862' })

  dialogue('reads the greeting only where the lines do not', {
    ...base,
    lines: `
      S: +OK …
      C: a
      S: +OK a
    `,
  })

  dialogue('ends on either side', { ...base, lines: 'C: QUIT\nS: +OK bye\nS closes\nC ends' })

  dialogue('sends octets that are no text, and lines without a line break', {
    ...base,
    lines: 'C: a\\xffb\\0\nS: +OK a\\xffb\\0\nC: begin-\\c\nC: end\nS: +OK begin-end',
  })

  it('fails where the server says something else, and shows the whole dialogue', async () => {
    const message = await failureOf({ lines: 'C: one\nS: +OK one\nC: two\nS: +OK three' })
    expect(message).to.include('the server said "+OK two"').and.include('→ S: +OK three').and.include('S: +OK one')
  })

  it('fails where the server says nothing more and closes', async () => {
    expect(await failureOf({ lines: 'C: QUIT\nS: +OK bye\nS: +OK again' })).to.include('the connection is over')
  })

  it('fails where the server says more than the dialogue at its close', async () => {
    expect(await failureOf({ lines: 'C: one\nC: QUIT\nS: +OK one\nS closes' })).to.include('nothing but the end')
  })

  it('finds a server that takes packets for lines', async () => {
    expect(await failureOf({ create: echo({ packets: true }) }, 'octet by octet')).to.include('the server said "+OK o"')
    expect(await failureOf({ create: echo({ packets: true }) }, 'pipelined')).to.include('→ S: +OK two')
  })

  it('finds a conversation that does not end with its client', async () => {
    expect(await failureOf({ create: echo({ endless: true }), endMs: 200 })).to.include('did not end')
  })

  it('finds a password in the journal', async () => {
    expect(await failureOf({ create: echo({ chatty: true }), lines: 'C: builder-2\nS: +OK builder-2' })).to.include(
      'holds the password of bob',
    )
  })

  it('finds a server, and a journal, that tell packets from lines', async () => {
    const played = async (what: Partial<Dialogue>, manner: Played['manner']) => ({
      manner,
      ...(await playDialogue({ ...base, ...what }, manner)),
    })
    for (const what of [
      { create: echo({ counting: true }) },
      { create: echo({ measuring: true }), lines: 'C: one\nS: +OK one\nS: -ERR …' },
    ]) {
      const [one, other] = [await played(what, 'line by line'), await played(what, 'octet by octet')]
      expect(() => compare(one, other)).to.throw(AssertionError, /one thing line by line/)
      expect(() => compare(one, { ...one, manner: 'pipelined' })).not.to.throw()
    }
  })

  it('pipelines up to a line that stands alone', async () => {
    const alone = { create: echo({ oneAtATime: true }), alone: /^one/ }
    await playDialogue({ ...base, ...alone }, 'pipelined')
  })
})

describe('the kit: lines of a dialogue', () => {
  it('match … inside, at the end, and with nothing', () => {
    expect(linePattern('+OK …').test('+OK')).to.equal(true)
    expect(linePattern('+OK …').test('+OK two messages')).to.equal(true)
    expect(linePattern('+OK …').test('+OKAY')).to.equal(false)
    expect(linePattern('250 2.1.5 … ok').test('250 2.1.5 <a@b> ok')).to.equal(true)
    expect(linePattern('250 2.1.5 … ok').test('250 251x5 <a@b> ok')).to.equal(false)
    expect(linePattern('250 a…').test('-250 a')).to.equal(false)
  })

  it('must write the code out', () => {
    expect(() => parseScript('S: … ok')).to.throw('write the code out')
    expect(() => parseScript('X: ok')).to.throw('no line of a dialogue')
    expect(() => octetsOf('\\q')).to.throw('no escape')
  })
})
