import { expect } from 'chai'
import { addressGroup } from '../../shared/net/address-group.ts'

describe('groups of addresses', () => {
  const cases: readonly [string, string][] = [
    ['127.0.0.1', '127.0.0.1'],
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:c000:0207', '192.0.2.7'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:0:7::1', '2001:db8:0:7::/64'],
    ['2001:db8:0:7:aaaa:bbbb:cccc:dddd', '2001:db8:0:7::/64'],
    ['2001:0DB8:0000:0007::2', '2001:db8:0:7::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['2001:db8::7:1:2:3:4', '2001:db8:0:7::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ]
  for (const [address, group] of cases) it(`${address} belongs to ${group}`, () => expect(addressGroup(address)).to.equal(group))

  it('tells neighbours apart', () => {
    expect(addressGroup('2001:db8:0:7::1')).not.to.equal(addressGroup('2001:db8:0:8::1'))
    expect(addressGroup('192.0.2.7')).not.to.equal(addressGroup('192.0.2.8'))
  })
})
