import { fuzzDataConnections } from './data-fuzz.ts'

const inputs = 100_000

describe(`ftp: ${inputs} things done to data connections in any order, in clear and over TLS`, () => {
  it('cross, leak and block nothing, and break no session', () => fuzzDataConnections(inputs)).timeout(1_800_000)
})
