import { expect } from 'chai'
import { readRange } from '../../servers/http/static/ranges.ts'
import { seeded } from '../kit/seeded.ts'

describe('ranges (RFC 9110 §14)', () => {
  const table: readonly [string, number, [number, number] | 'whole' | 'unsatisfiable'][] = [
    ['bytes=0-0', 10, [0, 1]],
    ['bytes=0-9', 10, [0, 10]],
    ['bytes=0-10', 10, [0, 10]],
    ['bytes=9-', 10, [9, 1]],
    ['bytes=0-', 10, [0, 10]],
    ['bytes=-1', 10, [9, 1]],
    ['bytes=-10', 10, [0, 10]],
    ['bytes=-11', 10, [0, 10]],
    ['BYTES=1-2', 10, [1, 2]],
    ['bytes= 1-2 ', 10, [1, 2]],
    ['bytes=,1-2,', 10, [1, 2]],
    ['bytes=007-008', 10, [7, 2]],
    ['bytes=1-99999999999999999999999', 10, [1, 9]],
    ['bytes=-99999999999999999999999', 10, [0, 10]],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=10-20', 10, 'unsatisfiable'],
    ['bytes=99999999999999999999999-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-5', 0, 'unsatisfiable'],
    ['bytes=5-2', 10, 'whole'],
    ['bytes=5-6,0-0,2', 10, 'whole'],
    ['bytes=0-0,5-2', 10, 'whole'],
    ['bytes=,', 10, 'whole'],
    ['bytes=', 10, 'whole'],
    ['bytes=-', 10, 'whole'],
    ['bytes=a-b', 10, 'whole'],
    ['bytes=1', 10, 'whole'],
    ['bytes=1-2-3', 10, 'whole'],
    ['bytes=+1-2', 10, 'whole'],
    ['bytes=0x1-2', 10, 'whole'],
    ['bytes 0-1', 10, 'whole'],
    ['octets=0-1', 10, 'whole'],
    ['', 10, 'whole'],
  ]
  for (const [text, size, wanted] of table) {
    it(`${JSON.stringify(text)} of ${size} → ${JSON.stringify(wanted)}`, () => {
      const reading = readRange(text, size)
      if (typeof wanted === 'string') expect(reading).to.deep.equal({ kind: wanted })
      else expect(reading).to.deep.equal({ kind: 'part', from: wanted[0], octets: wanted[1] })
    })
  }

  const several: readonly [string, readonly [number, number][] | 'whole' | 'unsatisfiable'][] = [
    [
      'bytes=0-0,5-6',
      [
        [0, 1],
        [5, 2],
      ],
    ],
    [
      'bytes=0-0 ,\t5-6,,',
      [
        [0, 1],
        [5, 2],
      ],
    ],
    // In the order in which they were asked for (RFC 9110 §15.3.7.2).
    [
      'bytes=8-,0-1,4-4',
      [
        [8, 2],
        [0, 2],
        [4, 1],
      ],
    ],
    [
      'bytes=0-0,-1',
      [
        [0, 1],
        [9, 1],
      ],
    ],
    // What overlaps or adjoins becomes one.
    ['bytes=0-3,2-5', [[0, 6]]],
    ['bytes=0-3,4-5', [[0, 6]]],
    ['bytes=4-5,0-3', [[0, 6]]],
    ['bytes=0-,0-,0-', [[0, 10]]],
    ['bytes=0-9,2-3', [[0, 10]]],
    [
      'bytes=9-9,0-1,1-2',
      [
        [9, 1],
        [0, 3],
      ],
    ],
    [
      'bytes=5-5,0-0,6-6',
      [
        [5, 2],
        [0, 1],
      ],
    ],
    // What does not exist is left out; only where nothing is left it is an error.
    ['bytes=0-0,20-30', [[0, 1]]],
    ['bytes=20-30,-0', 'unsatisfiable'],
    // At most so many at once.
    [`bytes=${Array.from({ length: 100 }, () => '0-0').join()}`, [[0, 1]]],
    [`bytes=${Array.from({ length: 101 }, () => '0-0').join()}`, 'whole'],
  ]
  for (const [text, wanted] of several) {
    it(`${JSON.stringify(text.slice(0, 40))} of 10 → ${JSON.stringify(wanted)}`, () => {
      const reading = readRange(text, 10)
      const spans = reading.kind === 'part' ? [reading] : reading.kind === 'parts' ? reading.parts : reading.kind
      expect(typeof spans === 'string' ? spans : spans.map(({ from, octets }) => [from, octets])).to.deep.equal(wanted)
    })
  }

  it('that touch nothing of each other hold the very octets that were asked for, each once', () => {
    const random = seeded()
    for (let round = 0; round < 2_000; round++) {
      const size = random.between(1, 30)
      const asked = Array.from({ length: random.between(1, 6) }, () => {
        const from = random.between(0, 30)
        return [from, from + random.between(0, 10)] as const
      })
      const wanted = new Set(asked.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at)))
      const reading = readRange(`bytes=${asked.map((range) => range.join('-')).join()}`, size)
      const spans = reading.kind === 'part' ? [reading] : reading.kind === 'parts' ? reading.parts : []
      const got = spans.flatMap(({ from, octets }) => Array.from({ length: octets }, (_, at) => from + at))
      expect(got.toSorted((a, b) => a - b)).to.deep.equal([...wanted].filter((at) => at < size).toSorted((a, b) => a - b))
    }
  })

  it('never lie outside the file', () => {
    const random = seeded()
    for (let round = 0; round < 5_000; round++) {
      const size = random.between(0, 20)
      const reading = readRange(`bytes=${random.text(random.between(0, 8), '0123456789-, ')}`, size)
      if (reading.kind !== 'part') continue
      expect(reading.from).to.be.within(0, size - 1)
      expect(reading.octets).to.be.within(1, size - reading.from)
    }
  })
})
