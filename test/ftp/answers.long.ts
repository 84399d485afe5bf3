import { runSeed } from '../kit/seeded.ts'
import { fuzzAnswers } from './answers.ts'

const inputs = 100_000

describe('ftp: answers, for long', function () {
  this.timeout(900_000)

  it(`are one to each of ${inputs} lines, well and badly formed, in their order, however they are split`, () =>
    fuzzAnswers(inputs, runSeed() + 1))
})
