/**
 * The header with which a proxy says whose connection it hands on: the PROXY protocol, version 1 (a line of text) and version 2
 * (binary). Sections are those of its description (haproxy.org, `proxy-protocol.txt`, revision of 2020/03/05).
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { type Endpoint, plainAddress } from './endpoint.ts'

/** Both ends of a connection as the proxy saw them. */
export interface Ends {
  readonly remote: Endpoint
  /** What the client connected to: an address of the proxy. */
  readonly local: Endpoint
}

/** Why a header is not taken. */
export type HeaderFault = 'no-header' | 'malformed' | 'too-long' | 'unknown-version' | 'unknown-command' | 'wrong-checksum'

/** A proxy did not say whose connection it hands on. */
export class IntroductionError extends Error {
  override readonly name = 'IntroductionError'
  /** What was wrong with its header; or `silent`: it closed without a word, `closed`, `timeout`; `ended`: the service stops. */
  readonly code: HeaderFault | 'silent' | 'closed' | 'timeout' | 'ended'
  constructor(code: IntroductionError['code']) {
    super(`no PROXY header: ${code}`)
    this.code = code
  }
}

/** What is known of a header by the octets that have come. */
export type HeaderReading =
  /** With fewer than `least` octets from its begin on nothing more can be said. */
  | { readonly state: 'incomplete'; readonly least: number }
  /** It has so many octets. `ends` null: a connection of the proxy's own (a health check), or one of which it knows no addresses. */
  | { readonly state: 'whole'; readonly octets: number; readonly ends: Ends | null }
  | { readonly state: 'wrong'; readonly why: HeaderFault }

/** §2.1: the longest line of version 1, CRLF included. */
const longestLineOctets = 107

/** A header of version 2 may hold 64 KiB of further facts; what proxies send has a few hundred octets, with certificates a few thousand. */
export const longestHeaderOctets = 16 * 1024

/** §2.2: version 2 begins so. */
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const fixedOctets = 16

/** Version 1 begins so. */
const word = Buffer.from('PROXY ')

/** What whoever connects on its own behalf says where a proxy is expected (§2.2, LOCAL). */
export const localHeader: Buffer = Buffer.concat([signature, Buffer.from([0x20, 0, 0, 0])])

const wrong = (why: HeaderFault): HeaderReading => ({ state: 'wrong', why })
const incomplete = (least: number): HeaderReading => ({ state: 'incomplete', least })

const beginsAs = (octets: Buffer, pattern: Buffer): boolean => {
  const length = Math.min(octets.length, pattern.length)
  return octets.subarray(0, length).equals(pattern.subarray(0, length))
}

/** Reads the header that these octets begin with. What comes behind it is the client's. */
export const readProxyHeader = (octets: Buffer): HeaderReading => {
  if (octets.length === 0) return incomplete(1)
  if (beginsAs(octets, signature)) return octets.length < fixedOctets ? incomplete(fixedOctets) : readBinary(octets)
  return beginsAs(octets, word) ? readLine(octets) : wrong('no-header')
}

const readLine = (octets: Buffer): HeaderReading => {
  const begin = octets.subarray(0, longestLineOctets)
  const end = begin.indexOf('\r\n')
  if (end === -1) return begin.length === longestLineOctets ? wrong('too-long') : incomplete(octets.length + 1)
  const ends = endsOfLine(begin.toString('latin1', 0, end))
  return ends === 'malformed' ? wrong('malformed') : { state: 'whole', octets: end + 2, ends }
}

