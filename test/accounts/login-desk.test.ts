import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { AccountStoreError } from '../../shared/accounts/account-store.ts'
import { DeskError } from '../../shared/accounts/desk.ts'
import { createLoginDesk } from '../../shared/accounts/login-desk.ts'
import { createPasswords } from '../../shared/accounts/password.ts'
import { accepted, type DeskUnderTest, deskUnderTest, limits, refused } from './desk-under-test.ts'

describe('the login desk', () => {
  let t: DeskUnderTest
  beforeEach(async () => {
    t = await deskUnderTest()
  })
  afterEach(() => t.desk.close())

  describe('passwords', () => {
    it('takes the right one, by name or address, in any case', async () => {
      for (const name of ['alice', 'ALICE', 'alice@havre.test', 'Alice@LOCALHOST']) {
        expect(await t.login(name, 'secret'), name).to.deep.equal(accepted('alice'))
      }
      expect(t.slept).to.deep.equal([])
    })

    it("refuses a wrong one, another account's, an empty one, and one that nobody can have", async () => {
      for (const password of ['wrong', 'other', '', 'Secret', 'secret ', 'x'.repeat(100_000)]) {
        expect(await t.login('alice', password, `192.0.2.${password.length % 250}`), password.slice(0, 9)).to.deep.equal(refused)
      }
    })

    it('refuses names of nobody and of elsewhere', async () => {
      for (const [n, name] of ['carol', 'alice@elsewhere.test', '', '../alice', 'alice\0', 'alice+tag'].entries()) {
        expect(await t.login(name, 'secret', `192.0.2.${n}`), name).to.deep.equal(refused)
      }
    })

    it('computes one hash for each failure: for an account, for a name of nobody, for no name at all', async () => {
      await t.login('alice', 'wrong', '192.0.2.1')
      await t.login('carol', 'wrong', '192.0.2.2')
      await t.login('alice@elsewhere.test', 'wrong', '192.0.2.3')
      await t.login('', 'wrong', '192.0.2.4')
      await t.login('alice', 'x'.repeat(10_000), '192.0.2.5')
      await t.login('alice', 'wrong', '192.0.2.6')
      await t.login('alice', 'wrong', '192.0.2.6')
      expect(t.verified).to.deep.equal([
        'hash:secret',
        'unfitting',
        'unfitting',
        'unfitting',
        'unfitting',
        'hash:secret',
        'hash:secret',
      ])
    })

    it('answers failures on names of nobody after the same delays', async () => {
      const [known, unknown] = [await t.fail(12, 'alice', '192.0.2.1'), await t.fail(12, 'carol', '192.0.2.2')]
      expect(unknown).to.deep.equal(known)
    })

    it('computes at the same cost for a name of nobody as for an account', async () => {
      const costs: string[] = []
      const real = createPasswords({ memoryKiB: 8, passes: 1, parallelism: 1 }, async (_, { nonce, message, ...cost }) => {
        costs.push(JSON.stringify(cost))
        return randomBytes(cost.tagLength)
      })
      t = await deskUnderTest({ passwords: real })
      await t.store.add({ name: 'dave', passwordHash: await real.hash('secret') })
      costs.length = 0
      await t.login('dave', 'wrong')
      await t.login('carol', 'wrong')
      expect(costs).to.have.length(2)
      expect(costs[0]).to.equal(costs[1])
    })

    it('rejects, and counts no failure, when the account cannot be read', async () => {
      t.store.find = () => Promise.reject(new AccountStoreError('damaged', 'no'))
      const error = await t.login('alice', 'secret').catch((reason: unknown) => reason)
      expect(error).to.have.property('code', 'damaged')
      expect(t.slept).to.deep.equal([])
    })
  })

  describe('successes', () => {
    it('costs no hash the second time', async () => {
      await t.login('alice', 'secret')
      await t.login('Alice@havre.test', 'secret', '198.51.100.7')
      expect(t.verified).to.have.length(1)
    })

    it('costs a hash for every failure, before and after a success', async () => {
      await t.login('alice', 'wrong')
      await t.login('alice', 'wrong')
      await t.login('alice', 'secret')
      await t.login('alice', 'wrong')
      await t.login('alice', 'secret')
      expect(t.verified).to.have.length(4)
    })

    it('ends with the password that it was for', async () => {
      await t.login('alice', 'secret')
      await t.store.setPassword('alice', 'hash:new')
      expect(await t.login('alice', 'secret')).to.deep.equal(refused)
      expect(await t.login('alice', 'new')).to.deep.equal(accepted('alice'))
      await t.store.setPassword('alice', 'hash:secret')
      expect(await t.login('alice', 'secret')).to.deep.equal(accepted('alice'))
    })

    it('ends with the account', async () => {
      await t.login('alice', 'secret')
      await t.store.remove('alice')
      expect(await t.login('alice', 'secret')).to.deep.equal(refused)
    })

    it('of one account opens no other that has the same password', async () => {
      await t.store.add({ name: 'carol', passwordHash: 'hash:carols' })
      await t.login('alice', 'secret')
      expect(await t.login('carol', 'secret')).to.deep.equal(refused)
    })

    it('costs one hash when many come at once with the same password', async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => t.login('alice', 'secret')))
      expect(answers).to.deep.equal(answers.map(() => accepted('alice')))
      expect(t.verified).to.have.length(1)
    })

    it('is not delayed by a flood of bad logins, where it is remembered', async () => {
      await t.login('alice', 'secret')
      const release = t.hold()
      const flood = Array.from({ length: 500 }, (_, n) => t.login('bob', 'wrong', `198.51.100.${n % 250}`))
      expect(await t.login('alice', 'secret')).to.deep.equal(accepted('alice'))
      release()
      await Promise.all(flood)
    })

    it('takes its turn before the flood of another address, where it is not', async () => {
      const release = t.hold()
      const flood = Array.from({ length: 500 }, () => t.login('bob', 'wrong', '198.51.100.1'))
      const good = t.login('alice', 'secret')
      await new Promise((resolve) => setImmediate(resolve))
      expect(t.verified.indexOf('hash:secret')).to.be.within(0, 2)
      release()
      expect(await good).to.deep.equal(accepted('alice'))
      await Promise.all(flood)
    })

    describe('while a hundred addresses guess', () => {
      const addresses = Array.from({ length: 100 }, (_, n) => `127.0.${Math.floor(n / 50)}.${n + 1}`)
      /** Each has failed once, on bob's account, and guesses on; then somebody logs in. @returns hashes, and who was answered before */
      const hashes = async (name: string, password: string) => {
        for (const address of addresses) await t.fail(1, 'bob', address)
        const before = t.verified.length
        const release = t.hold()
        const guesses = addresses.flatMap((address) => [1, 2, 3].map(() => t.login('bob', 'wrong', address)))
        await new Promise((resolve) => setImmediate(resolve))
        const good = t.login(name, password, '198.51.100.1')
        const order: string[] = []
        for (const guess of guesses) void guess.then(() => order.push('guess'))
        void good.then(() => order.push('good'))
        await new Promise((resolve) => setImmediate(resolve))
        const begun = t.verified.length - before
        release()
        expect(await good).to.deep.equal(accepted(name))
        expect(await Promise.all(guesses), 'every guess is answered').to.deep.equal(guesses.map(() => refused))
        return { begun, computed: t.verified.length - before, place: order.indexOf('good') }
      }

      it('goes first', async () => {
        const { begun, computed, place } = await hashes('alice', 'secret')
        expect(begun, 'one guess, and the login where there are two cores').to.be.at.most(2)
        expect(place).to.be.at.most(1)
        expect(computed).to.equal(301)
      })

      it('goes before what they go on with, on the account that they guess at too', async () => {
        const { computed, place } = await hashes('bob', 'other')
        expect(place).to.be.at.most(1)
        expect(computed).to.equal(301)
      })

      it('goes before all whose first guess has failed while they waited', async () => {
        const release = t.hold()
        const guesses = addresses.flatMap((address) => [1, 2, 3].map(() => t.login('bob', 'wrong', address)))
        await new Promise((resolve) => setImmediate(resolve))
        const good = t.login('alice', 'secret', '198.51.100.1')
        release()
        expect(await good).to.deep.equal(accepted('alice'))
        expect(t.verified.indexOf('hash:secret')).to.be.at.most(3)
        expect(await Promise.all(guesses)).to.deep.equal(guesses.map(() => refused))
      })
    })

    it('costs no hash when whoever asked has given up', async () => {
      const release = t.hold()
      const first = t.login('bob', 'wrong')
      const late = t.login('alice', 'secret').catch((error: unknown) => error)
      await new Promise((resolve) => setImmediate(resolve))
      t.nowMs += 26_000
      release()
      expect(await first).to.deep.equal(refused)
      expect(await late).to.be.instanceOf(DeskError)
      expect(t.verified).to.deep.equal(['hash:other'])
    })

    it('renews a hash of another cost, and goes on without a hash', async () => {
      await t.store.setPassword('alice', 'stale:secret')
      expect(await t.login('alice', 'secret')).to.deep.equal(accepted('alice'))
      await new Promise((resolve) => setImmediate(resolve))
      expect((await t.store.find('alice'))?.passwordHash).to.equal('hash:secret')
      expect(await t.login('alice', 'secret')).to.deep.equal(accepted('alice'))
      expect(t.verified).to.deep.equal(['stale:secret'])
      expect(t.told).to.deep.equal([{ renewed: { account: 'alice' } }])
    })

    it('leaves a password alone that was changed meanwhile', async () => {
      await t.store.setPassword('alice', 'stale:secret')
      const { hash } = t.passwords
      t.passwords.hash = async (password) => {
        await t.store.setPassword('alice', 'hash:newest')
        return hash(password)
      }
      await t.login('alice', 'secret')
      await new Promise((resolve) => setImmediate(resolve))
      expect((await t.store.find('alice'))?.passwordHash).to.equal('hash:newest')
      expect(await t.login('alice', 'secret')).to.deep.equal(refused)
    })

    it('is a success too when its hash cannot be renewed, and that is told', async () => {
      await t.store.setPassword('alice', 'stale:secret')
      const error = new AccountStoreError('locked', 'no')
      t.store.replaceHash = () => Promise.reject(error)
      expect(await t.login('alice', 'secret')).to.deep.equal(accepted('alice'))
      await new Promise((resolve) => setImmediate(resolve))
      expect(t.told).to.deep.equal([{ notRenewed: { account: 'alice', error } }])
    })
  })

  describe('its end', () => {
    it('ends delays at once, with the answer', async () => {
      const real = createLoginDesk({
        ...{
          store: t.store,
          passwords: t.passwords,
          limits: { ...limits, delayMs: 3_600_000, maxDelayMs: 3_600_000 },
          domains: ['havre.test'],
        },
        events: { addressBlocked: () => undefined, hashRenewed: () => undefined, hashNotRenewed: () => undefined },
      })
      const answer = real.login({ name: 'alice', password: 'wrong', address: '192.0.2.1', service: 'pop3' })
      await new Promise((resolve) => setImmediate(resolve))
      await real.close()
      expect(await answer).to.deep.equal(refused)
    })

    it('rejects what waits, and what comes later', async () => {
      const release = t.hold()
      const [first, second] = [t.login('alice', 'secret'), t.login('alice', 'wrong').catch((error: unknown) => error)]
      await new Promise((resolve) => setImmediate(resolve))
      const closing = t.desk.close()
      expect(await second).to.be.instanceOf(DeskError)
      release()
      await closing
      expect(await first).to.deep.equal(accepted('alice'))
      expect(await t.login('bob', 'other').catch((error: unknown) => error)).to.be.instanceOf(DeskError)
    })
  })

  it('turns logins away for now when far too many wait', async () => {
    const release = t.hold()
    const flood = Array.from({ length: 1_100 }, () => t.login('bob', 'wrong', '198.51.100.1').catch((error: unknown) => error))
    await new Promise((resolve) => setImmediate(resolve))
    release()
    const results = await Promise.all(flood)
    expect(results.filter((result) => result instanceof DeskError)).to.have.length(75)
  })
})
