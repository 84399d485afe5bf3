/** What every MailStore keeps: called with a way to open one, it describes the suite. */
import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { Envelope, MailStore, Placed, Quota, StoredMessage } from '../../shared/mail/mail-store.ts'
import { StoreError, type StoreErrorCode } from '../../shared/mail/mail-store.ts'

/** One store's place; `open` may be called more than once: each is another process's view of the same mail. */
export interface StoreUnderTest {
  open(options?: { readonly quota?: Quota | null }): Promise<MailStore>
  /** Closes what is open and removes the place. */
  remove(): Promise<void>
}

/** An envelope to these accounts at `havre.test`. */
export const to = (...accounts: string[]): Envelope => ({
  sender: 'sender@example.org',
  recipients: accounts.map((account) => ({ address: `${account}@havre.test`, account })),
})

/** The messages that a commit made. */
export const idsOf = (placed: readonly Placed[]): string[] => placed.flatMap(({ id }) => (id === null ? [] : [id]))

/** Delivers octets in one write. */
export const put = async (store: MailStore, envelope: Envelope, octets: Buffer | string): Promise<readonly string[]> => {
  const delivery = store.deliver(envelope)
  await delivery.write(Buffer.from(octets))
  return idsOf(await delivery.commit())
}

/** All octets of a message in one buffer: for small ones. */
export const octetsOf = async (chunks: AsyncIterable<Buffer>): Promise<Buffer> => {
  const all: Buffer[] = []
  for await (const chunk of chunks) all.push(Buffer.from(chunk))
  return Buffer.concat(all)
}

/** Fails unless the promise rejects with this code. */
export const rejects = async (code: StoreErrorCode, promise: Promise<unknown>): Promise<void> => {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error, `a StoreError ${code}`).to.be.instanceOf(StoreError)
  expect(error).to.have.property('code', code)
}

/** Fails when the mailbox is held by another session. */
export const held = async (store: MailStore, account: string) => {
  const maildrop = await store.open(account)
  if (maildrop === null) throw new Error(`the mailbox of ${account} is held`)
  return maildrop
}

/** The message at this place. */
export const at = (messages: readonly StoredMessage[], place: number): StoredMessage => {
  const message = messages[place]
  if (message === undefined) throw new Error(`no message at ${place} of ${messages.length}`)
  return message
}

