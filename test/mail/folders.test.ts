import { readdir } from 'node:fs/promises'
import { expect } from 'chai'
import { formats } from '../../cli/mail/folder.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { fuzzRounds, seeded } from '../kit/seeded.ts'
import { allOf, kept, outgoing, readerOf, someMessage, write, writerOf } from './folders.ts'

describe('mail folders of other programs', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  for (const format of formats)
    describe(format, () => {
      it('gives back every message as it was: octets, arrival, sender, flags and order', async () => {
        const random = seeded()
        for (let round = 0; round < fuzzRounds(40); round += 1) {
          const messages = Array.from({ length: random.between(1, 30) }, () => someMessage(random))
          const path = folder.at(`round${round}`)
          await write(format, path, messages, { chunkOctets: random.pick([1, 2, 3, 7, 65_536]) })
          expect(await allOf(await readerOf(format, path)), `seed ${random.seed}, round ${round}`).to.deep.equal(messages)
        }
      })

      it('goes on behind what is there', async () => {
        const [first, second] = [kept('a\r\n'), kept('b')]
        await write(format, folder.at('mail'), [first, first])
        await write(format, folder.at('mail'), [second, first], { append: true })
        expect(await allOf(await readerOf(format, folder.at('mail')))).to.deep.equal([first, first, second, first])
      })

      it('leaves nothing when it is given up', async () => {
        const writer = await writerOf(format, folder.at('mail'))
        await writer.add(outgoing(kept('a\r\n')))
        await writer.abandon()
        expect(await readdir(folder.path)).to.deep.equal([])
      })

      it('is as it was when going on behind it is given up', async () => {
        await write(format, folder.at('mail'), [kept('a\r\n')])
        const writer = await writerOf(format, folder.at('mail'), true)
        await writer.add(outgoing(kept('b\r\n'.repeat(300_000))))
        await writer.abandon()
        expect(await allOf(await readerOf(format, folder.at('mail')))).to.deep.equal([kept('a\r\n')])
        expect((await readdir(folder.path)).filter((name) => name !== 'mail')).to.deep.equal([])
      })
    })
})
