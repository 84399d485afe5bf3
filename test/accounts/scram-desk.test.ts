import { expect } from 'chai'
import { DeskError, type ScramAnswer } from '../../shared/accounts/desk.ts'
import { makeScramKeys, readScramKeys } from '../../shared/accounts/scram.ts'
import { ScramExchanges } from '../../shared/accounts/scram-exchanges.ts'
import { beginScram, type ScramNext } from '../../shared/accounts/scram-login.ts'
import { ScramClient, type ScramClientOptions } from '../kit/scram-client.ts'
import { accepted, type DeskUnderTest, deskUnderTest, type OwnParts, refused } from './desk-under-test.ts'
import { MemoryAccountStore } from './memory-account-store.ts'

/** Cheap keys: what is tested is the policy. */
const keysOf = (password: string) => makeScramKeys(password, 4_096)

/** alice has keys (`secret`), bob has none yet (`other`). */
const withKeys = async (own: OwnParts = {}): Promise<DeskUnderTest> => {
  const store = new MemoryAccountStore()
  await store.add(
    { name: 'alice', passwordHash: 'hash:secret', scramKeys: await keysOf('secret') },
    { name: 'bob', passwordHash: 'hash:other' },
  )
  return deskUnderTest({ store, ...own })
}

const from = (address: string) => ({ address, service: 'pop3' })

/** A whole login as a child carries it. @returns what came of it, and whether the client trusts the server */
const scramLogin = async (
  { desk }: DeskUnderTest,
  name: string,
  password: string,
  address = '192.0.2.1',
  options: ScramClientOptions = {},
): Promise<{ came: ScramNext | { kind: 'over'; answer: unknown }; trusted: boolean }> => {
  const client = new ScramClient(name, password, options)
  const scram = { ...desk, scram: (question: Parameters<typeof desk.scram>[0]) => desk.scram(question) }
  const asked = { login: scram.login, scram: scram.scram, recipient: never, sync: never, turn: never }
  let next = await beginScram(asked, from(address), client.first)
  if (next.kind !== 'ask') return { came: next, trusted: false }
  next = await next.answered(client.final(next.text))
  if (next.kind !== 'ask') return { came: next, trusted: false }
  const trusted = client.trusts(next.text)
  return { came: await next.answered(''), trusted }
}
const never = () => Promise.reject(new Error('not asked for'))

const challengeOf = async ({ desk }: DeskUnderTest, name: string, address = '192.0.2.1') => {
  const answer: ScramAnswer = await desk.scram({ step: 'first', ...from(address), name, nonce: 'abc', bare: `n=${name},r=abc` })
  if (answer.outcome !== 'challenge') throw new Error(`the desk said ${answer.outcome}`)
  return answer
}
const saltOf = async (under: DeskUnderTest, name: string) =>
  /,s=([^,]+),i=(\d+)$/.exec((await challengeOf(under, name)).message)?.slice(1)

const rejection = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not reject')
}

