import { expect } from 'chai'
import { readRange } from '../../servers/http/ranges.ts'
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
    ['bytes=0-0,5-6', 10, 'whole'],
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
