import { expect } from 'chai'
import { runSeed } from '../kit/seeded.ts'
import { killUploads } from './killed-uploads.ts'

const uploads = 12

describe('ftp: the server is killed', function () {
  this.timeout(180_000)

  it(`in the middle of ${uploads} uploads: each 226 is a whole file, no old file is lost or mixed, nothing half is seen`, async () => {
    const outcome = await killUploads({ clients: 6, uploads, seed: runSeed() })
    expect(outcome.broken).to.be.at.least(uploads)
    expect(outcome.acknowledged).to.be.above(0)
  })
})
