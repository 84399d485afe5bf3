import { mailRound } from './mail-rounds.ts'

describe('the whole: mail that real programs send and fetch', function () {
  // Whole processes start and end here: on a machine that does other things too, that takes what it takes.
  this.timeout(120_000)
  mailRound({ sending: ['clear', 'plain', 'login'], fetching: ['off'] })
})
