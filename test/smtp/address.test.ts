import { expect } from 'chai'
import { isHostName, readPath } from '../../servers/smtp/address.ts'

const address = (text: string, kind: 'reverse' | 'forward' = 'forward') => readPath(text, kind)?.path.address ?? null

describe('SMTP: addresses of the envelope (RFC 5321 §4.1.2)', () => {
  for (const good of [
    'alice@havre.test',
    'a.b+c@x',
    'a..b@docomo.example',
    '.a.@example.org',
    "!#$%&'*+/=?^_`{|}~-@example.org",
    '"a b"@example.org',
    '"a\\"b@c>"@example.org',
    '""@example.org',
    'a@[192.0.2.1]',
    'a@[IPv6:2001:db8::1]',
    'a@under_score.example',
    'jürgen@exämple.org',
    '用户@例子.广告',
    `${'l'.repeat(64)}@example.org`,
  ]) {
    it(`takes <${good}>`, () => expect(address(`<${good}>`)).to.equal(good))
  }

  for (const bad of [
    '',
    'alice',
    'a@',
    '@b',
    'a@b@c',
    'a b@c.d',
    'a@b c',
    'a@.b',
    'a@b.',
    'a@b..c',
    'a@[192.0.2.256]',
    'a@[2001:db8::1]',
    'a@[IPv6:192.0.2.1]',
    'a@[]',
    '"a@b.c',
    'a"b@c.d',
    '"a\u0000b"@c.d',
    'a\u200bb@c.d',
    'a\ufffdb@c.d',
    'a\u0085b@c.d',
    '@relay:',
    '@a,@b:x',
  ]) {
    it(`refuses <${bad}>`, () => expect(address(`<${bad}>`)).to.equal(null))
  }

  it('needs its brackets', () => {
    for (const text of ['a@b.c', '<a@b.c', 'a@b.c>', '<<a@b.c>>', '']) expect(address(text), text).to.equal(null)
  })

  it('reads source routes and forgets them', () => {
    expect(address('<@one.example,@two.example:a@b.c>')).to.equal('a@b.c')
  })

  it('takes the empty sender, and no empty recipient', () => {
    expect(address('<>', 'reverse')).to.equal('')
    expect(address('<>', 'forward')).to.equal(null)
    expect(address('<@a:>', 'reverse')).to.equal(null)
  })

  it('takes postmaster without a domain as recipient only', () => {
    expect(address('<PostMaster>', 'forward')).to.equal('PostMaster')
    expect(address('<postmaster>', 'reverse')).to.equal(null)
  })

  it('gives what stands after it', () => {
    expect(readPath('<a@b.c> SIZE=1', 'forward')?.rest).to.equal(' SIZE=1')
    expect(readPath('<"> SIZE"@b.c>', 'forward')?.rest).to.equal('')
  })

  it('takes a path of 256 octets and none that is longer (§4.5.3.1.3)', () => {
    const domain = `${'d'.repeat(63)}.`.repeat(3).slice(0, -1)
    const longest = `<${'l'.repeat(256 - 3 - domain.length)}@${domain}>`
    expect(longest.length).to.equal(256)
    expect(readPath(longest, 'forward')).not.to.equal(null)
    expect(readPath(longest.replace('<', '<l'), 'forward')).to.equal(null)
    expect(readPath(`<ü${longest.slice(2)}`, 'forward'), 'counted in octets').to.equal(null)
  })

  it('takes labels of 63 octets and none that is longer (RFC 1035 §2.3.4)', () => {
    expect(address(`<a@${'d'.repeat(63)}.c>`)).not.to.equal(null)
    expect(address(`<a@${'d'.repeat(64)}.c>`)).to.equal(null)
  })

  it('ends soon with what is nearly an address', () => {
    for (const text of [
      `<${'a.'.repeat(6_000)}`,
      `<@${'a.'.repeat(6_000)}`,
      `<"${'\\a'.repeat(6_000)}`,
      `<a@${'b-'.repeat(6_000)}!`,
    ]) {
      expect(readPath(text, 'forward')).to.equal(null)
    }
  })
})

describe('SMTP: names that may stand in a Received line', () => {
  for (const good of ['client.test', 'MY_PC', 'x', '[192.0.2.1]', '[IPv6:::1]']) {
    it(`${good} may`, () => expect(isHostName(good)).to.equal(true))
  }
  for (const bad of ['', 'a b', 'a)b', 'a(b', 'büro', '[x]', '-', 'a;b', 'a\tb', 'd'.repeat(64)]) {
    it(`${bad} may not`, () => expect(isHostName(bad)).to.equal(false))
  }
})