describe('SCRAM-SHA-256 at the desk', () => {
  it('lets in who knows the password, and shows that it has the keys; no hash is paid for', async () => {
    const under = await withKeys()
    for (const name of ['alice', 'Alice', 'alice@havre.test']) {
      const { came, trusted } = await scramLogin(under, name, 'secret')
      expect(came).to.deep.equal({ kind: 'over', name, answer: accepted('alice') })
      expect(trusted).to.equal(true)
    }
    expect(under.verified).to.deep.equal([])
  })

  it('counts and delays failures with those of passwords, and blocks', async () => {
    const under = await withKeys()
    const wrong = async () => (await scramLogin(under, 'alice', 'wrong')).came
    expect(await wrong()).to.deep.equal({ kind: 'over', name: 'alice', answer: refused })
    await under.login('alice', 'wrong')
    await wrong()
    expect(under.slept).to.deep.equal([250, 500, 1_000])
    for (let n = 3; n < 20; n++) await wrong()
    const blocked = { outcome: 'blocked', retryAfterMs: 600_000 }
    expect(await wrong()).to.deep.equal({ kind: 'over', name: 'alice', answer: blocked })
    expect(await under.login('alice', 'secret')).to.deep.equal(blocked)
    expect((await scramLogin(under, 'alice', 'secret', '192.0.2.2')).came).to.include({ kind: 'over' })
  })

  it('looks at no more proofs of many that come at once than of one after the other', async () => {
    const under = await withKeys()
    const challenges = await Promise.all(Array.from({ length: 40 }, () => challengeOf(under, 'alice')))
    const answers = await Promise.all(
      challenges.map(({ exchange, nonce }) =>
        under.desk.scram({ step: 'final', exchange, withoutProof: `c=biws,r=${nonce}`, proof: 'AAAA' }),
      ),
    )
    expect(answers.filter(({ outcome }) => outcome === 'refused')).to.have.length(20)
    expect(answers.filter(({ outcome }) => outcome === 'blocked')).to.have.length(20)
  })

  it('asks a name that is not there like any other: with a salt that stays, whatever way it is written', async () => {
    const under = await withKeys()
    const [salt, iterations] = (await saltOf(under, 'mallory')) ?? []
    expect(Buffer.from(salt ?? '', 'base64')).to.have.length(readScramKeys(await keysOf('x')).salt.length)
    expect(iterations).to.equal('600000')
    for (const name of ['mallory', 'MALLORY', 'mallory@havre.test'])
      expect(await saltOf(under, name)).to.deep.equal([salt, iterations])
    expect(await saltOf(under, 'trudy')).to.not.deep.equal([salt, iterations])
    expect((await scramLogin(under, 'mallory', 'secret')).came).to.deep.equal({ kind: 'over', name: 'mallory', answer: refused })
    expect(under.slept).to.deep.equal([250])
  })

  it('asks an account without keys in the same way, and makes them at its next login with the password', async () => {
    const under = await withKeys({ limits: { scram: true }, makeScramKeys: keysOf })
    expect((await saltOf(under, 'bob'))?.[1]).to.equal('600000')
    expect((await scramLogin(under, 'bob', 'other')).came).to.include({ kind: 'over' })
    expect(await under.login('bob', 'other')).to.deep.equal(accepted('bob'))
    while (under.told.length === 0) await new Promise(setImmediate)
    expect(under.told).to.deep.equal([{ renewed: { account: 'bob' } }])
    expect((await scramLogin(under, 'bob', 'other')).came).to.deep.equal({ kind: 'over', name: 'bob', answer: accepted('bob') })
  })

  it('makes no keys where the setting says so', async () => {
    const under = await withKeys({ limits: { scram: false } })
    expect(await under.login('bob', 'other')).to.deep.equal(accepted('bob'))
    await under.desk.close()
    expect((await under.store.find('bob'))?.scramKeys).to.equal(null)
    expect(under.told).to.deep.equal([])
  })

  it('refuses a proof of the old password once it is changed, in the middle of an exchange too', async () => {
    const under = await withKeys()
    const client = new ScramClient('alice', 'secret', { nonce: 'abc' })
    const { exchange, message } = await challengeOf(under, 'alice')
    const final = client.final(message)
    await under.store.setPassword('alice', 'hash:new', await keysOf('new'))
    const [, withoutProof = '', proof = ''] = /^(.*),p=(.*)$/.exec(final) ?? []
    expect(await under.desk.scram({ step: 'final', exchange, withoutProof, proof })).to.deep.equal(refused)
    expect((await scramLogin(under, 'alice', 'secret')).came).to.deep.equal({ kind: 'over', name: 'alice', answer: refused })
    expect((await scramLogin(under, 'alice', 'new')).came).to.deep.equal({ kind: 'over', name: 'alice', answer: accepted('alice') })
  })

  it('takes a proof once, for the exchange that it was made for, within a minute', async () => {
    const under = await withKeys()
    const prove = async () => {
      const client = new ScramClient('alice', 'secret', { nonce: 'abc' })
      const { exchange, message } = await challengeOf(under, 'alice')
      const [, withoutProof = '', proof = ''] = /^(.*),p=(.*)$/.exec(client.final(message)) ?? []
      return { step: 'final' as const, exchange, withoutProof, proof }
    }
    const one = await prove()
    expect(await under.desk.scram(one)).to.include({ outcome: 'accepted' })
    expect(await rejection(under.desk.scram(one))).to.be.instanceOf(DeskError)
    const other = await prove()
    expect(await under.desk.scram({ ...one, exchange: other.exchange })).to.deep.equal(refused)
    const late = await prove()
    under.nowMs += 60_000
    expect(await rejection(under.desk.scram(late))).to.be.instanceOf(DeskError)
  })

  it('refuses channel binding that is not offered, and takes clients that only could (RFC 5802 §6)', async () => {
    const under = await withKeys()
    const came = async (options: ScramClientOptions) => (await scramLogin(under, 'alice', 'secret', '192.0.2.1', options)).came
    const over = { kind: 'over', name: 'alice', answer: accepted('alice') }
    expect(await came({ header: 'y,,' })).to.deep.equal(over)
    expect(await came({ header: 'n,a=alice,' })).to.deep.equal(over)
    expect(await came({ header: 'p=tls-exporter,,' })).to.deep.equal({ kind: 'garbled' })
    expect(await came({ header: 'y,,', binding: 'n,,' })).to.deep.equal({ kind: 'garbled' })
    expect(await came({ header: 'n,,', binding: 'n,,more' })).to.deep.equal({ kind: 'garbled' })
    expect(await came({ header: 'n,a=bob,' })).to.deep.equal({ kind: 'for-another', name: 'alice' })
  })
})

