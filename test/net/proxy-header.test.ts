import { expect } from 'chai'
import { crc32c, type HeaderReading, localHeader, longestHeaderOctets, readProxyHeader } from '../../shared/net/proxy-header.ts'
import { binaryHeader, checkedHeader, fact, rawHeader } from '../kit/proxy-header.ts'
import { fuzzRounds, seeded } from '../kit/seeded.ts'

const read = (octets: Buffer | string): HeaderReading => readProxyHeader(Buffer.from(octets as string))

const whole = (octets: number, from: string, fromPort: number, to: string, toPort: number): HeaderReading => ({
  state: 'whole',
  octets,
  ends: { remote: { address: from, port: fromPort }, local: { address: to, port: toPort } },
})

/** As it is read octet by octet: the first reading that is not "incomplete". */
const trickled = (octets: Buffer): HeaderReading => {
  for (let length = 0; length <= octets.length; length += 1) {
    const reading = readProxyHeader(octets.subarray(0, length))
    if (reading.state !== 'incomplete') return reading
    expect(reading.least, `after ${length}`).to.be.greaterThan(length)
  }
  return readProxyHeader(octets)
}

describe('PROXY header, version 1', () => {
  it('tells both ends, and where the client begins', () => {
    const line = 'PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n'
    expect(read(`${line}EHLO x\r\n`)).to.deep.equal(whole(line.length, '192.0.2.7', 40_000, '198.51.100.1', 25))
    const longest = 'PROXY TCP6 ffff:f111:f222:f333:f444:f555:f666:f777 ffff:f111:f222:f333:f444:f555:f666:f777 65535 65535\r\n'
    expect(read(longest)).to.deep.equal(
      whole(longest.length, 'ffff:f111:f222:f333:f444:f555:f666:f777', 65_535, 'ffff:f111:f222:f333:f444:f555:f666:f777', 65_535),
    )
  })

  it('gives an address the form that the system gives it', () => {
    const line = 'PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::ffff:192.0.2.9 0 1\r\n'
    expect(read(line)).to.deep.equal(whole(line.length, '2001:db8::1', 0, '192.0.2.9', 1))
  })

  it('may know nothing of the client', () => {
    for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff::1 whatever 1 2\r\n', `PROXY UNKNOWN ${'x'.repeat(91)}\r\n`]) {
      expect(read(`${line}x`)).to.deep.equal({ state: 'whole', octets: line.length, ends: null })
    }
  })

  it('has at most 107 octets', () => {
    expect(read(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`)).to.deep.equal({ state: 'wrong', why: 'too-long' })
    expect(read(`PROXY UNKNOWN ${'x'.repeat(92)}`).state).to.equal('incomplete')
    expect(read(`PROXY UNKNOWN ${'x'.repeat(93)}`)).to.deep.equal({ state: 'wrong', why: 'too-long' })
  })

  it('is written in one way only', () => {
    const malformed = [
      'PROXY\r\n',
      'PROXY  TCP4 192.0.2.7 198.51.100.1 40000 25',
      'PROXY TCP4 192.0.2.7  198.51.100.1 40000 25',
      'PROXY TCP4 192.0.2.7 198.51.100.1 40000 25 ',
      'PROXY TCP4 192.0.2.7 198.51.100.1 40000',
      'PROXY TCP4 192.0.2.7 198.51.100.1 40000 25 26',
      'PROXY TCP4 192.0.2.7\t198.51.100.1 40000 25',
      'PROXY tcp4 192.0.2.7 198.51.100.1 40000 25',
      'PROXY UDP4 192.0.2.7 198.51.100.1 40000 25',
      'PROXY TCP4 192.0.2.256 198.51.100.1 40000 25',
      'PROXY TCP4 192.0.2.07 198.51.100.1 40000 25',
      'PROXY TCP4 192.0.2 198.51.100.1 40000 25',
      'PROXY TCP4 2001:db8::1 2001:db8::2 40000 25',
      'PROXY TCP6 192.0.2.7 198.51.100.1 40000 25',
      'PROXY TCP6 2001:db8::1 198.51.100.1 40000 25',
      'PROXY TCP6 fe80::1%eth0 2001:db8::2 40000 25',
      'PROXY TCP6 [2001:db8::1] 2001:db8::2 40000 25',
      'PROXY TCP4 192.0.2.7 198.51.100.1 65536 25',
      'PROXY TCP4 192.0.2.7 198.51.100.1 040000 25',
      'PROXY TCP4 192.0.2.7 198.51.100.1 +400 25',
      'PROXY TCP4 192.0.2.7 198.51.100.1 -1 25',
      'PROXY TCP4 192.0.2.7 198.51.100.1 4e4 25',
      'PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\n',
      'PROXY TCP4 192.0.2.7\r198.51.100.1 40000 25',
      'PROXY UNKNOWNS',
      'PROXY ',
    ]
    for (const line of malformed) {
      const { state } = read(`${line.replace(/\r\n$/, '')}\r\n`)
      expect(state, line).to.equal('wrong')
    }
  })
})

describe('PROXY header, version 2', () => {
  it('tells both ends, and where the client begins', () => {
    const four = binaryHeader('192.0.2.7', 40_000, '198.51.100.1', 25)
    expect(four.length).to.equal(28)
    expect(read(Buffer.concat([four, Buffer.from('EHLO')]))).to.deep.equal(whole(28, '192.0.2.7', 40_000, '198.51.100.1', 25))
    const six = binaryHeader('2001:db8::7', 1, '::1', 65_535)
    expect(six.length).to.equal(52)
    expect(read(six)).to.deep.equal(whole(52, '2001:db8::7', 1, '::1', 65_535))
  })

  it('may hold further facts, which are skipped', () => {
    const header = binaryHeader('192.0.2.7', 1, '192.0.2.8', 2, [fact(0x01, 'h2'), fact(0xea, ''), fact(0x04, Buffer.alloc(900))])
    expect(read(header)).to.deep.equal(whole(header.length, '192.0.2.7', 1, '192.0.2.8', 2))
  })

  it('is of the proxy itself, or of nobody it could name', () => {
    const unnamed = [
      localHeader,
      // The rest of a LOCAL header is not looked at, whatever it says.
      rawHeader(0x20, 0xff, Buffer.from('anything')),
      rawHeader(0x21, 0x00, Buffer.alloc(0)),
      rawHeader(0x21, 0x00, Buffer.from('anything')),
      rawHeader(0x21, 0x31, Buffer.alloc(216)),
      rawHeader(0x21, 0x12, Buffer.alloc(12)),
      rawHeader(0x21, 0x22, Buffer.alloc(36)),
    ]
    for (const header of unnamed) {
      expect(read(header), header.toString('hex', 12)).to.deep.equal({ state: 'whole', octets: header.length, ends: null })
    }
  })

  it('is refused for what it must not be', () => {
    const addresses = Buffer.alloc(12, 1)
    const refused: readonly (readonly [string, Buffer])[] = [
      ['unknown-version', rawHeader(0x11, 0x11, addresses)],
      ['unknown-version', rawHeader(0x31, 0x11, addresses)],
      ['unknown-command', rawHeader(0x22, 0x11, addresses)],
      ['unknown-command', rawHeader(0x2f, 0x11, addresses)],
      ['malformed', rawHeader(0x21, 0x41, addresses)],
      ['malformed', rawHeader(0x21, 0x13, addresses)],
      ['malformed', rawHeader(0x21, 0x11, addresses.subarray(0, 11))],
      ['malformed', rawHeader(0x21, 0x21, addresses)],
      ['malformed', rawHeader(0x21, 0x11, Buffer.concat([addresses, Buffer.from([1, 0])]))],
      ['malformed', rawHeader(0x21, 0x11, Buffer.concat([addresses, Buffer.from([1, 0, 2, 7])]))],
      ['malformed', rawHeader(0x21, 0x11, Buffer.concat([addresses, fact(3, 'abc')]))],
      ['wrong-checksum', rawHeader(0x21, 0x11, Buffer.concat([addresses, fact(3, 'abcd')]))],
      ['too-long', rawHeader(0x21, 0x11, addresses, longestHeaderOctets - 15)],
    ]
    for (const [why, header] of refused) expect(read(header), header.toString('hex', 12)).to.deep.equal({ state: 'wrong', why })
    expect(read(rawHeader(0x21, 0x11, addresses, longestHeaderOctets - 16)).state).to.equal('incomplete')
  })

  it('is checked by its checksum where it has one', () => {
    // RFC 3720 appendix B.4.
    expect(crc32c(Buffer.alloc(32))).to.equal(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).to.equal(0x62a8ab43)
    const header = checkedHeader('192.0.2.7', 40_000, '198.51.100.1', 25)
    expect(read(header).state).to.equal('whole')
    // By its last seven octets it is a checksum: as another kind of fact it would be skipped.
    const kind = header.length - 7
    for (let at = 16; at < header.length; at += 1) {
      if (at === kind) continue
      const changed = Buffer.from(header)
      changed[at] = (changed[at] ?? 0) ^ 0x10
      expect(read(changed).state, `octet ${at}`).to.equal('wrong')
    }
  })
})

describe('PROXY header, either version', () => {
  it('is none where something else comes, told by the first octet that differs', () => {
    for (const other of [
      'EHLO x\r\n',
      'P',
      'PROXX',
      'PROXY\t',
      '\r\n\r\n\0\r\nQUIT\r',
      '\x16\x03\x01',
      '\n',
      'GET / HTTP/1.1\r\n',
    ]) {
      const { state } = read(other)
      expect(state, JSON.stringify(other)).to.equal(other === 'P' ? 'incomplete' : 'wrong')
    }
  })

  const rounds = fuzzRounds(4_000)
  it(`reads the same octet by octet as at once, and never more than is there: ${rounds} mutated headers`, () => {
    const random = seeded()
    const patterns = [
      'PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n',
      'PROXY TCP6 2001:db8::1 ::1 1 65535\r\n',
      'PROXY UNKNOWN\r\n',
      binaryHeader('192.0.2.7', 40_000, '198.51.100.1', 25, [fact(4, 'abc')]),
      binaryHeader('2001:db8::7', 1, '::1', 2),
      checkedHeader('192.0.2.7', 1, '192.0.2.8', 2),
      localHeader,
    ].map((pattern) => Buffer.from(pattern as string))
    const seen = new Set<string>()
    for (let n = 0; n < rounds; n += 1) {
      const header = random.chance(0.1) ? random.pick(patterns) : random.mutate(random.pick(patterns))
      const octets = Buffer.concat([header, random.octets(random.between(0, 40))])
      const atOnce = readProxyHeader(octets)
      seen.add(atOnce.state)
      expect(trickled(octets), octets.toString('hex')).to.deep.equal(atOnce)
      if (atOnce.state === 'whole') expect(atOnce.octets).to.be.at.most(octets.length)
    }
    expect([...seen].sort()).to.deep.equal(['incomplete', 'whole', 'wrong'])
  })
})
