/** What every MailStore keeps when it reads the headers of many messages: called with a way to open one, it describes the suite. */
import { expect } from 'chai'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { at, held, put, type StoreUnderTest, to } from './contract.ts'

/** Describes the suite. */
export const mailHeadsContract = (name: string, make: () => Promise<StoreUnderTest>): void => {
  describe(`${name} keeps the contract of reading headers`, () => {
    let place: StoreUnderTest
    let store: MailStore

    beforeEach(async () => {
      place = await make()
      store = await place.open()
    })
    afterEach(() => place.remove())

    it('gives each up to its empty line, in the order asked for', async () => {
      const long = `Subject: ${'x'.repeat(70_000)}\r\n\r\nbody`
      const bodies = ['Subject: one\r\n\r\nbody\r\n\r\n', '\n\nno header', 'To: x\n\nbody', '', 'no end', long, '\r\n']
      const heads = ['Subject: one\r\n\r\n', '\n', 'To: x\n\n', '', 'no end', long.slice(0, 65_536), '\r\n']
      for (let turn = 0; turn < 20; turn += 1) for (const body of bodies) await put(store, to('alice'), body)
      const messages = await store.list('alice')
      const read = await Array.fromAsync(store.heads('alice', messages))
      expect(read.map(({ message }) => message.id)).to.deep.equal(messages.map(({ id }) => id))
      for (const [place, { octets }] of read.entries()) expect(String(octets)).to.equal(heads[place % heads.length])
      const some = [at(messages, 100), at(messages, 3), at(messages, 99)]
      const again = await Array.fromAsync(store.heads('alice', some))
      expect(again.map(({ message }) => message)).to.deep.equal(some)
      expect(String(at(messages, 100).id)).to.equal(again[0]?.message.id)
      expect(await Array.fromAsync(store.heads('alice', []))).to.deep.equal([])
    })

    it('of what is gone, or another account’s, says missing', async () => {
      await put(store, to('alice'), 'Subject: one\r\n\r\n')
      const messages = await store.list('alice')
      expect(await Array.fromAsync(store.heads('bob', messages))).to.deep.equal([
        { message: messages[0], octets: null, why: 'missing' },
      ])
      const maildrop = await held(store, 'alice')
      await maildrop.remove(maildrop.messages)
      await maildrop.release()
      expect((await Array.fromAsync(store.heads('alice', messages)))[0]).to.include({ octets: null, why: 'missing' })
    })
  })
}
