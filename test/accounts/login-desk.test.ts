import { expect } from 'chai'
import { type AccountStore, AccountStoreError } from '../../shared/accounts/account-store.ts'
import { DeskError, type LoginAnswer } from '../../shared/accounts/desk.ts'
import { createLoginDesk, type LoginDesk, type LoginEvents } from '../../shared/accounts/login-desk.ts'
import { createPasswords, type Passwords } from '../../shared/accounts/password.ts'
import type { LoginLimits } from '../../shared/config/settings.ts'
import { MemoryAccountStore } from './memory-account-store.ts'

const limits: LoginLimits = {
  delayMs: 250,
  maxDelayMs: 4_000,
  windowMs: 600_000,
  accountThreshold: 10,
  blockAfter: 20,
  blockMs: 600_000,
}

/** A hash that costs nothing, so that what is counted is the policy. `stale:` stands for one made at another cost. */
const fakePasswords = () => {
  const verified: string[] = []
  let gate: Promise<void> | null = null
  const passwords: Passwords = {
    hash: async (password) => `hash:${password}`,
    async verify(password, hash) {
      verified.push(hash)
      if (gate !== null) await gate
      return hash === `hash:${password}` || hash === `stale:${password}`
    },
    outdated: (hash) => hash.startsWith('stale:'),
    unfitting: 'unfitting',
  }
  return {
    passwords,
    verified,
    /** Every check waits until the function that this returns is called. */
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return () => {
        gate = null
        resolve()
      }
    },
  }
}