/** §2.1. Of UNKNOWN nothing more is looked at. */
const endsOfLine = (line: string): Ends | null | 'malformed' => {
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return null
  const [, family = '', from = '', to = '', fromPort = '', toPort = ''] =
    /^PROXY (TCP[46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(line) ?? []
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6
  if (!isAddress(from) || !isAddress(to) || Number(fromPort) > 0xffff || Number(toPort) > 0xffff) return 'malformed'
  return { remote: endpoint(from, Number(fromPort)), local: endpoint(to, Number(toPort)) }
}

/** In the one form in which the system too writes an address, so that addresses can be compared. */
const endpoint = (address: string, port: number): Endpoint => {
  const { address: canonical } = new SocketAddress({ address, family: isIPv6(address) ? 'ipv6' : 'ipv4' })
  return { address: plainAddress(canonical), port }
}

/** §2.2: version and command, family and transport, length. At least the fixed part is there. */
const readBinary = (octets: Buffer): HeaderReading => {
  const [versionAndCommand = 0, familyAndTransport = 0] = octets.subarray(signature.length)
  const length = fixedOctets + octets.readUInt16BE(fixedOctets - 2)
  if (versionAndCommand >> 4 !== 2) return wrong('unknown-version')
  const command = versionAndCommand & 0xf
  if (command > 1) return wrong('unknown-command')
  if (length > longestHeaderOctets) return wrong('too-long')
  if (octets.length < length) return incomplete(length)
  // LOCAL: the rest is not looked at.
  if (command === 0) return { state: 'whole', octets: length, ends: null }
  return readAddresses(octets.subarray(0, length), familyAndTransport)
}

/** Octets of one address. */
const addressOctets = { inet: 4, inet6: 16 } as const

/** Families: 0 unspecified, 1 IPv4, 2 IPv6, 3 UNIX; transports: 0 unspecified, 1 stream, 2 datagram. No others (§2.2). */
const readAddresses = (header: Buffer, familyAndTransport: number): HeaderReading => {
  const family = familyAndTransport >> 4
  const transport = familyAndTransport & 0xf
  if (family > 3 || transport > 2) return wrong('malformed')
  // Valid, and nothing that we could say of a client: as unspecified.
  if (transport !== 1 || family === 0 || family === 3) return { state: 'whole', octets: header.length, ends: null }
  const size = family === 1 ? addressOctets.inet : addressOctets.inet6
  const facts = fixedOctets + 2 * size + 4
  if (header.length < facts) return wrong('malformed')
  const fault = checkFacts(header, facts)
  if (fault !== null) return wrong(fault)
  const address = (at: number) => addressText(header.subarray(at, at + size))
  const ports = fixedOctets + 2 * size
  const remote = endpoint(address(fixedOctets), header.readUInt16BE(ports))
  const local = endpoint(address(fixedOctets + size), header.readUInt16BE(ports + 2))
  return { state: 'whole', octets: header.length, ends: { remote, local } }
}

const addressText = (octets: Buffer): string =>
  octets.length === addressOctets.inet ? octets.join('.') : (octets.toString('hex').match(/.{4}/g) ?? []).join(':')

/** §2.2.4: a checksum over the whole header. */
const checksumType = 0x03

/** Walks over the further facts (type, length, value), of which only the checksum is of use here. */
const checkFacts = (header: Buffer, from: number): HeaderFault | null => {
  for (let at = from; at < header.length; ) {
    if (at + 3 > header.length) return 'malformed'
    const value = at + 3
    const end = value + header.readUInt16BE(at + 1)
    if (end > header.length) return 'malformed'
    if (header[at] === checksumType) {
      if (end - value !== 4) return 'malformed'
      if (crc32c(header, value) !== header.readUInt32BE(value)) return 'wrong-checksum'
    }
    at = end
  }
  return null
}

/** CRC32C (RFC 3720 appendix B.4), with the four octets of the checksum itself taken as 0. */
export const crc32c = (octets: Buffer, zeroedAt = -1): number => {
  let crc = 0xffffffff
  for (let at = 0; at < octets.length; at++) {
    const octet = zeroedAt !== -1 && at >= zeroedAt && at < zeroedAt + 4 ? 0 : (octets[at] ?? 0)
    crc ^= octet
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
