import { expect } from 'chai'
import { runSeed } from '../kit/seeded.ts'
import { crash } from './crash.ts'

const kills = 50

describe('the whole: all of it is killed, for long', function () {
  this.timeout(1_500_000)

  it(`${kills} times under 20 senders and 3 readers: what was acknowledged is there once and exact, what was deleted is gone`, async () => {
    const outcome = await crash({ kills, seed: runSeed(), mailboxes: 24, mostBeforeKill: 150 })
    console.log(`    ${JSON.stringify(outcome)}`)
    expect(outcome.acknowledged).to.be.above(kills * 20)
    expect(outcome.deleted).to.be.above(kills)
  })
})
