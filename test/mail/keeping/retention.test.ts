import { expect } from 'chai'
import type { Retention } from '../../../shared/mail/keeping/retention.ts'
import { type Lab, lab, message } from './lab.ts'

const hour = 3_600_000

describe('mail retention', function () {
  this.timeout(120_000)
  let place: Lab

  beforeEach(async () => {
    place = await lab()
  })

  afterEach(async () => {
    await place.remove()
  })

  /** So many messages, one an hour, the last one now; each of the same octets. */
  const fill = async (count: number, account = 'alice'): Promise<readonly string[]> => {
    const ids: string[] = []
    for (let left = count - 1; left >= 0; left -= 1)
      ids.push(...(await place.put(message([], 'one of many'), [account], new Date(Date.now() - left * hour))))
    return ids
  }

  const idsOf = async (account = 'alice'): Promise<readonly string[]> => (await place.store.list(account)).map(({ id }) => id)
  const enforce = (retention: Partial<Retention>) => place.round({ retention })
  const octets = Buffer.byteLength(message([], 'one of many'))

  it('by age: what is older goes, what is not stays', async () => {
    const ids = await fill(10)
    const told = await enforce({ ageMs: 4.5 * hour })
    expect(await idsOf()).to.deep.equal(ids.slice(5))
    expect(told.expired).to.deep.equal([{ account: 'alice', messages: 5, octets: 5 * octets, held: false }])
  })

  it('by count: the oldest go, of each mailbox', async () => {
    const ids = await fill(10)
    const bobs = await fill(3, 'bob')
    await enforce({ messages: 3 })
    expect(await idsOf()).to.deep.equal(ids.slice(7))
    expect(await idsOf('bob')).to.deep.equal(bobs)
  })

  it('by size: as many as must, no one more', async () => {
    const ids = await fill(10)
    await enforce({ octets: 4 * octets })
    expect(await idsOf()).to.deep.equal(ids.slice(6))
    await enforce({ octets: 4 * octets - 1 })
    expect(await idsOf()).to.deep.equal(ids.slice(7))
  })

  it('by all three: whichever asks for most', async () => {
    const ids = await fill(10)
    await enforce({ ageMs: 7.5 * hour, messages: 9, octets: 5 * octets })
    expect(await idsOf()).to.deep.equal(ids.slice(5))
  })

  it('removes the oldest by the date that it shows, not by the order in which they came', async () => {
    const [old = '', older = '', now = ''] = await Promise.all(
      [2, 3, 0].map(async (hours) => (await place.put('x', ['alice'], new Date(Date.now() - hours * hour)))[0]),
    )
    await enforce({ messages: 2 })
    expect(await idsOf()).to.have.members([old, now])
    expect(await idsOf()).not.to.include(older)
  })

  it('removes nothing when it asks for nothing, and nothing twice', async () => {
    const ids = await fill(4)
    expect((await enforce({})).expired).to.deep.equal([])
    expect((await enforce({ ageMs: 100 * hour, messages: 4, octets: 4 * octets })).expired).to.deep.equal([])
    expect(await idsOf()).to.deep.equal(ids)
  })

  it('leaves a message to the others that have it', async () => {
    const [mine = '', hers = ''] = await place.put('shared', ['alice', 'carol'])
    const [later = ''] = await place.put('later')
    await enforce({ messages: 1 })
    expect(await idsOf()).to.deep.equal([later])
    expect(mine).not.to.equal(hers)
    const read: Buffer[] = []
    for await (const chunk of place.store.read('carol', hers)) read.push(chunk)
    expect(Buffer.concat(read).toString()).to.equal('shared')
  })

  it('leaves a mailbox alone that a session holds: what it was shown stays, and can be fetched', async () => {
    const ids = await fill(5)
    const maildrop = await place.store.open('alice')
    expect((await enforce({ messages: 2 })).expired).to.deep.equal([{ account: 'alice', messages: 0, octets: 0, held: true }])
    const [first] = maildrop?.messages ?? []
    if (maildrop === null || first === undefined) throw new Error('no session')
    for await (const chunk of maildrop.read(first)) expect(chunk.toString()).to.contain('one of many')
    await maildrop.release()
    await enforce({ messages: 2 })
    expect(await idsOf()).to.deep.equal(ids.slice(3))
  })

  it('counts what is left: the usage of the mailbox stays true', async () => {
    await fill(70)
    await enforce({ messages: 2 })
    expect(await place.store.usage('alice')).to.deep.equal({ octets: 2 * octets, messages: 2 })
  })

  it('never removes more than the rule says, even when a session deletes between plan and deed', async () => {
    const ids = await fill(10)
    // The plan was made while there were ten; by now there are six.
    await place.take('alice', ids.slice(6))
    const overdue = { account: 'alice', ids: ids.slice(0, 5).map(Number) }
    const expired = await place.keepable.expire(overdue, { ageMs: null, messages: 5, octets: null }, 0)
    expect(expired).to.deep.equal({ messages: 1, octets, held: false })
    expect(await idsOf()).to.deep.equal(ids.slice(1, 6))
  })
})
