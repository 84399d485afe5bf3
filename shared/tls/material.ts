/** What travels from the supervisor to a child so that it can speak TLS. Plain data; it holds private keys: never log it. */

import { isIPv6 } from 'node:net'

/** A certificate with its chain, and the key that it belongs to; both PEM. */
export interface CertifiedKey {
  readonly certificate: string
  readonly key: string
  /** The names and addresses it is for, lower case; `*.example.org` stands for one label. */
  readonly names: readonly string[]
}

/** All that one service needs. */
export interface TlsMaterial {
  /** At least one; the first is shown to clients that name no host, or one that none is for. */
  readonly certificates: readonly CertifiedKey[]
  /** 48 octets in base64: what tickets of sessions are sealed with. The same for all processes of a service. */
  readonly ticketKeys: string
}

/** How a connection is encrypted. */
export interface TlsFacts {
  /** `TLSv1.3`, `TLSv1.2`. */
  readonly version: string
  /** The IANA name: `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string
  /** The protocol that was agreed on (RFC 7301), or null. */
  readonly alpn: string | null
  /** Of the certificate that the client got: see `CertifiedKey`. */
  readonly names: readonly string[]
}

const matches = (pattern: string, name: string): boolean => {
  if (!pattern.startsWith('*.')) return pattern === name
  const dot = name.indexOf('.')
  // RFC 6125 §6.4.3: the asterisk is one label, the first.
  return dot > 0 && name.slice(dot) === pattern.slice(1)
}

/** An address of IPv6 has many forms (RFC 5952); certificates are read in another one than clients write. */
const canonical = (name: string): string => (isIPv6(name) ? new URL(`http://[${name}]/`).hostname : name)

/** Whether a certificate of these names is for a host, by its name or numeric address (without brackets). */
export const isNamed = (names: readonly string[], host: string): boolean => {
  const name = host.toLowerCase().replace(/\.$/, '')
  if (names.includes(name)) return true
  if (name.includes(':')) return names.some((each) => canonical(each) === canonical(name))
  return names.some((pattern) => matches(pattern, name))
}

/**
 * Which certificate a client gets that asks for a host: one that is for it, exactly before by a wildcard, else the first.
 * @returns the place in the list
 */
export const certificateFor = (certificates: readonly Pick<CertifiedKey, 'names'>[], host: string): number => {
  const name = host.toLowerCase().replace(/\.$/, '')
  const exact = certificates.findIndex(({ names }) => names.includes(name))
  if (exact >= 0) return exact
  return Math.max(
    0,
    certificates.findIndex(({ names }) => names.some((pattern) => matches(pattern, name))),
  )
}
