import { expect } from 'chai'
import { type Newcomer, Newcomers } from '../../servers/http/replay/newcomers.ts'
import { eventually } from '../kit/eventually.ts'

interface Told extends Newcomer {
  isGone: boolean
  told: number
}

const newcomer = (since = performance.now()): Told => ({
  since,
  isGone: false,
  told: 0,
  silent() {
    this.told += 1
  },
})

describe('connections on which nothing has come yet', () => {
  it('are told once when they are late, and those that spoke or are gone never', async () => {
    const all = new Newcomers(60)
    const [late, spoke, gone] = [newcomer(), newcomer(), newcomer()]
    for (const one of [late, spoke, gone]) all.add(one)
    all.delete(spoke)
    gone.isGone = true
    await eventually(() => expect(all.size).to.equal(0))
    expect([late.told, spoke.told, gone.told]).to.deep.equal([1, 0, 0])
    const next = newcomer()
    all.add(next)
    await eventually(() => expect(next.told).to.equal(1))
    expect([late.told, all.size]).to.deep.equal([1, 0])
  })

  it('are forgotten when they are gone, long before they would be late, and the others are not told', async () => {
    const all = new Newcomers(3_600_000)
    const [gone, there] = [newcomer(), newcomer()]
    for (const one of [there, gone]) all.add(one)
    gone.isGone = true
    await eventually(() => expect(all.size).to.equal(1))
    expect([gone.told, there.told]).to.deep.equal([0, 0])
    all.delete(there)
  })
})
