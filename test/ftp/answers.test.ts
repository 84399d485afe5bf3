import { runSeed } from '../kit/seeded.ts'
import { fuzzAnswers } from './answers.ts'

const inputs = 3_000

describe('ftp: answers', function () {
  this.timeout(120_000)

  it(`are one to each of ${inputs} lines, well and badly formed, in their order, however they are split`, () =>
    fuzzAnswers(inputs, runSeed()))
})
