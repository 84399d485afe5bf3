import { type Argon2Parameters, argon2Sync } from 'node:crypto'
import { expect } from 'chai'
import {
  createPasswords,
  PasswordHashError,
  passwordCost,
  passwordMaxOctets,
  passwordProblem,
} from '../../shared/accounts/password.ts'

/** Small, so that the tests are quick. */
const cheap = { memoryKiB: 8, passes: 1, parallelism: 1 }

describe('passwords', () => {
  const passwords = createPasswords(cheap)

  it('are hashed with argon2id at the cost that is recommended, in PHC string format', async () => {
    const hash = await createPasswords().hash('secret')
    expect(hash).to.match(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(passwordCost).to.deep.equal({ memoryKiB: 19_456, passes: 2, parallelism: 1 })
    const [, , , , salt = '', tag] = hash.split('$')
    const again = argon2Sync('argon2id', {
      message: 'secret',
      nonce: Buffer.from(salt, 'base64'),
      memory: 19_456,
      passes: 2,
      parallelism: 1,
      tagLength: 32,
    })
    expect(again.toString('base64').replace('=', '')).to.equal(tag)
  })

  it('fit their own hash and no other', async () => {
    const hash = await passwords.hash('correct horse')
    expect(await passwords.verify('correct horse', hash)).to.equal(true)
    for (const wrong of ['correct hors', 'Correct horse', 'correct horse ', '', 'correct horse\0']) {
      expect(await passwords.verify(wrong, hash), wrong).to.equal(false)
    }
  })

  it('get a salt of their own each time', async () => {
    expect(await passwords.hash('secret')).not.to.equal(await passwords.hash('secret'))
  })

  it('are checked at the cost of their hash, and outdated when new ones cost more', async () => {
    const hash = await passwords.hash('secret')
    for (const change of [{ memoryKiB: 16 }, { passes: 2 }, { memoryKiB: 16, parallelism: 2 }]) {
      const stronger = createPasswords({ ...cheap, ...change })
      expect(await stronger.verify('secret', hash)).to.equal(true)
      expect(stronger.outdated(hash), JSON.stringify(change)).to.equal(true)
      expect(stronger.outdated(await stronger.hash('secret'))).to.equal(false)
    }
    expect(passwords.outdated(hash)).to.equal(false)
  })

  it('are the same however their letters and spaces are encoded (RFC 8265 §4.2.2)', async () => {
    const hash = await passwords.hash('caf\u00e9 au lait')
    expect(await passwords.verify('cafe\u0301\u00a0au\u3000lait', hash)).to.equal(true)
    expect(await passwords.verify('cafe au lait', hash)).to.equal(false)
  })

  it('never fit the hash that stands for accounts which are not there, at the cost of new ones', async () => {
    const seen: Argon2Parameters[] = []
    const counting = createPasswords(cheap, async (_, parameters) => {
      seen.push(parameters)
      return Buffer.alloc(parameters.tagLength)
    })
    await counting.hash('secret')
    expect(await counting.verify('secret', counting.unfitting)).to.equal(false)
    const [hashed, checked] = seen.map(({ nonce, message, ...cost }) => ({
      ...cost,
      nonceOctets: Buffer.from(nonce as Buffer).length,
    }))
    expect(checked).to.deep.equal(hashed)
    expect(counting.outdated(counting.unfitting)).to.equal(false)
  })

  it('are not checked against what is no hash of ours', async () => {
    const good = await passwords.hash('secret')
    const bad = [
      '',
      'secret',
      good.replace('argon2id', 'argon2i'),
      good.replace('v=19', 'v=16'),
      good.slice(0, -40),
      `${good}$`,
      `${good}\n`,
    ]
    for (const hash of bad) {
      const error = await passwords.verify('secret', hash).then(
        () => null,
        (reason: unknown) => reason,
      )
      expect(error, hash).to.be.instanceOf(PasswordHashError)
      if (hash !== '') expect(error).to.have.property('message').that.does.not.contain(hash)
    }
  })

  it('may be anything that every protocol can carry', () => {
    const good = [
      'x',
      'pass word',
      ' leading and trailing ',
      'pässwörd',
      '密码',
      '\u{1f600}',
      'x'.repeat(passwordMaxOctets),
      '"\'\\:@/%',
    ]
    for (const password of good) expect(passwordProblem(password), password).to.equal(null)
    expect(passwordProblem('')).to.equal('it is empty')
    expect(passwordProblem('x'.repeat(passwordMaxOctets + 1))).to.equal('it has more than 512 octets')
    expect(passwordProblem('ü'.repeat(257))).to.equal('it has more than 512 octets')
    for (const password of ['a\nb', 'a\r', 'a\0b', 'tab\t', 'del\x7f', 'c1\x85', 'half \ud800']) {
      expect(passwordProblem(password), JSON.stringify(password)).to.equal('it contains a control character')
    }
    // RFC 4013 §2.3: what steers text, tags it, is nobody's or stands for octets that are no text.
    for (const password of ['a\u202eb', 'a\u200fb', '\u{e0041}', '\ue000', '\ufffd', '\u2ff0', '\u0340']) {
      expect(passwordProblem(password), JSON.stringify(password)).to.match(/^it contains a character that no mail program may send/)
    }
  })
})
