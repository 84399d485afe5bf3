import { expect } from 'chai'
import { runSeed } from '../kit/seeded.ts'
import { killUploads } from './killed-uploads.ts'

const uploads = 200

describe('ftp: the server is killed, for long', function () {
  this.timeout(900_000)

  it(`in the middle of ${uploads} uploads of 12 clients: each 226 is a whole file, no old file is lost or mixed, nothing half is seen`, async () => {
    const outcome = await killUploads({ clients: 12, uploads, seed: runSeed() })
    console.log(`    ${JSON.stringify(outcome)}`)
    expect(outcome.broken).to.be.at.least(uploads)
    expect(outcome.resumed, 'uploads that went on after the restart').to.be.above(0)
    expect(outcome.wholeKills).to.be.above(2)
  })
})
