import { expect } from 'chai'
import { accepted, type DeskUnderTest, deskUnderTest, limits, refused } from './desk-under-test.ts'

describe("the login desk's limits:", () => {
  let t: DeskUnderTest
  beforeEach(async () => {
    t = await deskUnderTest()
  })
  afterEach(() => t.desk.close())

  describe('delays', () => {
    it('double with each bad login from an address, up to the longest', async () => {
      expect(await t.fail(7)).to.deep.equal([250, 500, 1_000, 2_000, 4_000, 4_000, 4_000])
    })

    it('are counted by address, whatever the account', async () => {
      await t.fail(2, 'alice')
      expect(await t.fail(1, 'bob')).to.deep.equal([1_000])
      expect(await t.fail(1, 'bob', '192.0.2.2')).to.deep.equal([250])
    })

    it('are over when the failures are ten minutes old', async () => {
      await t.fail(3)
      t.nowMs += 599_999
      expect(await t.fail(1)).to.deep.equal([2_000])
      t.nowMs += 599_999
      expect(await t.fail(1)).to.deep.equal([500])
      t.nowMs += 600_000
      expect(await t.fail(1)).to.deep.equal([250])
    })

    it('of one account begin with the tenth bad login, whatever the addresses', async () => {
      const delays: number[] = []
      for (let n = 0; n < 16; n++) delays.push(...(await t.fail(1, 'alice', `198.51.100.${n}`)))
      expect(delays).to.deep.equal([...new Array<number>(10).fill(250), 500, 1_000, 2_000, 4_000, 4_000, 4_000])
      expect(await t.fail(1, 'bob', '203.0.113.1')).to.deep.equal([250])
    })

    it('do not hold a good login up', async () => {
      await t.fail(15, 'alice', '198.51.100.1')
      t.slept = []
      expect(await t.login('alice', 'secret')).to.deep.equal(accepted('alice'))
      expect(await t.login('alice', 'secret', '198.51.100.1')).to.deep.equal(accepted('alice'))
      expect(t.slept).to.deep.equal([])
    })

    it('are none where the settings say so', async () => {
      t.desk.configure({ limits: { ...limits, delayMs: 0 }, domains: ['havre.test'] })
      expect(await t.fail(5)).to.deep.equal([])
    })

    it('count a whole /64 of IPv6 as one address, and an IPv4 address however it is written', async () => {
      await t.fail(1, 'alice', '2001:db8:0:7::1')
      expect(await t.fail(1, 'alice', '2001:db8:0:7:ffff::2')).to.deep.equal([500])
      expect(await t.fail(1, 'bob', '2001:db8:0:8::1')).to.deep.equal([250])
      await t.fail(1, 'bob', '192.0.2.9')
      expect(await t.fail(1, 'bob', '::ffff:192.0.2.9')).to.deep.equal([500])
    })
  })

  describe('a success takes back', () => {
    it('the failures of its address on its account', async () => {
      await t.fail(3)
      await t.login('alice', 'secret')
      expect(await t.fail(1)).to.deep.equal([250])
      await t.login('alice', 'secret')
      expect(await t.fail(1)).to.deep.equal([250])
    })

    it('those failures among the ones of the account, too', async () => {
      await t.fail(12, 'alice')
      await t.login('alice', 'secret')
      const delays: number[] = []
      for (let n = 0; n < 11; n++) delays.push(...(await t.fail(1, 'alice', `198.51.100.${n}`)))
      expect(delays).to.deep.equal([...new Array<number>(10).fill(250), 500])
    })

    it('no failures on other accounts: who has one account cannot guess at others for nothing', async () => {
      for (let n = 0; n < 19; n++) {
        await t.fail(1, 'alice')
        expect(await t.login('bob', 'other')).to.deep.equal(accepted('bob'))
      }
      expect(await t.fail(1, 'alice')).to.deep.equal([4_000])
      expect(await t.login('bob', 'other')).to.have.property('outcome', 'blocked')
    })

    it('no failures from elsewhere on its account', async () => {
      for (let n = 0; n < 10; n++) await t.fail(1, 'alice', `198.51.100.${n}`)
      await t.login('alice', 'secret')
      expect(await t.fail(1, 'alice', '203.0.113.1')).to.deep.equal([500])
    })
  })

  describe('blocks', () => {
    it('turn an address away for ten minutes after twenty bad logins, for every account and service', async () => {
      await t.fail(20)
      expect(t.verified).to.have.length(20)
      expect(await t.login('alice', 'wrong')).to.deep.equal({ outcome: 'blocked', retryAfterMs: 600_000 })
      t.nowMs += 599_000
      const answer = await t.desk.login({ name: 'bob', password: 'other', address: '192.0.2.1', service: 'ftp' })
      expect(answer).to.deep.equal({ outcome: 'blocked', retryAfterMs: 1_000 })
      expect(t.verified).to.have.length(20)
      expect(await t.login('bob', 'other', '192.0.2.2')).to.deep.equal(accepted('bob'))
      t.nowMs += 1_000
      expect(await t.login('bob', 'other')).to.deep.equal(accepted('bob'))
      expect(await t.fail(1)).to.deep.equal([250])
    })

    it('are told once', async () => {
      await t.fail(20)
      await t.login('alice', 'wrong')
      expect(t.told).to.deep.equal([{ blocked: { address: '192.0.2.1', failures: 20, blockMs: 600_000, service: 'pop3' } }])
    })

    it('turn passwords away that are remembered, too', async () => {
      await t.login('bob', 'other')
      await t.fail(20)
      expect(await t.login('bob', 'other')).to.have.property('outcome', 'blocked')
    })

    it('hold on loopback, and for the whole /64', async () => {
      await t.fail(20, 'alice', '127.0.0.1')
      expect(await t.login('bob', 'other', '127.0.0.1')).to.have.property('outcome', 'blocked')
      await t.fail(20, 'alice', '::1')
      expect(await t.login('bob', 'other', '::1')).to.have.property('outcome', 'blocked')
      for (let n = 0; n < 20; n++) await t.fail(1, 'carol', `2001:db8::${n + 1}`)
      expect(await t.login('bob', 'other', '2001:db8::ffff')).to.have.property('outcome', 'blocked')
    })

    it('hold for what waits already: a thousand guesses at once get twenty tries and no more', async () => {
      const guesses = Array.from({ length: 1_000 }, (_, n) => t.login('alice', `guess${n}`))
      const outcomes = (await Promise.all(guesses)).map(({ outcome }) => outcome)
      expect(outcomes.filter((outcome) => outcome === 'refused')).to.have.length(20)
      expect(outcomes.filter((outcome) => outcome === 'blocked')).to.have.length(980)
      expect(t.verified).to.have.length(20)
    })

    it('outlast a reload', async () => {
      await t.fail(20)
      t.desk.configure({ limits: { ...limits, blockAfter: 3 }, domains: ['havre.test'] })
      expect(await t.login('alice', 'secret')).to.have.property('outcome', 'blocked')
      await t.fail(3, 'alice', '192.0.2.2')
      expect(await t.login('alice', 'secret', '192.0.2.2')).to.have.property('outcome', 'blocked')
      expect(await t.login('alice@localhost', 'secret', '192.0.2.3')).to.deep.equal(refused)
    })
  })
})
