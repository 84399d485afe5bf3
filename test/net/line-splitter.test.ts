import { expect } from 'chai'
import { type Line, LineSplitter } from '../../shared/net/line-splitter.ts'

/** What the splitter made of these packets; a line over the limit is null. */
const split = (maxOctets: number, ...packets: (string | Buffer)[]): (string | null)[] => {
  const splitter = new LineSplitter(maxOctets)
  const text = (line: Line) => (line.kind === 'line' ? line.octets.toString('latin1') : null)
  return packets.flatMap((packet) => [...splitter.push(Buffer.from(packet as string))].map(text))
}

describe('LineSplitter', () => {
  it('cuts lines at LF and takes one CR before it away', () => {
    expect(split(100, 'a\r\nb\n\r\n\nc\r\r\n')).to.deep.equal(['a', 'b', '', '', 'c\r'])
  })

  it('makes the same lines of the same octets, wherever the packets are cut', () => {
    const octets = Buffer.from('USER alice\r\nPASS \xff\x00\r x\n\r\n.\r\nthe rest\r\n', 'latin1')
    const whole = split(100, octets)
    for (let cut = 0; cut <= octets.length; cut++) {
      expect(split(100, octets.subarray(0, cut), octets.subarray(cut)), `cut at ${cut}`).to.deep.equal(whole)
    }
    expect(split(100, ...Array.from(octets, (octet) => Buffer.of(octet)))).to.deep.equal(whole)
  })

  it('keeps a line that has not ended', () => {
    const splitter = new LineSplitter(100)
    expect([...splitter.push(Buffer.from('QUI'))]).to.deep.equal([])
    expect(splitter.pending).to.equal(3)
    expect([...splitter.push(Buffer.from('T\r\n'))]).to.have.length(1)
    expect(splitter.pending).to.equal(0)
  })

  it('forgets an unfinished line when told to', () => {
    const splitter = new LineSplitter(100)
    expect([...splitter.push(Buffer.from('QUI'))]).to.deep.equal([])
    splitter.clear()
    const [line] = splitter.push(Buffer.from('T\r\n'))
    expect(line).to.deep.equal({ kind: 'line', octets: Buffer.from('T') })
  })

  for (const cut of [0, 1, 5, 9, 10, 11]) {
    it(`takes a line of the limit and drops one that is an octet longer (cut at ${cut})`, () => {
      const packets = (line: string) => [line.slice(0, cut), line.slice(cut)]
      expect(split(10, ...packets('12345678\r\n'))).to.deep.equal(['12345678'])
      expect(split(10, ...packets('123456789\r\n'))).to.deep.equal([null])
      expect(split(10, ...packets('123456789\n'))).to.deep.equal(['123456789'])
    })
  }

  it('tells a line over the limit once, at its end, and runs none of its tail', () => {
    const packets = ['x'.repeat(5_000), 'y'.repeat(5_000), 'NOOP', '\r', '\nSTAT\r\n']
    expect(split(10, ...packets)).to.deep.equal([null, 'STAT'])
  })

  it('never holds more than the limit', () => {
    const splitter = new LineSplitter(1_000)
    for (let count = 0; count < 1_000; count++) {
      expect([...splitter.push(Buffer.alloc(999, 'x'))]).to.deep.equal([])
      expect(splitter.pending).to.be.at.most(1_000)
    }
  })

  it('goes on where a reader that paused left off', () => {
    const splitter = new LineSplitter(100)
    const lines = splitter.push(Buffer.from('one\r\ntwo\r\nthr'))
    expect(lines.next().value).to.deep.equal({ kind: 'line', octets: Buffer.from('one') })
    expect(lines.next().value).to.deep.equal({ kind: 'line', octets: Buffer.from('two') })
    expect(lines.next().done).to.equal(true)
    expect([...splitter.push(Buffer.from('ee\r\n'))]).to.deep.equal([{ kind: 'line', octets: Buffer.from('three') }])
  })
})
