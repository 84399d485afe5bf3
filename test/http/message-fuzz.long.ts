import { expect } from 'chai'
import { fuzzRounds } from '../kit/seeded.ts'
import { playStreams } from './message-streams.ts'

const rounds = fuzzRounds(20_000, 6_000)

describe('many streams of requests', () => {
  it('of any octets are read as the grammar reads them', async function () {
    this.timeout(60_000 + rounds * 100)
    await playStreams(rounds)
  })

  it('some of which were answered before are read as if none was', async function () {
    this.timeout(60_000 + rounds * 100)
    const { answered, read } = await playStreams(rounds / 2, { ofKnown: 0.5 })
    expect(answered - read, 'answered without being read').to.be.greaterThan(rounds / 200)
  })
})
