import { expect } from 'chai'
import { type OutputLine, OutputLines, Rate } from '../../servers/exec/output.ts'

/** The lines that come of these octets, however they are split. */
const linesOf = (octets: Buffer, maxOctets: number, size: number): OutputLine[] => {
  const found: OutputLine[] = []
  const lines = new OutputLines('stderr', maxOctets, (line) => found.push(line))
  for (let at = 0; at < octets.length; at += size) lines.push(octets.subarray(at, at + size))
  lines.end()
  return found
}

const texts = (text: string | Buffer, maxOctets = 100): string[] => {
  const octets = Buffer.from(text)
  const whole = linesOf(octets, maxOctets, Math.max(1, octets.length))
  // Octet by octet, and in pieces that split characters: the same lines.
  for (const size of [1, 2, 3]) expect(linesOf(octets, maxOctets, size)).to.deep.equal(whole)
  return whole.map((line) => (line.cut ? `${line.text}…` : line.text))
}

describe('output of a program', () => {
  it('is lines, whatever the pieces in which it comes', () => {
    expect(texts('one\ntwo\r\n\nvier ü\n')).to.deep.equal(['one', 'two', '', 'vier ü'])
  })

  it('ends with a line also where its break is missing', () => expect(texts('one\ntwo')).to.deep.equal(['one', 'two']))

  it('is kept up to the limit of a line; one octet more is cut, and the next line is whole again', () => {
    expect(texts('12345678\nnext\n', 8)).to.deep.equal(['12345678', 'next'])
    expect(texts('12345678\r\nnext\n', 8)).to.deep.equal(['12345678', 'next'])
    expect(texts('123456789\nnext\n', 8)).to.deep.equal(['12345678…', 'next'])
    expect(texts(`${'x'.repeat(1_000)}\nnext`, 8)).to.deep.equal(['xxxxxxxx…', 'next'])
  })

  it('is not cut through a character', () => expect(texts('1234567ü\n', 8)).to.deep.equal(['1234567…']))

  it('that is no UTF-8 is shown with replacements', () => {
    expect(texts(Buffer.from([0x61, 0xff, 0x62, 0x0a]))).to.deep.equal(['a\ufffdb'])
  })
})

describe('the rate of lines', () => {
  it('lets so many through in a second, counts the others, and begins anew with the next', () => {
    const dropped: number[] = []
    const rate = new Rate(3, (count) => dropped.push(count))
    const taken = Array.from({ length: 10 }, () => rate.takes(1_500)).filter(Boolean)
    expect(taken).to.have.length(3)
    expect(rate.takes(2_000)).to.equal(true)
    expect(dropped).to.deep.equal([7])
    rate.tell()
    expect(dropped).to.deep.equal([7])
  })
})
