import { expect } from 'chai'
import { type BareNewline, BodyReader } from '../../servers/smtp/body-reader.ts'
import { NewlineNormalizer } from '../../servers/smtp/newline-normalizer.ts'
import { seeded } from '../kit/seeded.ts'

type Mode = 'reject' | 'normalize'

/** What became of the octets that were read. */
interface Read {
  readonly body: string
  /** What came after the end; null: the end did not come. */
  readonly rest: string | null
  readonly bare: BareNewline | null
}

/** Reads octets that come in these chunks. */
const read = (chunks: readonly Buffer[], mode: Mode = 'reject'): Read => {
  const reader = new BodyReader(mode)
  const parts: Buffer[] = []
  for (const [index, chunk] of chunks.entries()) {
    // A copy: the reader moves octets within what it is given.
    const own = Buffer.from(chunk)
    const { body, used, ended } = reader.push(own)
    parts.push(Buffer.from(body))
    if (ended) {
      const rest = Buffer.concat([own.subarray(used), ...chunks.slice(index + 1)])
      return { body: Buffer.concat(parts).toString('latin1'), rest: rest.toString('latin1'), bare: reader.bare }
    }
  }
  return { body: Buffer.concat(parts).toString('latin1'), rest: null, bare: reader.bare }
}

/** The same by the words of the standard, on the whole text at once (RFC 5321 §4.1.1.4, §4.5.2). */
const byTheBook = (text: string, mode: Mode = 'reject'): Read | null => {
  const lines = `\r\n${text}`
  const end = lines.indexOf('\r\n.\r\n')
  if (end === -1) return null
  const stuffed = lines.slice(0, end + 2)
  const dots = mode === 'reject' ? /\r\n\./g : /\r\n\.|(?<!\r)\n\.(?=\.)/g
  const bareAt = /(?<!\r)\n|\r(?!\n)/.exec(stuffed)
  const bare = bareAt && { line: stuffed.slice(0, bareAt.index).split('\n').length - 1, octet: bareAt[0] === '\n' ? 'LF' : 'CR' }
  return {
    body: stuffed.replace(dots, (found) => found.slice(0, -1)).slice(2),
    rest: lines.slice(end + 5),
    bare: bare as BareNewline | null,
  }
}

const chunked = (text: string, cuts: readonly number[]): Buffer[] => {
  const octets = Buffer.from(text, 'latin1')
  return [0, ...cuts].map((from, index) => octets.subarray(from, cuts[index] ?? octets.length))
}

/** All texts of these characters up to this length. */
function* texts(alphabet: readonly string[], length: number): Generator<string> {
  if (length === 0) return yield ''
  for (const rest of texts(alphabet, length - 1)) {
    yield rest
    if (rest.length === length - 1) for (const character of alphabet) yield character + rest
  }
}

describe('SMTP: reading a message off the wire', () => {
  for (const mode of ['reject', 'normalize'] as const) {
    it(`does what the standard says with every short text, wherever it is cut (${mode})`, () => {
      let ended = 0
      for (const start of texts(['\r', '\n', '.', 'a'], 5)) {
        const text = `${start}\r\n.\r\nNEXT`
        const expected = byTheBook(text, mode)
        expect(expected).not.to.equal(null)
        ended += 1
        for (let cut = 0; cut <= text.length; cut++) {
          expect(read(chunked(text, [cut]), mode), JSON.stringify({ text, cut })).to.deep.equal(expected)
        }
        const single = chunked(
          text,
          Array.from({ length: text.length }, (_, index) => index),
        )
        expect(read(single, mode), JSON.stringify(text)).to.deep.equal(expected)
      }
      expect(ended).to.be.greaterThan(1_300)
    })
  }

  it('does the same with long random texts in random chunks', () => {
    const random = seeded()
    for (let round = 0; round < 300; round++) {
      const pieces = ['\r\n', '\r\n.', '\r\n..', '.', '\r', '\n', '\0', 'x'.repeat(random.between(1, 100)), '\xff', '\r\n.\r\n']
      const text = `${Array.from({ length: random.between(0, 60) }, () => random.pick(pieces)).join('')}\r\n.\r\nNEXT`
      const cuts = Array.from({ length: random.between(0, 8) }, () => random.between(0, text.length)).sort((a, b) => a - b)
      expect(read(chunked(text, cuts)), JSON.stringify({ text, cuts })).to.deep.equal(byTheBook(text))
    }
  })

  it('takes no other sequence for the end', () => {
    const others = [
      '\n.\n',
      '\r\n.\n',
      '\n.\r\n',
      '\r.\r',
      '\r.\r\n',
      '\r\n.\r',
      '\n\r.\r\n',
      '\r\n\x00.\r\n',
      '\r\n.\x00\r\n',
      '\r\n.\r\r\n',
      '\r\n. \r\n',
    ]
    for (const sequence of others) {
      const result = read([Buffer.from(`Subject: x\r\n\r\nhello${sequence}MAIL FROM:<evil@example.org>\r\n`)])
      expect(result.rest, JSON.stringify(sequence)).to.equal(null)
    }
  })

  it('tells where the first line break stands that is none', () => {
    expect(read([Buffer.from('a\r\nb\nc\r\n.\r\n')]).bare).to.deep.equal({ line: 2, octet: 'LF' })
    expect(read([Buffer.from('a\r\nb\r\nc\rd\r\n.\r\n')]).bare).to.deep.equal({ line: 3, octet: 'CR' })
    expect(read([Buffer.from('a\r\n.\r\n')]).bare).to.equal(null)
  })

  it('moves nothing and makes nothing new where there are no dots', () => {
    const reader = new BodyReader('reject')
    const chunk = Buffer.from('one\r\ntwo\r\nthree')
    const { body } = reader.push(chunk)
    expect(body.buffer).to.equal(chunk.buffer)
    expect(body.byteOffset).to.equal(chunk.byteOffset)
  })

  it('gives one piece for each chunk, also where every line begins with a dot', () => {
    const reader = new BodyReader('reject')
    const chunk = Buffer.from('..\r\n'.repeat(16_384))
    let octets = 0
    for (let index = 0; index < 400; index++) {
      const { body, used } = reader.push(Buffer.from(chunk))
      expect(used).to.equal(chunk.length)
      octets += body.length
    }
    expect(octets).to.equal(400 * 16_384 * 3)
  })
})

describe('SMTP: making line breaks whole', () => {
  it('turns every kind into CRLF, wherever the text is cut', () => {
    for (const start of texts(['\r', '\n', 'a'], 7)) {
      const text = `${start}\r\n`
      const expected = text.replace(/\r\r\n|\r\n|\r|\n/g, '\r\n')
      for (let cut = 0; cut <= text.length; cut++) {
        const normalizer = new NewlineNormalizer()
        const made = chunked(text, [cut]).map((chunk) => normalizer.push(chunk).toString('latin1'))
        expect(made.join(''), JSON.stringify({ text, cut })).to.equal(expected)
      }
    }
  })

  it('never holds more than it was given, doubled', () => {
    const made = new NewlineNormalizer().push(Buffer.from('\r'.repeat(1_000)))
    expect(made.length).to.be.lessThanOrEqual(2_004)
  })
})
