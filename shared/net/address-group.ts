import { plainAddress } from './endpoint.ts'

/**
 * What counts as one client when clients are counted by address: an IPv4 address, or the /64 of an IPv6 address, since a host
 * chooses the lower half itself (RFC 4291 §2.5.1, RFC 8981). A zone (`%eth0`) does not count.
 *
 * @param address numeric, as a socket tells it
 * @returns `192.0.2.1`, `2001:db8:0:7::/64`: one text for all ways to write an address
 */
export const addressGroup = (address: string): string => {
  if (!address.includes(':') && !address.includes('%')) return address
  const plain = plainAddress(address.split('%', 1)[0] ?? '')
  if (!plain.includes(':')) return plain
  const words = ipv6Words(plain)
  // ::ffff:c000:201 is 192.0.2.1 in another spelling (RFC 4291 §2.5.5.2).
  const [high = 0, low = 0] = words.slice(6)
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) {
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
  }
  return `${words
    .slice(0, 4)
    .map((word) => word.toString(16))
    .join(':')}::/64`
}

/** The eight words of an IPv6 address (RFC 4291 §2.2). */
const ipv6Words = (address: string): readonly number[] => {
  const [head = '', tail] = address.split('::')
  const left = wordsOf(head)
  const right = wordsOf(tail ?? '')
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}

const wordsOf = (text: string): readonly number[] =>
  text === '' ? [] : text.split(':').flatMap((part) => (part.includes('.') ? dottedWords(part) : [Number.parseInt(part, 16)]))

/** The last two words may be written as an IPv4 address. */
const dottedWords = (dotted: string): readonly number[] => {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}
