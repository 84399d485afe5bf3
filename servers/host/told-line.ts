/**
 * How a line of a client is written down, so that it can hold no secret: neither where it belongs, nor where it went astray. What is
 * not told is shown as `********` where it may be a secret and as `…` elsewhere; what is told is exact.
 */
import { isUtf8 } from 'node:buffer'
import type { Telling } from '../../shared/log/transcript.ts'
import type { Line } from '../../shared/net/line-splitter.ts'

/** A line as it is written down. */
export interface ToldLine {
  readonly text: string
  /** The true length where the text is no measure of it and it cannot be a password's; without the line break. */
  readonly octets?: number
}

const blot = '********'

/** Longer lines are cut. */
const longestOctets = 1_024

/** Nobody's password is that long: from here on the length of what is not told may be told. */
const tellableLength = 256

/** Mechanisms of SASL, as the registry has them: their names are no secret, whatever stands behind AUTH else may be. */
const mechanism =
  /^(?:PLAIN|LOGIN|EXTERNAL|ANONYMOUS|CRAM-MD5|DIGEST-MD5|SCRAM-SHA-(?:1|224|256|384|512)(?:-PLUS)?|NTLM|GSSAPI|XOAUTH2|OAUTHBEARER)$/i

/** Words that clients say which mean another server, or one that knows more: they are what they look like, whatever the state. */
const vocabulary: ReadonlySet<string> = new Set(
  [
    'HELO EHLO LHLO MAIL RCPT DATA BDAT RSET VRFY EXPN HELP NOOP QUIT STARTTLS AUTH ETRN TURN ATRN SEND SOML SAML XCLIENT XFORWARD',
    'USER PASS APOP STAT LIST RETR DELE TOP UIDL STLS CAPA LAST XTND UTF8 LANG',
    'ACCT CWD CDUP SMNT REIN PORT PASV TYPE STRU MODE STOR STOU APPE ALLO REST RNFR RNTO ABOR RMD MKD PWD NLST SITE SYST FEAT OPTS',
    'SIZE MDTM MLST MLSD EPRT EPSV PBSZ PROT ADAT CCC MIC CONF ENC HOST CLNT CSID MFMT MFCT MFF AVBL HASH XCRC XMD5 XPWD XCWD XMKD XRMD XCUP',
    'GET HEAD POST PUT DELETE OPTIONS TRACE CONNECT PATCH PROPFIND',
  ].flatMap((words) => words.split(' ')),
)

/** What stands before a secret: a name that begins so may have the secret stuck to it. */
const beforeSecrets = /^(?:PASS|AUTH|APOP|ACCT|USER|LOGIN)/

/** A name that is nobody's password, unless it is said where one is expected. */
const name = /^[A-Z]{2,12}$/

/**
 * How a line is written down.
 * @param nearLogin a login is under way or was just tried: what is said now may be the rest of it
 */
export const toldLine = (line: Line, telling: Telling, nearLogin: boolean): ToldLine => {
  if (telling === 'secret') return { text: line.kind === 'line' && line.octets.equals(Buffer.from('*')) ? '*' : blot }
  if (line.kind === 'too-long') return { text: '… (too long)', octets: line.length }
  const { octets } = line
  if (telling === 'unknown') return unknown(octets, nearLogin)
  if (telling === 'whole') return whole(octets)
  const [head, rest] = atBlank(octets)
  const command = octetText(head)
  if (rest === null) return { text: command }
  if (telling === 'credentials') return { text: `${command} ${withMechanism(command, rest)}` }
  return rest.length === 0 || fits(telling, rest) ? whole(octets) : { text: `${command} ${blot}` }
}

/** Whether what stands behind the name is what belongs there, and so no secret that went astray. */
const fits = (telling: Telling, rest: Buffer): boolean => {
  if (telling === 'account') return !rest.includes(blank)
  if (telling === 'numbers') return isNumbers(rest)
  return telling === 'chunk' && isChunk(rest)
}

const blank = 0x20

/** Numbers of messages and lines; what has more digits may be something else. */
const isNumbers = (octets: Buffer): boolean => /^ *(?:[0-9]{1,6}(?: +|$)){0,2}$/.test(octets.toString('latin1'))

/** Octets of a chunk, with as many digits as any has that is sent. */
const isChunk = (octets: Buffer): boolean => /^ *[0-9]{1,9}(?: +LAST)? *$/i.test(octets.toString('latin1'))

const atBlank = (octets: Buffer): readonly [Buffer, Buffer | null] => {
  const at = octets.indexOf(blank)
  return at === -1 ? [octets, null] : [octets.subarray(0, at), octets.subarray(at + 1)]
}

/** `PLAIN ********` behind AUTH; a mechanism alone is whole. */
const withMechanism = (command: string, rest: Buffer): string => {
  const [word, more] = atBlank(rest)
  const text = octetText(word)
  if (command.toUpperCase() !== 'AUTH' || !mechanism.test(text)) return blot
  return more === null ? text : `${text} ${blot}`
}

const whole = (octets: Buffer): ToldLine =>
  octets.length <= longestOctets
    ? { text: octetText(octets) }
    : { text: `${octetText(octets.subarray(0, longestOctets))}…`, octets: octets.length }

/** No command of the protocol: only its name is told, where it is one. */
const unknown = (octets: Buffer, nearLogin: boolean): ToldLine => {
  if (octets.length === 0) return { text: '' }
  const length = octets.length >= tellableLength ? { octets: octets.length } : {}
  const [head, rest] = atBlank(octets)
  const word = head.length <= 12 ? octetText(head) : ''
  const known = vocabulary.has(word.toUpperCase())
  if (known && rest !== null && /^\S+ HTTP\/\d/.test(octetText(rest.subarray(0, longestOctets)))) {
    return { text: `${word} … (a request of HTTP)`, ...length }
  }
  const isTold = known || (!nearLogin && name.test(word) && !beforeSecrets.test(word))
  if (isTold) return { text: rest === null ? word : `${word} …`, ...length }
  return { text: `… (${kindOf(octets)})`, ...length }
}

/** RFC 8446 §5.1, §4: a record of handshake, any version of TLS. */
const isTlsHandshake = (octets: Buffer): boolean => octets.length >= 2 && octets[0] === 0x16 && octets[1] === 0x03

const kindOf = (octets: Buffer): string => {
  if (isTlsHandshake(octets)) return 'TLS where it was not asked for'
  return octets.some((octet) => octet < 0x20 || octet === 0x7f) || !isUtf8(octets) ? 'octets that are no text' : 'no command'
}

/** UTF-8; where it is none, each octet beyond ASCII as `\xff`. */
const octetText = (octets: Buffer): string =>
  isUtf8(octets)
    ? octets.toString()
    : octets.toString('latin1').replace(/[\x80-\xff]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16)}`)
