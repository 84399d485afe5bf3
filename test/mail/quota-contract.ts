/** What every MailStore keeps of what comes with a message, and of quotas: called with a way to open one, it describes the suite. */
import { expect } from 'chai'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { at, held, octetsOf, put, rejects, type StoreUnderTest, to } from './contract.ts'

/** Describes the suite. */
export const mailQuotaContract = (name: string, make: () => Promise<StoreUnderTest>): void => {
  describe(`${name} keeps the contract of envelopes and quotas`, () => {
    let place: StoreUnderTest
    let store: MailStore

    beforeEach(async () => {
      place = await make()
      store = await place.open()
    })
    afterEach(() => place.remove())

    describe('what came with a message', () => {
      const ranges = { octets: 1_000_000, messages: 1000 }

      it('is kept beside it: flags, time and SMTPUTF8', async () => {
        const receivedAt = new Date('2001-02-03T04:05:06.789Z')
        const first = store.deliver(to('alice', 'bob'), { receivedAt, flags: 'FST' })
        await first.write(Buffer.alloc(200_000))
        await first.commit()
        await store.deliver({ ...to('alice'), utf8: true }).commit()
        await put(store, to('alice'), 'plain')
        for (const messages of [await store.list('alice'), (await held(store, 'alice')).messages]) {
          expect(messages.map(({ flags }) => flags)).to.deep.equal(['FST', '', ''])
          expect(messages.map(({ utf8 }) => utf8)).to.deep.equal([false, true, false])
          expect(at(messages, 0).receivedAt).to.deep.equal(receivedAt)
        }
        expect(at(await store.list('bob'), 0).flags).to.equal('FST')
      })

      it('is taken whatever it is: reports that were asked for', async () => {
        const recipients = [
          { address: 'a@havre.test', account: 'alice', notify: ['success', 'delay'] as const, originalRecipient: 'rfc822;ä@x' },
          { address: 'b@havre.test', account: 'bob', notify: 'never' as const },
        ]
        const placed = await store.deliver({ sender: '', recipients, dsn: { ret: 'headers', envelopeId: 'QQ314159' } }).commit()
        expect(placed.map(({ account }) => account)).to.deep.equal(['alice', 'bob'])
      })

      it('is refused where it is no set of flags in its order', () => {
        for (const flags of ['SF', 'FF', 'F,', 'é', 'F '])
          expect(() => store.deliver(to('alice'), { flags }), flags).to.throw(RangeError)
      })

      describe('and its mailbox', () => {
        beforeEach(async () => {
          await store.close()
          store = await place.open({ quota: ranges })
        })

        it('is counted: usage is what the messages are', async () => {
          expect(await store.usage('alice')).to.deep.equal({ octets: 0, messages: 0 })
          for (const size of [0, 10, 200_000]) await put(store, to('alice', 'bob'), Buffer.alloc(size))
          await put(store, to('bob'), 'only bob')
          expect(await store.usage('alice')).to.deep.equal({ octets: 200_010, messages: 3 })
          expect(await store.usage('bob')).to.deep.equal({ octets: 200_018, messages: 4 })
          const maildrop = await held(store, 'bob')
          await maildrop.remove([at(maildrop.messages, 2), at(maildrop.messages, 3)])
          await maildrop.remove([at(maildrop.messages, 2), at(maildrop.messages, 1)]) // one of them again
          await maildrop.release()
          expect(await store.usage('bob')).to.deep.equal({ octets: 0, messages: 1 })
          expect(await store.usage('alice')).to.deep.equal({ octets: 200_010, messages: 3 })
          const other = await place.open()
          expect(await other.usage('alice')).to.deep.equal({ octets: 200_010, messages: 3 })
        })

        it('takes no octet over its quota, and one up to it', async () => {
          await put(store, to('alice'), Buffer.alloc(999_990))
          await rejects('over-quota', put(store, to('alice'), Buffer.alloc(11)))
          await rejects('over-quota', put(store, to('alice'), Buffer.alloc(300_000)))
          await put(store, to('alice'), Buffer.alloc(10))
          await rejects('over-quota', put(store, to('alice'), Buffer.alloc(1)))
          await put(store, to('alice'), '')
          expect(await store.usage('alice')).to.deep.equal({ octets: 1_000_000, messages: 3 })
          await rejects('over-quota', put(store, to('nobody'), Buffer.alloc(1_000_001)))
          expect(await store.usage('nobody')).to.deep.equal({ octets: 0, messages: 0 })
        })

        it('takes no message over its quota', async () => {
          await Promise.all(Array.from({ length: 999 }, () => put(store, to('alice'), 'x')))
          await put(store, to('alice'), 'the last')
          await rejects('over-quota', put(store, to('alice'), ''))
          const maildrop = await held(store, 'alice')
          await maildrop.remove(maildrop.messages.slice(0, 1))
          await maildrop.release()
          await put(store, to('alice'), 'in its place')
          await rejects('over-quota', put(store, to('alice'), ''))
        })

        it('keeps its quota when many write at once, from several processes', async () => {
          const other = await place.open({ quota: ranges })
          const puts = Array.from({ length: 60 }, (_, turn) =>
            put(turn % 2 === 0 ? store : other, to('alice'), Buffer.alloc(90_000)),
          )
          const outcomes = await Promise.allSettled(puts)
          expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(11)
          expect(await store.list('alice')).to.have.length(11)
          expect(await store.usage('alice')).to.deep.equal({ octets: 990_000, messages: 11 })
        })

        it('refused for one is stored for none, and counted for none', async () => {
          await put(store, to('bob'), Buffer.alloc(1_000_000))
          for (const size of [1, 300_000]) await rejects('over-quota', put(store, to('alice', 'bob', 'carol'), Buffer.alloc(size)))
          for (const account of ['alice', 'carol']) {
            expect(await store.list(account)).to.deep.equal([])
            expect(await store.usage(account)).to.deep.equal({ octets: 0, messages: 0 })
          }
        })

        it('is left out where that is wanted, and the others get it', async () => {
          await put(store, to('bob'), Buffer.alloc(1_000_000))
          for (const size of [1, 300_000]) {
            const delivery = store.deliver(to('alice', 'bob', 'carol'), { whenFull: 'leave-out' })
            await delivery.write(Buffer.alloc(size, 'x'))
            const placed = await delivery.commit()
            expect(placed.map(({ account }) => account)).to.deep.equal(['alice', 'bob', 'carol'])
            expect(placed[1]).to.deep.equal({ account: 'bob', id: null, why: 'over-quota' })
            for (const { account, id } of [placed[0], placed[2]].filter((each) => each !== undefined))
              expect((await octetsOf(store.read(account, id ?? ''))).equals(Buffer.alloc(size, 'x'))).to.equal(true)
          }
          expect(await store.usage('bob')).to.deep.equal({ octets: 1_000_000, messages: 1 })
          expect(await store.usage('carol')).to.deep.equal({ octets: 300_001, messages: 2 })
        })

        it('left out everywhere is no message', async () => {
          await put(store, to('alice', 'bob'), Buffer.alloc(1_000_000))
          for (const size of [1, 300_000]) {
            const delivery = store.deliver(to('alice', 'bob'), { whenFull: 'leave-out' })
            await delivery.write(Buffer.alloc(size))
            expect((await delivery.commit()).map(({ id }) => id)).to.deep.equal([null, null])
          }
          expect(await store.usage('alice')).to.deep.equal({ octets: 1_000_000, messages: 1 })
        })

        it('takes what the operator puts there, whatever the quota', async () => {
          const delivery = store.deliver(to('alice'), { ignoreQuota: true })
          await delivery.write(Buffer.alloc(1_200_000))
          await delivery.commit()
          expect(await store.usage('alice')).to.deep.equal({ octets: 1_200_000, messages: 1 })
          await rejects('over-quota', put(store, to('alice'), ''))
        })
      })
    })
  })
}
