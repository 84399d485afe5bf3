import { readFileSync } from 'node:fs'
import { constants } from 'node:fs/promises'
import { expect } from 'chai'
import { Descriptor } from '../../shared/files/descriptor.ts'
import { quickly, smallOctets } from '../../shared/files/direct.ts'
import { openBelow } from '../http/open-files.ts'
import { eventually } from '../kit/eventually.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

describe('an open file', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  it('closes only once nothing is read or written any more, and once: its number is nobody else’s before', async () => {
    const content = await Descriptor.open(folder.at('a'), constants.O_RDWR | constants.O_CREAT)
    const large = Buffer.alloc(4 * smallOctets, 'x')
    let written = 0
    const writing = content.write(large, 0, (octets) => {
      written += octets
    })
    const closing = [content.close(), content.close()]
    // All that does not wait for the thread pool has happened by then.
    for (let n = 0; n < 20; n += 1) await Promise.resolve()
    expect(openBelow(folder.path)).to.deep.equal([folder.at('a')])
    await writing
    await Promise.all(closing)
    expect(written).to.equal(large.length)
    expect(readFileSync(folder.at('a')).equals(large)).to.equal(true)
    expect(openBelow(folder.path)).to.deep.equal([])
    const refused = await content.read(large, 0, 1, 0).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(Error)
    await content.close()
  })

  it('is asked directly only as long as the disk answers at once', async () => {
    const asked: string[] = []
    const ask = (ms: number) =>
      quickly(
        () => {
          asked.push('now')
          for (const end = performance.now() + ms; performance.now() < end; );
        },
        async () => {
          asked.push('later')
        },
      )
    // Whatever made the system slow before is over some time, and does not come in between every time.
    await eventually(async () => {
      asked.length = 0
      await ask(0)
      expect(asked).to.deep.equal(['now'])
      await ask(40)
      await ask(0)
      expect(asked).to.deep.equal(['now', 'now', 'later'])
    })
  })
})
