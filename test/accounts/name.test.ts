import { expect } from 'chai'
import { createLocalDomains } from '../../shared/accounts/local-domains.ts'
import { accountNameMaxOctets, loginAccountName, readAccountName } from '../../shared/accounts/name.ts'

describe('names of accounts', () => {
  const good: readonly [string, string][] = [
    ['alice', 'alice'],
    ['Alice', 'alice'],
    ['ALICE.B', 'alice.b'],
    ['7of9', '7of9'],
    ['a', 'a'],
    ['a-b_c.d', 'a-b_c.d'],
    ['alice-', 'alice-'],
    ['alice_', 'alice_'],
    ['console', 'console'],
    ['com', 'com'],
    ['com10', 'com10'],
    ['postmaster', 'postmaster'],
    ['x'.repeat(accountNameMaxOctets), 'x'.repeat(accountNameMaxOctets)],
  ]
  for (const [text, name] of good) {
    it(`takes ${text.slice(0, 20)}`, () => expect(readAccountName(text)).to.deep.equal({ ok: true, name }))
  }

  const bad: readonly [string, string][] = [
    ['', 'a name needs at least one character'],
    ['x'.repeat(65), 'it has 65 characters, at most 64 are possible'],
    ['.alice', 'it begins with ".", and must begin with a letter or a digit'],
    ['-rf', 'it begins with "-", and must begin with a letter or a digit'],
    ['_x', 'it begins with "_", and must begin with a letter or a digit'],
    ['.', 'it begins with ".", and must begin with a letter or a digit'],
    ['..', 'it begins with ".", and must begin with a letter or a digit'],
    ['alice.', 'it must not end in a dot'],
    ['a..b', 'it must not have two dots in a row'],
    ['alice@havre.test', 'it must be written without a domain'],
    ['../etc', '"/" at position 3 is none of letters (a to z), digits, dot, dash and underscore'],
    ['a\\b', '"\\" at position 2 is none of letters (a to z), digits, dot, dash and underscore'],
    ['a b', 'U+0020 at position 2 is none of letters (a to z), digits, dot, dash and underscore'],
    ['alice\n', 'U+000A at position 6 is none of letters (a to z), digits, dot, dash and underscore'],
    ['al\0ice', 'U+0000 at position 3 is none of letters (a to z), digits, dot, dash and underscore'],
    ['alice+tag', '"+" at position 6 is none of letters (a to z), digits, dot, dash and underscore'],
    ['zoé', '"é" at position 3 is none of letters (a to z), digits, dot, dash and underscore'],
    ['\u212aate', '"\u212a" at position 1 is none of letters (a to z), digits, dot, dash and underscore'],
    ['\u{1f600}b\u202e', '"\u{1f600}" at position 1 is none of letters (a to z), digits, dot, dash and underscore'],
    ['b\u202e', 'U+202E at position 2 is none of letters (a to z), digits, dot, dash and underscore'],
    ['a:b', '":" at position 2 is none of letters (a to z), digits, dot, dash and underscore'],
    ['a%2fb', '"%" at position 2 is none of letters (a to z), digits, dot, dash and underscore'],
    ['~alice', '"~" at position 1 is none of letters (a to z), digits, dot, dash and underscore'],
    ['NUL', 'it is the name of a device on Windows'],
    ['com1.txt', 'it is the name of a device on Windows'],
    ['aux', 'it is the name of a device on Windows'],
  ]
  for (const [text, reason] of bad) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}: ${reason}`, () =>
      expect(readAccountName(text)).to.deep.equal({ ok: false, reason }))
  }
})

describe('names at a login', () => {
  const domains = createLocalDomains(['havre.test', 'localhost', 'bücher.test'])
  const cases: readonly [string, string | null][] = [
    ['alice', 'alice'],
    ['Alice', 'alice'],
    ['alice@havre.test', 'alice'],
    ['ALICE@Havre.Test', 'alice'],
    ['alice@localhost', 'alice'],
    ['alice@xn--bcher-kva.test', 'alice'],
    ['alice@BÜCHER.test', 'alice'],
    ['alice@elsewhere.test', null],
    ['alice@', null],
    ['@havre.test', null],
    ['alice@havre.test@elsewhere.test', null],
    ['alice@elsewhere.test@havre.test', null],
    ['alice+tag', null],
    [' alice', null],
    ['\u212aate', null],
    ['', null],
    ['../../etc/passwd', null],
  ]
  for (const [text, account] of cases) {
    it(`${JSON.stringify(text)} means ${account ?? 'nobody'}`, () => expect(loginAccountName(text, domains)).to.equal(account))
  }
})

describe('local domains', () => {
  it('are compared without regard to case and to the form of an international name', () => {
    const domains = createLocalDomains(['Havre.test', 'xn--bcher-kva.test', '[192.0.2.1]', '[IPv6:2001:db8::1]'])
    for (const domain of [
      'havre.test',
      'HAVRE.TEST',
      'bücher.test',
      'Bu\u0308cher.test',
      'XN--BCHER-KVA.test',
      '[192.0.2.1]',
      '[ipv6:2001:DB8::1]',
    ]) {
      expect(domains.has(domain), domain).to.equal(true)
    }
    for (const domain of [
      '',
      'test',
      'sub.havre.test',
      'havre.test.',
      'havre\u200b.test2',
      'buecher.test',
      '192.0.2.1',
      '\u{1f4a9}',
    ]) {
      expect(domains.has(domain), domain).to.equal(false)
    }
  })
})