describe('exchanges of SCRAM', () => {
  it('of one address are bounded: the oldest of its own goes', () => {
    const exchanges = new ScramExchanges<number>()
    const other = exchanges.add('other', -1, 0)
    const ids = Array.from({ length: 65 }, (_, n) => exchanges.add('one', n, 0))
    expect(exchanges.size).to.equal(65)
    expect(exchanges.take(ids[0] ?? '', 1)).to.equal(null)
    expect(exchanges.take(ids[1] ?? '', 1)).to.equal(1)
    expect(exchanges.take(other, 1)).to.equal(-1)
  })

  it('are bounded in all, and forgotten after a minute', () => {
    const exchanges = new ScramExchanges<number>()
    for (let n = 0; n < 5_000; n++) exchanges.add(String(n), n, 0)
    expect(exchanges.size).to.equal(4_096)
    const last = exchanges.add('x', 1, 59_999)
    expect(exchanges.take(last, 60_000)).to.equal(1)
    expect(exchanges.size).to.equal(0)
  })
})

describe('logins with a gap between them (RFC 2449 §6.5)', () => {
  it('are refused before it is over, over all sessions, and a bad password still reads as one', async () => {
    const under = await deskUnderTest()
    const gapMs = 60_000
    const login = (password: string, name = 'alice') =>
      under.desk.login({ name, password, address: '192.0.2.1', service: 'pop3', gapMs })
    expect(await login('secret')).to.deep.equal(accepted('alice'))
    under.nowMs += 20_000
    expect(await login('secret')).to.deep.equal({ outcome: 'blocked', retryAfterMs: 40_000, tooSoon: true })
    expect(await login('wrong')).to.deep.equal(refused)
    expect(await login('other', 'bob')).to.deep.equal(accepted('bob'))
    // Another service does not count.
    expect(await under.login('alice', 'secret')).to.deep.equal(accepted('alice'))
    under.nowMs += 40_000
    expect(await login('secret')).to.deep.equal(accepted('alice'))
    expect(await login('secret')).to.deep.equal({ outcome: 'blocked', retryAfterMs: 60_000, tooSoon: true })
  })
})
