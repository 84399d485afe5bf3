import { expect } from 'chai'
import { fuzzRounds } from '../kit/seeded.ts'
import { playStreams } from './message-streams.ts'

const rounds = fuzzRounds(300, 300)

describe('a stream of requests', () => {
  it('of any octets is read as the grammar reads it', async function () {
    this.timeout(60_000 + rounds * 100)
    await playStreams(rounds)
  })

  it('some of which were answered before is read as if none was', async function () {
    this.timeout(60_000 + rounds * 100)
    const { answered, read } = await playStreams(rounds, { ofKnown: 0.5 })
    expect(answered - read, 'answered without being read').to.be.greaterThan(rounds / 100)
  })
})
