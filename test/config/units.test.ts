import { expect } from 'chai'
import type { z } from 'zod'
import {
  address,
  domain,
  duration,
  durationText,
  mailbox,
  millisecondsOf,
  octetsOf,
  portRange,
  size,
  sizeText,
} from '../../shared/config/units.ts'

describe('sizes in the configuration', () => {
  const cases: readonly [text: string, octets: number | null][] = [
    ['0', 0],
    ['512', 512],
    ['512B', 512],
    ['64KiB', 65_536],
    ['64kib', 65_536],
    ['64 KiB', 65_536],
    ['25MB', 25_000_000],
    ['1GiB', 1_073_741_824],
    ['2TB', 2_000_000_000_000],
    ['1.5MiB', 1_572_864],
    ['0.5B', null],
    ['64K', null],
    ['64 Ki B', null],
    ['-1', null],
    ['1e3', null],
    ['99999999999999999999', null],
    ['', null],
    ['KiB', null],
    ['constructor', null],
  ]
  for (const [text, octets] of cases) it(`"${text}" is ${octets ?? 'none'}`, () => expect(octetsOf(text)).to.equal(octets))

  it('are written with the largest unit that leaves a whole number', () => {
    expect([0, 1, 1000, 1024, 1536, 50_000_000, 2 ** 30].map(sizeText)).to.deep.equal([
      '0B',
      '1B',
      '1KB',
      '1KiB',
      '1536B',
      '50MB',
      '1GiB',
    ])
  })

  it('read back as written', () => {
    for (const octets of [0, 1, 999, 1000, 1024, 65_536, 25_000_000, 2 ** 40]) expect(octetsOf(sizeText(octets))).to.equal(octets)
  })

  it('keep their range, both ends included', () => {
    const schema = size({ min: 512, max: 1024 })
    expect(schema.parse('1KiB')).to.equal(1024)
    expect(schema.parse(512)).to.equal(512)
    expect(schema.safeParse('1025B').error?.issues[0]?.message).to.equal('must be at most 1KiB')
    expect(schema.safeParse(511).error?.issues[0]?.message).to.equal('must be at least 512B')
  })
})

describe('times in the configuration', () => {
  const cases: readonly [text: string, ms: number | null][] = [
    ['300ms', 300],
    ['10s', 10_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1.5s', 1500],
    ['10 s', 10_000],
    ['0s', 0],
    ['0.5ms', null],
    ['10', null],
    ['5M', null],
    ['5min', null],
    ['1h30m', null],
    ['-1s', null],
    ['', null],
  ]
  for (const [text, ms] of cases) it(`"${text}" is ${ms ?? 'none'}`, () => expect(millisecondsOf(text)).to.equal(ms))

  it('are written with the largest unit that leaves a whole number', () => {
    expect([0, 250, 4000, 90_000, 300_000, 86_400_000].map(durationText)).to.deep.equal(['0ms', '250ms', '4s', '90s', '5m', '1d'])
  })

  it('are never longer than a timer holds, unless they are no timer', () => {
    expect(duration().parse('24d')).to.be.lessThan(2 ** 31)
    expect(duration().safeParse('25d').success).to.equal(false)
    expect(duration({ max: 400 * 86_400_000 }).parse('365d')).to.equal(31_536_000_000)
  })
})

describe('other kinds of settings', () => {
  const accepts = (schema: z.ZodType, values: readonly unknown[]) => values.filter((value) => schema.safeParse(value).success)

  it('a range of ports has both ends, or one port', () => {
    expect(portRange().parse('49152-65535')).to.deep.equal({ from: 49_152, to: 65_535 })
    expect(portRange().parse('50000 - 50010')).to.deep.equal({ from: 50_000, to: 50_010 })
    expect(portRange().parse(50_000)).to.deep.equal({ from: 50_000, to: 50_000 })
    expect(accepts(portRange(), ['1023-2000', '2000-1999', '60000-65536', '1-2-3', '', 80, '-5'])).to.deep.equal([])
  })

  it('an address is numeric', () => {
    const right = ['127.0.0.1', '0.0.0.0', '::', '::1', '2001:db8::1', '::ffff:192.0.2.1']
    expect(accepts(address(), [...right, 'localhost', '127.1', '1.2.3.4.5', '[::1]', '10.0.0.0/8', ''])).to.deep.equal(right)
  })

  it('a domain is a name of labels, in lower case and ASCII afterwards', () => {
    const names = ['Havre.Test', 'localhost', 'a.b-c.d_e', 'bücher.test', '192.0.2.1']
    expect(names.map((name) => domain().parse(name))).to.deep.equal([
      'havre.test',
      'localhost',
      'a.b-c.d_e',
      'xn--bcher-kva.test',
      '192.0.2.1',
    ])
    const wrong = [
      '',
      '.',
      'a..b',
      '-a.test',
      'a-.test',
      'a b',
      'a/b',
      '@a',
      `${'a'.repeat(64)}.test`,
      `${'a.'.repeat(127)}a`,
      '../x',
    ]
    expect(accepts(domain(), wrong)).to.deep.equal([])
  })

  it('a mailbox is a local part, with or without a domain', () => {
    const right = ['sales', 'o.k', 'a+b', 'müller', 'sales@havre.test', 'Sales@BÜCHER.test']
    const wrong = ['', '.a', 'a.', 'a..b', 'a b', 'a@', '@a', 'a@b@c', '"a b"', 'a,b', '<a>', 'a\u0000', 'a\n', 'a@b c']
    expect(accepts(mailbox(), [...right, ...wrong])).to.deep.equal(right)
  })
})
