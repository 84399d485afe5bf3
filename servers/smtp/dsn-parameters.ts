/** What MAIL and RCPT may say of reports about the message (DSN: RFC 3461 §4, RFC 6533 §3). */

/** When the sender wants to be told; `never`: not at all. */
export type Notify = readonly ('success' | 'failure' | 'delay')[] | 'never'

/** The recipient as the sender wrote it, before anybody passed the message on. */
export interface OriginalRecipient {
  /** `type;address`, decoded. */
  readonly text: string
  /** Whether it stood there with characters beyond ASCII (RFC 6533 §3: only with SMTPUTF8). */
  readonly international: boolean
}

/** RFC 3461 §4: MAIL grows by so much for ENVID, RCPT for ORCPT. */
const maxEnvelopeIdOctets = 100
const maxOriginalRecipientOctets = 500

const occasions = { SUCCESS: 'success', FAILURE: 'failure', DELAY: 'delay' } as const
const isOccasion = (word: string): word is keyof typeof occasions => Object.hasOwn(occasions, word)

// notify-esmtp-value = "NEVER" / ( notify-list-element *( "," notify-list-element ) )
export const readNotify = (text: string | null): Notify | undefined => {
  const words = text?.toUpperCase().split(',') ?? []
  if (words.length === 1 && words[0] === 'NEVER') return 'never'
  const known = words.filter(isOccasion)
  return known.length > 0 && known.length === words.length && new Set(known).size === known.length
    ? known.map((word) => occasions[word])
    : undefined
}

export const readRet = (text: string | null): 'full' | 'headers' | undefined => {
  if (/^FULL$/i.test(text ?? '')) return 'full'
  return /^HDRS$/i.test(text ?? '') ? 'headers' : undefined
}

// xtext = *( xchar / hexchar ); hexchar = "+" two hexadecimal digits, in upper case
const xtext = /^(?:[!-*,-<>-~]|\+[\dA-F]{2})+$/
/** Nothing else can stand in a report (RFC 3461 §4.4), and a line break in it would be somebody's own header. */
const printable = /^[\t -~]+$/

/** The text, or undefined where it is none. */
const decodeXtext = (text: string): string | undefined => {
  if (!xtext.test(text)) return undefined
  const decoded = text.replace(/\+(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return printable.test(decoded) ? decoded : undefined
}

export const readEnvelopeId = (text: string | null): string | undefined =>
  text === null || text.length > maxEnvelopeIdOctets ? undefined : decodeXtext(text)

// utf-8-addr-xtext, utf-8-addr-unitext: neither "+" nor "=", a backslash only in \x{…}
const unitext = /^(?:[!-*,-<>-[\]-~]|[^\u0000-\u00a0\p{C}\p{Z}\ufffd]|\\x\{[\dA-F]{2,6}\})+$/u
const unseen = /[\p{C}\p{Zl}\p{Zp}\ufffd]/u

const decodeUnitext = (text: string): string | undefined => {
  if (!unitext.test(text)) return undefined
  const points = [...text.matchAll(/\\x\{([\dA-F]+)\}/g)].map(([, hex = '']) => Number.parseInt(hex, 16))
  if (points.some((point) => point > 0x10_ff_ff)) return undefined
  const decoded = text.replace(/\\x\{([\dA-F]+)\}/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
  return unseen.test(decoded) ? undefined : decoded
}

// original-recipient-address = addr-type ";" xtext; for utf-8 "utf-8;" utf-8-enc-addr
export const readOriginalRecipient = (text: string | null): OriginalRecipient | undefined => {
  const { type = '', address = '' } = /^(?<type>[A-Za-z0-9-]+);(?<address>.+)$/su.exec(text ?? '')?.groups ?? {}
  if (type === '' || text === null || Buffer.byteLength(text) > maxOriginalRecipientOctets) return undefined
  const decoded = type.toLowerCase() === 'utf-8' ? decodeUnitext(address) : decodeXtext(address)
  return decoded === undefined ? undefined : { text: `${type};${decoded}`, international: /[^\u0000-\u007f]/.test(address) }
}
