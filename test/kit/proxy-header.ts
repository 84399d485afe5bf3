/** Headers of the PROXY protocol as a proxy makes them, and as none should. */
import { SocketAddress } from 'node:net'
import { crc32c } from '../../shared/net/proxy-header.ts'

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** A further fact of version 2. */
export const fact = (type: number, value: Buffer | string): Buffer => {
  const octets = Buffer.from(value as string)
  const head = Buffer.from([type, 0, 0])
  head.writeUInt16BE(octets.length, 1)
  return Buffer.concat([head, octets])
}

/** A header of version 2, whatever its parts. */
export const rawHeader = (versionAndCommand: number, familyAndTransport: number, rest: Buffer, length = rest.length): Buffer => {
  const fixed = Buffer.from([versionAndCommand, familyAndTransport, 0, 0])
  fixed.writeUInt16BE(length, 2)
  return Buffer.concat([signature, fixed, rest])
}

const octetsOf = (address: string): Buffer => {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail = ''] = new SocketAddress({ address, family: 'ipv6' }).address.split('::')
  const words = (text: string) => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)))
  const [left, right] = [words(head), words(tail)]
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]))
}

const ports = (...numbers: readonly number[]): Buffer => Buffer.from(numbers.flatMap((port) => [port >> 8, port & 0xff]))

/** A header of version 2 for a client. */
export const binaryHeader = (from: string, fromPort: number, to: string, toPort: number, facts: readonly Buffer[] = []): Buffer => {
  const family = from.includes(':') ? 0x21 : 0x11
  return rawHeader(0x21, family, Buffer.concat([octetsOf(from), octetsOf(to), ports(fromPort, toPort), ...facts]))
}

/** The same with its checksum. */
export const checkedHeader = (from: string, fromPort: number, to: string, toPort: number): Buffer => {
  const header = binaryHeader(from, fromPort, to, toPort, [fact(0x04, Buffer.alloc(3)), fact(0x03, Buffer.alloc(4))])
  header.writeUInt32BE(crc32c(header), header.length - 4)
  return header
}
