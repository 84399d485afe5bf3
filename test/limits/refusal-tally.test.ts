import { expect } from 'chai'
import { RefusalTally } from '../../shared/limits/refusal-tally.ts'

describe('refusals in the journal', () => {
  it('are told one by one the first time of a kind and address, then as sums', () => {
    const tally = new RefusalTally()
    expect([
      tally.note('x', 'a'),
      tally.note('x', 'a'),
      tally.note('x', 'b'),
      tally.note('y', 'a'),
      tally.note('x', 'a'),
    ]).to.deep.equal([true, false, true, true, false])
    expect(tally.take()).to.deep.equal([{ limit: 'x', address: 'a', count: 2 }])
    expect(tally.take()).to.deep.equal([])
    expect(tally.note('x', 'a')).to.equal(true)
  })

  it('are all counted, with as many sums as fit, however many addresses come', () => {
    const tally = new RefusalTally()
    let told = 0
    for (let n = 0; n < 30_000; n++) if (tally.note(n % 2 === 0 ? 'x' : 'y', `${n % 10_000}`)) told += 1
    const sums = tally.take()
    expect(told + sums.reduce((total, { count }) => total + count, 0)).to.equal(30_000)
    expect(sums.length).to.be.at.most(258)
    expect(sums.filter(({ address }) => address === null).map(({ limit }) => limit)).to.deep.equal(['x', 'y'])
  })
})