/** Describes the suite. */
export const mailStoreContract = (name: string, make: () => Promise<StoreUnderTest>): void => {
  describe(`${name} keeps the contract of a mail store`, () => {
    let place: StoreUnderTest
    let store: MailStore

    beforeEach(async () => {
      place = await make()
      store = await place.open()
    })
    afterEach(() => place.remove())

    describe('a delivery', () => {
      it('is a message with its octets, envelope sender and time', async () => {
        const before = Date.now()
        const [id] = await put(store, to('alice'), 'Subject: one\r\n\r\nbody\r\n')
        const messages = await store.list('alice')
        expect(messages).to.have.length(1)
        const message = at(messages, 0)
        expect(message.id).to.equal(id)
        expect(message.octets).to.equal(22)
        expect(message.sender).to.equal('sender@example.org')
        expect(message.receivedAt.getTime()).to.be.within(before, Date.now())
        expect((await octetsOf(store.read('alice', message.id))).toString()).to.equal('Subject: one\r\n\r\nbody\r\n')
      })

      it('keeps octets exactly, whatever they are and however they are cut', async () => {
        const sizes = [0, 1, 2, 4095, 8192, 8193, 65_535, 65_536, 65_537, 131_072, 200_001, 1_000_000]
        for (const size of sizes) {
          const octets = randomBytes(size)
          const delivery = store.deliver(to('alice'))
          for (let begin = 0; begin < size; ) {
            const end = Math.min(size, begin + 1 + Math.floor(Math.random() * 90_000))
            const piece = Buffer.from(octets.subarray(begin, end))
            await delivery.write(piece)
            piece.fill(0) // the buffer is the caller's again
            begin = end
          }
          const [id = ''] = idsOf(await delivery.commit())
          expect((await octetsOf(store.read('alice', id))).equals(octets), `${size} octets`).to.equal(true)
          expect((await store.list('alice')).at(-1)?.octets).to.equal(size)
        }
      })

      it('takes an empty write for nothing', async () => {
        const delivery = store.deliver(to('alice'))
        await delivery.write(Buffer.alloc(0))
        await delivery.write(Buffer.from('x'))
        await delivery.write(Buffer.alloc(0))
        const [id = ''] = idsOf(await delivery.commit())
        expect((await octetsOf(store.read('alice', id))).toString()).to.equal('x')
      })

      it('to many recipients is a message for each, in their order, and one for an account that appears twice', async () => {
        const ids = await put(store, to('bob', 'alice', 'bob', 'carol'), 'to all')
        expect(ids).to.have.length(3)
        expect(new Set(ids).size).to.equal(3)
        for (const [place, account] of ['bob', 'alice', 'carol'].entries()) {
          const messages = await store.list(account)
          expect(messages.map(({ id }) => id)).to.deep.equal([ids[place]])
          expect((await octetsOf(store.read(account, ids[place] ?? ''))).toString()).to.equal('to all')
        }
      })

      it('keeps the null reverse-path and addresses beyond ASCII', async () => {
        await put(store, { sender: '', recipients: [{ address: 'alice@havre.test', account: 'alice' }] }, 'bounce')
        await put(store, { sender: 'jürgen@exämple.org', recipients: [{ address: 'älice@havre.test', account: 'alice' }] }, 'utf8')
        expect((await store.list('alice')).map(({ sender }) => sender)).to.deep.equal(['', 'jürgen@exämple.org'])
      })

      it('without a recipient is refused', () => {
        expect(() => store.deliver({ sender: 'a@b', recipients: [] })).to.throw(RangeError)
      })

      it('is seen by nobody before its commit', async () => {
        const delivery = store.deliver(to('alice'))
        await delivery.write(Buffer.alloc(300_000))
        expect(await store.list('alice')).to.deep.equal([])
        await delivery.commit()
        expect(await store.list('alice')).to.have.length(1)
      })

      it('that is aborted leaves nothing, small or large, begun or not', async () => {
        for (const size of [0, 10, 300_000]) {
          const delivery = store.deliver(to('alice'))
          if (size > 0) await delivery.write(Buffer.alloc(size))
          await delivery.abort()
          await delivery.abort()
        }
        expect(await store.list('alice')).to.deep.equal([])
      })

      it('is ended once', async () => {
        const delivery = store.deliver(to('alice'))
        await delivery.write(Buffer.from('x'))
        await delivery.commit()
        for (const again of [delivery.commit(), delivery.write(Buffer.from('y'))]) {
          const error = await again.then(
            () => null,
            (reason: unknown) => reason,
          )
          expect(error).to.be.instanceOf(Error)
        }
        await delivery.abort()
        expect(await store.list('alice')).to.have.length(1)
      })

      it('is one of many at a time, each whole', async () => {
        const bodies = Array.from({ length: 60 }, (_, place) => randomBytes(place % 7 === 0 ? 150_000 : 3000))
        const ids = await Promise.all(bodies.map((body) => put(store, to('alice'), body)))
        expect(new Set(ids.flat()).size).to.equal(60)
        for (const [place, body] of bodies.entries())
          expect((await octetsOf(store.read('alice', ids[place]?.[0] ?? ''))).equals(body)).to.equal(true)
      })
    })

    describe('ids', () => {
      it('are decimal, grow in the order of the mailbox, and are not used again', async () => {
        const ids: string[] = []
        for (const body of ['one', 'two', 'three']) ids.push(...(await put(store, to('alice'), body)))
        expect((await store.list('alice')).map(({ id }) => id)).to.deep.equal(ids)
        for (const id of ids) expect(id).to.match(/^[1-9]\d*$/)
        const maildrop = await held(store, 'alice')
        await maildrop.remove(maildrop.messages)
        await maildrop.release()
        const [next] = await put(store, to('alice'), 'four')
        expect(Number(next)).to.be.above(Number(ids.at(-1)))
      })

      it('for POP3 are 1 to 70 printable octets, differ, and stay over a new opening of the store', async () => {
        for (let count = 0; count < 5; count += 1) await put(store, to('alice', 'bob'), 'same octets')
        const uidls = (await store.list('alice')).map(({ uidl }) => uidl)
        for (const uidl of uidls) expect(uidl).to.match(/^[\x21-\x7e]{1,70}$/)
        expect(new Set(uidls).size).to.equal(5)
        await store.close()
        store = await place.open()
        expect((await store.list('alice')).map(({ uidl }) => uidl)).to.deep.equal(uidls)
        const maildrop = await held(store, 'alice')
        expect(maildrop.messages.map(({ uidl }) => uidl)).to.deep.equal(uidls)
        await maildrop.release()
      })

      it('differ in a store that was made anew', async () => {
        await put(store, to('alice'), 'x')
        const other = await make()
        const second = await other.open()
        await put(second, to('alice'), 'x')
        const [mine, theirs] = [await store.list('alice'), await second.list('alice')]
        await other.remove()
        expect(at(mine, 0).uidl).not.to.equal(at(theirs, 0).uidl)
      })
    })

    describe('reading', () => {
      it('of what is not there, or is another account’s, says missing', async () => {
        const [id = ''] = await put(store, to('alice'), 'x')
        await rejects('missing', octetsOf(store.read('bob', id)))
        for (const wrong of ['0', '-1', '99999999', '999999999999999999999', 'x', '', `${id}.0`, ` ${id}`])
          await rejects('missing', octetsOf(store.read('alice', wrong)))
      })

      it('gives chunks of bounded size, and may stop anywhere', async () => {
        const [id = ''] = await put(store, to('alice'), Buffer.alloc(1_000_000, 'a'))
        let chunks = 0
        for await (const chunk of store.read('alice', id)) {
          expect(chunk.length).to.be.within(1, 256 * 1024)
          chunks += 1
          if (chunks === 2) break
        }
        expect((await octetsOf(store.read('alice', id))).length).to.equal(1_000_000)
      })
    })

    describe('a held mailbox', () => {
      it('is a snapshot: deliveries go on and are not seen', async () => {
        await put(store, to('alice'), 'one')
        const maildrop = await held(store, 'alice')
        await put(store, to('alice'), 'two')
        expect(maildrop.messages).to.have.length(1)
        expect(maildrop.account).to.equal('alice')
        expect(await store.list('alice')).to.have.length(2)
        await maildrop.remove(maildrop.messages)
        await maildrop.release()
        expect(await store.list('alice')).to.have.length(1)
      })

      it('is nobody else’s until it is released, in this process and in another', async () => {
        const other = await place.open()
        const maildrop = await held(store, 'alice')
        expect(await store.open('alice')).to.equal(null)
        expect(await other.open('alice')).to.equal(null)
        await (await held(other, 'bob')).release()
        await maildrop.release()
        await maildrop.release()
        const next = await held(other, 'alice')
        expect(await store.open('alice')).to.equal(null)
        await next.release()
        await (await held(store, 'alice')).release()
      })

      it('goes to one of many that ask at once', async () => {
        const other = await place.open()
        const tries = Array.from({ length: 20 }, (_, turn) => (turn % 2 === 0 ? store : other).open('alice'))
        const got = (await Promise.all(tries)).filter((maildrop) => maildrop !== null)
        expect(got).to.have.length(1)
        await got[0]?.release()
      })

      it('is free when the store is closed', async () => {
        const other = await place.open()
        await held(other, 'alice')
        await other.close()
        await (await held(store, 'alice')).release()
      })

      it('of an account without mail is empty', async () => {
        const maildrop = await held(store, 'nobody')
        expect(maildrop.messages).to.deep.equal([])
        await maildrop.remove([])
        await maildrop.release()
      })

      it('gives every message whole, in any order and more than once', async () => {
        const bodies = Array.from({ length: 40 }, (_, place) => randomBytes(place % 9 === 4 ? 100_000 : place * 97))
        for (const body of bodies) await put(store, to('alice'), body)
        const maildrop = await held(store, 'alice')
        const inOrder = [...bodies.keys()]
        const orders = [inOrder, inOrder.toReversed(), [0, 0, 1, 1, 2, 5, 6, 7, 3, 4], [39, 0, 38, 1, 2, 3]]
        let atHand = 0
        for (const order of [...orders, inOrder])
          for (const place of order) {
            const message = at(maildrop.messages, place)
            const octets = maildrop.atHand(message)
            if (octets !== null) atHand += 1
            expect((octets ?? (await octetsOf(maildrop.read(message)))).equals(bodies[place] ?? Buffer.of())).to.equal(true)
          }
        expect(atHand, 'spared the waiting').to.be.greaterThan(0)
        await maildrop.release()
        expect(maildrop.atHand(at(maildrop.messages, 0)), 'once it is released').to.equal(null)
      })

      it('removes what it is told, and nothing else', async () => {
        const bodies = ['one', 'two', 'three', 'four']
        for (const body of bodies) await put(store, to('alice', 'bob'), body)
        const maildrop = await held(store, 'alice')
        await maildrop.remove([at(maildrop.messages, 1), at(maildrop.messages, 3)])
        await rejects('missing', octetsOf(maildrop.read(at(maildrop.messages, 1))))
        await maildrop.release()
        const rest = await store.list('alice')
        expect(await Promise.all(rest.map(async ({ id }) => String(await octetsOf(store.read('alice', id)))))).to.deep.equal([
          'one',
          'three',
        ])
        const theirs = await store.list('bob')
        expect(await Promise.all(theirs.map(async ({ id }) => String(await octetsOf(store.read('bob', id)))))).to.deep.equal(bodies)
      })

      it('removes a thousand messages at once', async () => {
        await Promise.all(Array.from({ length: 1000 }, () => put(store, to('alice'), 'x')))
        const maildrop = await held(store, 'alice')
        await maildrop.remove(maildrop.messages.slice(1))
        await maildrop.release()
        expect(await store.list('alice')).to.have.length(1)
      })

      it('does nothing more once it is released', async () => {
        await put(store, to('alice'), 'x')
        const maildrop = await held(store, 'alice')
        await maildrop.release()
        await rejects('closed', maildrop.remove(maildrop.messages))
        await rejects('closed', octetsOf(maildrop.read(at(maildrop.messages, 0))))
        expect(await store.list('alice')).to.have.length(1)
      })
    })

    describe('closing', () => {
      it('forgets unfinished deliveries, and everything later says closed', async () => {
        await put(store, to('bob'), 'kept')
        const small = store.deliver(to('alice'))
        await small.write(Buffer.from('x'))
        const large = store.deliver(to('alice'))
        await large.write(Buffer.alloc(500_000))
        const maildrop = await held(store, 'bob')
        await store.close()
        await store.close()
        await rejects('closed', small.commit())
        await rejects('closed', large.commit())
        await rejects('closed', store.list('alice'))
        await rejects('closed', store.open('alice'))
        await rejects('closed', octetsOf(store.read('alice', '1')))
        await rejects('closed', put(store, to('alice'), 'y'))
        await rejects('closed', maildrop.remove(maildrop.messages))
        await maildrop.release()
        store = await place.open()
        expect(await store.list('alice')).to.deep.equal([])
        expect((await held(store, 'bob')).messages).to.have.length(1)
      })

      it('waits for the commits that were asked for', async () => {
        const ids = Promise.all(Array.from({ length: 30 }, () => put(store, to('alice'), 'x')))
        await new Promise(setImmediate)
        await Promise.all([ids, store.close()])
        store = await place.open()
        expect(await store.list('alice')).to.have.length(30)
      })
    })

    it('mail of one process is seen by another at once', async () => {
      const other = await place.open()
      const [id = ''] = await put(store, to('alice'), 'x')
      expect((await octetsOf(other.read('alice', id))).toString()).to.equal('x')
      const maildrop = await held(other, 'alice')
      await maildrop.remove(maildrop.messages)
      await maildrop.release()
      expect(await store.list('alice')).to.deep.equal([])
    })
  })
}
