import { expect } from 'chai'
import { FailureTable } from '../../shared/accounts/failure-table.ts'

describe('the table of failures', () => {
  it('counts within a window that slides', () => {
    const table = new FailureTable({ windowMs: 100, perKey: 10 })
    expect(table.add('a', 'x', 0)).to.equal(1)
    expect(table.add('a', 'x', 50)).to.equal(2)
    expect(table.add('b', 'x', 50)).to.equal(1)
    expect(table.add('a', 'x', 99)).to.equal(3)
    expect(table.add('a', 'x', 100)).to.equal(3)
    expect(table.add('a', 'x', 199)).to.equal(2)
    expect(table.add('a', 'x', 1_000)).to.equal(1)
  })

  it('forgets by mark', () => {
    const table = new FailureTable({ windowMs: 100, perKey: 10 })
    for (const mark of ['x', 'y', 'x', 'z']) table.add('a', mark, 0)
    table.forget('a', 'x')
    table.forget('nobody', 'x')
    expect(table.add('a', 'y', 1)).to.equal(3)
  })

  it('never counts beyond what it remembers of a key', () => {
    const table = new FailureTable({ windowMs: 100, perKey: 3 })
    const counts = [0, 1, 2, 3, 4].map((at) => table.add('a', 'x', at))
    expect(counts).to.deep.equal([1, 2, 3, 3, 3])
  })

  it('remembers a bounded number of keys, those that failed last', () => {
    const table = new FailureTable({ windowMs: 1_000_000, perKey: 3 })
    for (let n = 0; n < 30_000; n++) {
      table.add(`key${n}`, 'x', n)
      if (n % 1_000 === 0) table.add('often', 'x', n)
    }
    expect(table.size).to.equal(10_000)
    expect(table.add('often', 'x', 30_000)).to.equal(3)
    expect(table.add('key0', 'x', 30_000)).to.equal(1)
  })

  it('gives memory back when failures are past', () => {
    const table = new FailureTable({ windowMs: 100, perKey: 3 })
    for (let n = 0; n < 1_000; n++) table.add(`key${n}`, 'x', 0)
    table.add('late', 'x', 500)
    expect(table.size).to.equal(1)
  })
})
