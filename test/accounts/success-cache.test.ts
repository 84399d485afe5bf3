import { inspect } from 'node:util'
import { expect } from 'chai'
import { SuccessCache } from '../../shared/accounts/success-cache.ts'

describe('the cache of successes', () => {
  it('knows account, hash and password together, and nothing else', () => {
    const cache = new SuccessCache()
    cache.add('alice', 'hash', 'secret')
    expect(cache.has('alice', 'hash', 'secret')).to.equal(true)
    expect(cache.has('alice', 'hash', 'Secret')).to.equal(false)
    expect(cache.has('alice', 'hash2', 'secret')).to.equal(false)
    expect(cache.has('bob', 'hash', 'secret')).to.equal(false)
    expect(cache.has('alice', 'hash\0secret', '')).to.equal(false)
  })

  it('takes a password in every encoding in which its hash does', () => {
    const cache = new SuccessCache()
    cache.add('alice', 'hash', 'caf\u00e9')
    expect(cache.has('alice', 'hash', 'cafe\u0301')).to.equal(true)
  })

  it('holds a bounded number, those used last', () => {
    const cache = new SuccessCache(3)
    for (const password of ['a', 'b', 'c']) cache.add('alice', 'hash', password)
    cache.has('alice', 'hash', 'a')
    cache.add('alice', 'hash', 'd')
    expect(cache.size).to.equal(3)
    expect(['a', 'b', 'c', 'd'].filter((password) => cache.has('alice', 'hash', password))).to.deep.equal(['a', 'c', 'd'])
  })

  it('shows no password to whoever prints it', () => {
    const cache = new SuccessCache()
    cache.add('alice', 'hash', 'very secret')
    expect(inspect(cache, { depth: 10, showHidden: true })).not.to.contain('very secret')
  })
})
