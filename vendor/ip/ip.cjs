'use strict'
const { isIP, BlockList } = require('node:net')

/** The family of an address as node:net names it; ftp-srv hands over addresses of sockets only. */
const family = (address) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')
/** `::ffff:192.0.2.1` and `192.0.2.1` are one host (RFC 4291 §2.5.5.2). */
const plain = (address) => String(address).replace(/^::ffff:(?=\d+\.)/i, '')

/** True when both strings are the same IP address; false when either is none. */
exports.isEqual = (a, b) => {
  const [one, other] = [plain(a), plain(b)]
  if (isIP(one) === 0 || isIP(one) !== isIP(other)) return false
  const list = new BlockList()
  list.addAddress(one, family(one))
  return list.check(other, family(other))
}
