/**
 * Addresses of the envelope by the grammar of RFC 5321 §4.1.2 and RFC 6531 §3.3, as practised: dots anywhere in a plain local
 * part (mobile carriers give out `a..b@`), underscores in domains. Source routes are read and forgotten (RFC 5321 §4.1.2).
 */
import { isIPv4, isIPv6 } from 'node:net'

/** Both brackets included (RFC 5321 §4.5.3.1.3). */
const maxPathOctets = 256
const maxLabelOctets = 63
const maxDomainOctets = 255

/** An address as the client wrote it, without brackets and route. */
export interface Path {
  /** `name@domain`, `postmaster`, or empty for `<>`. */
  readonly address: string
  /** Whether it holds characters beyond ASCII (RFC 6531). */
  readonly international: boolean
}

/** The address at the start of a text, and what stands after it; null when it is malformed. */
export interface FoundPath {
  readonly path: Path
  readonly rest: string
}

/** Characters beyond ASCII, but none that cannot be seen or that break lines; joiners belong to the spelling of some scripts. */
const beyond = '(?:[^\\u0000-\\u007f\\p{C}\\p{Z}\\ufffd]|[\\u200c\\u200d])'
const atom = `(?:[A-Za-z0-9!#$%&'*+/=?^_\`{|}~.-]|${beyond})+`
const quoted = `"(?:[ !#-\\[\\]-~]|\\\\[ -~]|${beyond})*"`
const name = `(?:[A-Za-z0-9_-]|${beyond})+`
const domain = `${name}(?:\\.${name})*`
const literal = '\\[[!-Z^-~]+\\]'
// Forward-path = "<" [ A-d-l ":" ] Mailbox ">"
const pathPattern = new RegExp(
  `^<(?:@${domain}(?:,@${domain})*:)?(?<address>(?<local>${atom}|${quoted})(?:@(?<domain>${domain}|${literal}))?)?>(?<rest>.*)$`,
  'su',
)

const isLiteral = (text: string): boolean => {
  const inner = text.slice(1, -1)
  return /^ipv6:/i.test(inner) ? isIPv6(inner.slice(5)) : isIPv4(inner)
}

const isDomain = (text: string): boolean =>
  Buffer.byteLength(text) <= maxDomainOctets && text.split('.').every((label) => Buffer.byteLength(label) <= maxLabelOctets)

/**
 * Reads the address at the start of the argument of MAIL or RCPT.
 * @param kind `reverse`: may be empty, `<>`; `forward`: may be `<postmaster>` without a domain (RFC 5321 §4.1.1.3)
 */
export const readPath = (text: string, kind: 'reverse' | 'forward'): FoundPath | null => {
  const groups = pathPattern.exec(text)?.groups
  if (groups === undefined) return null
  const { address = '', local = '', domain: host, rest = '' } = groups
  if (Buffer.byteLength(text) - Buffer.byteLength(rest) > maxPathOctets) return null
  const found = { path: { address, international: /[^\u0000-\u007f]/.test(address) }, rest }
  if (address === '') return kind === 'reverse' && text.startsWith('<>') ? found : null
  if (host === undefined) return kind === 'forward' && local.toLowerCase() === 'postmaster' ? found : null
  return (host.startsWith('[') ? isLiteral(host) : isDomain(host)) ? found : null
}

/** Whether a name given with HELO or EHLO may stand in a trace header as it is: a domain or an address literal. */
export const isHostName = (text: string): boolean =>
  /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(text)
    ? isDomain(text)
    : new RegExp(`^${literal}$`).test(text) && isLiteral(text)
