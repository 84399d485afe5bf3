import { mailRound } from './mail-rounds.ts'

describe('the whole: mail that real programs send and fetch over TLS, with our authority trusted', function () {
  this.timeout(900_000)
  mailRound({ sending: ['starttls', 'implicit'], fetching: ['starttls', 'implicit'] })
})