describe('the login desk', () => {
  let store: AccountStore
  let fake: ReturnType<typeof fakePasswords>
  let nowMs: number
  let slept: number[]
  let told: Record<string, unknown>[]
  let desk: LoginDesk

  const events: LoginEvents = {
    addressBlocked: (event) => told.push({ blocked: event }),
    hashRenewed: (event) => told.push({ renewed: event }),
    hashNotRenewed: (event) => told.push({ notRenewed: event }),
  }
  const openDesk = (changes: Partial<LoginLimits> = {}): LoginDesk =>
    createLoginDesk({
      store,
      passwords: fake.passwords,
      limits: { ...limits, ...changes },
      domains: ['havre.test', 'localhost'],
      events,
      now: () => nowMs,
      sleep: async (ms) => {
        slept.push(ms)
      },
    })
  const login = (name: string, password: string, address = '192.0.2.1'): Promise<LoginAnswer> =>
    desk.login({ name, password, address, service: 'pop3' })
  const accepted = (account: string): LoginAnswer => ({ outcome: 'accepted', account })
  const refused: LoginAnswer = { outcome: 'refused' }
  /** So many bad logins, one after the other. @returns the delays of their answers */
  const fail = async (times: number, name = 'alice', address = '192.0.2.1'): Promise<readonly number[]> => {
    slept = []
    for (let n = 0; n < times; n++) expect(await login(name, 'wrong', address)).to.deep.equal(refused)
    return slept
  }

  beforeEach(async () => {
    store = new MemoryAccountStore()
    await store.add({ name: 'alice', passwordHash: 'hash:secret' }, { name: 'bob', passwordHash: 'hash:other' })
    fake = fakePasswords()
    nowMs = 1_000_000
    slept = []
    told = []
    desk = openDesk()
  })
  afterEach(() => desk.close())

  describe('passwords', () => {
    it('takes the right one, by name or address, in any case', async () => {
      for (const name of ['alice', 'ALICE', 'alice@havre.test', 'Alice@LOCALHOST']) {
        expect(await login(name, 'secret'), name).to.deep.equal(accepted('alice'))
      }
      expect(slept).to.deep.equal([])
    })

    it("refuses a wrong one, another account's, an empty one, and one that nobody can have", async () => {
      for (const password of ['wrong', 'other', '', 'Secret', 'secret ', 'x'.repeat(100_000)]) {
        expect(await login('alice', password, `192.0.2.${password.length % 250}`), password.slice(0, 9)).to.deep.equal(refused)
      }
    })

    it('refuses names of nobody and of elsewhere', async () => {
      for (const [n, name] of ['carol', 'alice@elsewhere.test', '', '../alice', 'alice\0', 'alice+tag'].entries()) {
        expect(await login(name, 'secret', `192.0.2.${n}`), name).to.deep.equal(refused)
      }
    })

    it('computes one hash for each failure: for an account, for a name of nobody, for no name at all', async () => {
      await login('alice', 'wrong', '192.0.2.1')
      await login('carol', 'wrong', '192.0.2.2')
      await login('alice@elsewhere.test', 'wrong', '192.0.2.3')
      await login('', 'wrong', '192.0.2.4')
      await login('alice', 'x'.repeat(10_000), '192.0.2.5')
      await login('alice', 'wrong', '192.0.2.6')
      await login('alice', 'wrong', '192.0.2.6')
      expect(fake.verified).to.deep.equal([
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
      const [known, unknown] = [await fail(12, 'alice', '192.0.2.1'), await fail(12, 'carol', '192.0.2.2')]
      expect(unknown).to.deep.equal(known)
    })

    it('computes at the same cost for a name of nobody as for an account', async () => {
      const costs: string[] = []
      const real = createPasswords({ memoryKiB: 8, passes: 1, parallelism: 1 }, async (_, { nonce, message, ...cost }) => {
        costs.push(JSON.stringify(cost))
        return Buffer.alloc(cost.tagLength)
      })
      await store.add({ name: 'dave', passwordHash: await real.hash('secret') })
      costs.length = 0
      fake = { ...fake, passwords: { ...real, verify: async (password, hash) => (await real.verify(password, hash)) && false } }
      desk = openDesk()
      await login('dave', 'wrong')
      await login('carol', 'wrong')
      expect(costs).to.have.length(2)
      expect(costs[0]).to.equal(costs[1])
    })

    it('rejects, and counts no failure, when the account cannot be read', async () => {
      const broken = { ...store, find: () => Promise.reject(new AccountStoreError('damaged', 'no')) }
      store = broken
      desk = openDesk()
      const error = await login('alice', 'secret').catch((reason: unknown) => reason)
      expect(error).to.have.property('code', 'damaged')
      expect(slept).to.deep.equal([])
    })
  })

  describe('successes', () => {
    it('costs no hash the second time', async () => {
      await login('alice', 'secret')
      await login('Alice@havre.test', 'secret', '198.51.100.7')
      expect(fake.verified).to.have.length(1)
    })

    it('costs a hash for every failure, before and after a success', async () => {
      await login('alice', 'wrong')
      await login('alice', 'wrong')
      await login('alice', 'secret')
      await login('alice', 'wrong')
      await login('alice', 'secret')
      expect(fake.verified).to.have.length(4)
    })

    it('ends with the password that it was for', async () => {
      await login('alice', 'secret')
      await store.setPassword('alice', 'hash:new')
      expect(await login('alice', 'secret')).to.deep.equal(refused)
      expect(await login('alice', 'new')).to.deep.equal(accepted('alice'))
      await store.setPassword('alice', 'hash:secret')
      expect(await login('alice', 'secret')).to.deep.equal(accepted('alice'))
    })

    it('ends with the account', async () => {
      await login('alice', 'secret')
      await store.remove('alice')
      expect(await login('alice', 'secret')).to.deep.equal(refused)
    })

    it('of one account opens no other that has the same password', async () => {
      await store.add({ name: 'carol', passwordHash: 'hash:carols' })
      await login('alice', 'secret')
      expect(await login('carol', 'secret')).to.deep.equal(refused)
    })

    it('costs one hash when many come at once with the same password', async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => login('alice', 'secret')))
      expect(answers).to.deep.equal(answers.map(() => accepted('alice')))
      expect(fake.verified).to.have.length(1)
    })

    it('is not delayed by a flood of bad logins, where it is remembered', async () => {
      await login('alice', 'secret')
      const release = fake.hold()
      const flood = Array.from({ length: 500 }, (_, n) => login('bob', 'wrong', `198.51.100.${n % 250}`))
      expect(await login('alice', 'secret')).to.deep.equal(accepted('alice'))
      release()
      await Promise.all(flood)
    })

    it('takes its turn before the flood of another address, where it is not', async () => {
      const release = fake.hold()
      const flood = Array.from({ length: 500 }, () => login('bob', 'wrong', '198.51.100.1'))
      const good = login('alice', 'secret')
      await new Promise((resolve) => setImmediate(resolve))
      expect(fake.verified.indexOf('hash:secret')).to.be.within(0, 2)
      release()
      expect(await good).to.deep.equal(accepted('alice'))
      await Promise.all(flood)
    })

    it('renews a hash of another cost, and goes on without a hash', async () => {
      await store.setPassword('alice', 'stale:secret')
      expect(await login('alice', 'secret')).to.deep.equal(accepted('alice'))
      await new Promise((resolve) => setImmediate(resolve))
      expect((await store.find('alice'))?.passwordHash).to.equal('hash:secret')
      expect(await login('alice', 'secret')).to.deep.equal(accepted('alice'))
      expect(fake.verified).to.deep.equal(['stale:secret'])
      expect(told).to.deep.equal([{ renewed: { account: 'alice' } }])
    })

    it('leaves a password alone that was changed meanwhile', async () => {
      await store.setPassword('alice', 'stale:secret')
      const { hash } = fake.passwords
      fake = {
        ...fake,
        passwords: {
          ...fake.passwords,
          async hash(password) {
            await store.setPassword('alice', 'hash:newest')
            return hash(password)
          },
        },
      }
      desk = openDesk()
      await login('alice', 'secret')
      await new Promise((resolve) => setImmediate(resolve))
      expect((await store.find('alice'))?.passwordHash).to.equal('hash:newest')
      expect(await login('alice', 'secret')).to.deep.equal(refused)
    })

    it('is a success too when its hash cannot be renewed, and that is told', async () => {
      await store.setPassword('alice', 'stale:secret')
      const error = new AccountStoreError('locked', 'no')
      store.replaceHash = () => Promise.reject(error)
      expect(await login('alice', 'secret')).to.deep.equal(accepted('alice'))
      await new Promise((resolve) => setImmediate(resolve))
      expect(told).to.deep.equal([{ notRenewed: { account: 'alice', error } }])
    })
  })

  describe('delays', () => {
    it('double with each bad login from an address, up to the longest', async () => {
      expect(await fail(7)).to.deep.equal([250, 500, 1_000, 2_000, 4_000, 4_000, 4_000])
    })

    it('are counted by address, whatever the account', async () => {
      await fail(2, 'alice')
      expect(await fail(1, 'bob')).to.deep.equal([1_000])
      expect(await fail(1, 'bob', '192.0.2.2')).to.deep.equal([250])
    })

    it('are over when the failures are ten minutes old', async () => {
      await fail(3)
      nowMs += 599_999
      expect(await fail(1)).to.deep.equal([2_000])
      nowMs += 599_999
      expect(await fail(1)).to.deep.equal([500])
      nowMs += 600_000
      expect(await fail(1)).to.deep.equal([250])
    })

    it('of one account begin with the tenth bad login, whatever the addresses', async () => {
      const delays: number[] = []
      for (let n = 0; n < 16; n++) delays.push(...(await fail(1, 'alice', `198.51.100.${n}`)))
      expect(delays).to.deep.equal([...new Array<number>(10).fill(250), 500, 1_000, 2_000, 4_000, 4_000, 4_000])
      expect(await fail(1, 'bob', '203.0.113.1')).to.deep.equal([250])
    })

    it('do not hold a good login up', async () => {
      await fail(15, 'alice', '198.51.100.1')
      slept = []
      expect(await login('alice', 'secret')).to.deep.equal(accepted('alice'))
      expect(await login('alice', 'secret', '198.51.100.1')).to.deep.equal(accepted('alice'))
      expect(slept).to.deep.equal([])
    })

    it('are none where the settings say so', async () => {
      desk.configure({ limits: { ...limits, delayMs: 0 }, domains: ['havre.test'] })
      expect(await fail(5)).to.deep.equal([])
    })

    it('count a whole /64 of IPv6 as one address, and an IPv4 address however it is written', async () => {
      await fail(1, 'alice', '2001:db8:0:7::1')
      expect(await fail(1, 'alice', '2001:db8:0:7:ffff::2')).to.deep.equal([500])
      expect(await fail(1, 'bob', '2001:db8:0:8::1')).to.deep.equal([250])
      await fail(1, 'bob', '192.0.2.9')
      expect(await fail(1, 'bob', '::ffff:192.0.2.9')).to.deep.equal([500])
    })
  })

  describe('a success takes back', () => {
    it('the failures of its address on its account', async () => {
      await fail(3)
      await login('alice', 'secret')
      expect(await fail(1)).to.deep.equal([250])
      await login('alice', 'secret')
      expect(await fail(1)).to.deep.equal([250])
    })

    it('no failures on other accounts: who has one account cannot guess at others for nothing', async () => {
      for (let n = 0; n < 19; n++) {
        await fail(1, 'alice')
        expect(await login('bob', 'other')).to.deep.equal(accepted('bob'))
      }
      expect(await fail(1, 'alice')).to.deep.equal([4_000])
      expect(await login('bob', 'other')).to.have.property('outcome', 'blocked')
    })

    it('no failures from elsewhere on its account', async () => {
      for (let n = 0; n < 10; n++) await fail(1, 'alice', `198.51.100.${n}`)
      await login('alice', 'secret')
      expect(await fail(1, 'alice', '203.0.113.1')).to.deep.equal([500])
    })
  })

  describe('blocks', () => {
    it('turn an address away for ten minutes after twenty bad logins, for every account and service', async () => {
      await fail(20)
      expect(fake.verified).to.have.length(20)
      expect(await login('alice', 'wrong')).to.deep.equal({ outcome: 'blocked', retryAfterMs: 600_000 })
      nowMs += 599_000
      const answer = await desk.login({ name: 'bob', password: 'other', address: '192.0.2.1', service: 'ftp' })
      expect(answer).to.deep.equal({ outcome: 'blocked', retryAfterMs: 1_000 })
      expect(fake.verified).to.have.length(20)
      expect(await login('bob', 'other', '192.0.2.2')).to.deep.equal(accepted('bob'))
      nowMs += 1_000
      expect(await login('bob', 'other')).to.deep.equal(accepted('bob'))
      expect(await fail(1)).to.deep.equal([250])
    })

    it('are told once', async () => {
      await fail(20)
      await login('alice', 'wrong')
      expect(told).to.deep.equal([{ blocked: { address: '192.0.2.1', failures: 20, blockMs: 600_000, service: 'pop3' } }])
    })

    it('turn passwords away that are remembered, too', async () => {
      await login('bob', 'other')
      await fail(20)
      expect(await login('bob', 'other')).to.have.property('outcome', 'blocked')
    })

    it('hold on loopback, and for the whole /64', async () => {
      await fail(20, 'alice', '127.0.0.1')
      expect(await login('bob', 'other', '127.0.0.1')).to.have.property('outcome', 'blocked')
      await fail(20, 'alice', '::1')
      expect(await login('bob', 'other', '::1')).to.have.property('outcome', 'blocked')
      for (let n = 0; n < 20; n++) await fail(1, 'carol', `2001:db8::${n + 1}`)
      expect(await login('bob', 'other', '2001:db8::ffff')).to.have.property('outcome', 'blocked')
    })

    it('hold for what waits already: a thousand guesses at once get twenty tries and no more', async () => {
      const guesses = Array.from({ length: 1_000 }, (_, n) => login('alice', `guess${n}`))
      const outcomes = (await Promise.all(guesses)).map(({ outcome }) => outcome)
      expect(outcomes.filter((outcome) => outcome === 'refused')).to.have.length(20)
      expect(outcomes.filter((outcome) => outcome === 'blocked')).to.have.length(980)
      expect(fake.verified).to.have.length(20)
    })

    it('outlast a reload', async () => {
      await fail(20)
      desk.configure({ limits: { ...limits, blockAfter: 3 }, domains: ['havre.test'] })
      expect(await login('alice', 'secret')).to.have.property('outcome', 'blocked')
      await fail(3, 'alice', '192.0.2.2')
      expect(await login('alice', 'secret', '192.0.2.2')).to.have.property('outcome', 'blocked')
      expect(await login('alice@localhost', 'secret', '192.0.2.3')).to.deep.equal(refused)
    })
  })

  describe('its end', () => {
    it('ends delays at once, with the answer', async () => {
      const real = createLoginDesk({
        store,
        passwords: fake.passwords,
        limits: { ...limits, delayMs: 4_000 },
        domains: ['havre.test'],
        events,
      })
      const answer = real.login({ name: 'alice', password: 'wrong', address: '192.0.2.1', service: 'pop3' })
      await new Promise((resolve) => setImmediate(resolve))
      await real.close()
      expect(await answer).to.deep.equal(refused)
    })

    it('rejects what waits, and what comes later', async () => {
      const release = fake.hold()
      const [first, second] = [login('alice', 'secret'), login('alice', 'wrong').catch((error: unknown) => error)]
      await new Promise((resolve) => setImmediate(resolve))
      const closing = desk.close()
      expect(await second).to.be.instanceOf(DeskError)
      release()
      await closing
      expect(await first).to.deep.equal(accepted('alice'))
      expect(await login('bob', 'other').catch((error: unknown) => error)).to.be.instanceOf(DeskError)
    })
  })

  it('turns logins away for now when far too many wait', async () => {
    const release = fake.hold()
    const flood = Array.from({ length: 1_100 }, () => login('bob', 'wrong', '198.51.100.1').catch((error: unknown) => error))
    await new Promise((resolve) => setImmediate(resolve))
    release()
    const results = await Promise.all(flood)
    expect(results.filter((result) => result instanceof DeskError)).to.have.length(75)
  })
})
