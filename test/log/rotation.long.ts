import { temporaryFolder } from '../kit/folder.ts'
import { rotateUnderWriters } from './rotation-race.ts'

describe('rotation, hundreds of times', () => {
  it('loses and doubles no line of several processes', async function () {
    this.timeout(900_000)
    await using folder = await temporaryFolder()
    await rotateUnderWriters(folder, 400)
  })
})
