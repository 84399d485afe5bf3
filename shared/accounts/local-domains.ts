import { domainToASCII } from 'node:url'

/** The mail domains that are ours. */
export interface LocalDomains {
  /** Whether the domain is one of them, however it is written: case does not count, `bücher.test` is `xn--bcher-kva.test`. */
  has(domain: string): boolean
}

/** @param domains as the settings have them */
export const createLocalDomains = (domains: readonly string[]): LocalDomains => {
  const known = new Set(domains.map(comparable))
  return { has: (domain) => domain !== '' && known.has(comparable(domain)) }
}

/**
 * A domain in the form in which it is compared: the A-labels of IDNA for a domain with characters outside ASCII (RFC 5890
 * §2.3.2.1), lower case (RFC 1035 §2.3.3). An address literal stays as it is, `[192.0.2.1]`.
 */
const comparable = (domain: string): string => {
  const lower = domain.toLowerCase()
  // Nothing to convert in ASCII, and domainToASCII would read `1.2` as an IPv4 address.
  return /^[\x00-\x7f]*$/.test(domain) ? lower : domainToASCII(domain) || lower
}
