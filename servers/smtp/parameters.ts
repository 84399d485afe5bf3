/** Parameters after the address of MAIL and RCPT (RFC 5321 §4.1.2, `esmtp-param`). */
import { readEnvelopeId, readNotify, readOriginalRecipient, readRet } from './dsn-parameters.ts'
import type { Reply } from './replies.ts'
import * as replies from './replies.ts'

/** How one parameter is read: a value, or undefined where the syntax is another. `text` is null where no `=` stands. */
interface Parameter<T> {
  readonly syntax: string
  read(text: string | null): T | undefined
}

/** What was read, by keyword; or the reply that says what is wrong. */
export type Parameters<Known extends Readonly<Record<string, Parameter<unknown>>>> = {
  readonly [K in keyof Known]?: Known[K] extends Parameter<infer T> ? T : never
}

// esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-"); esmtp-value = 1*(%d33-60 / %d62-126), beyond ASCII by RFC 6531 §3.3
const pattern = /^(?<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?<value>[^\s=\u0000-\u001f\u007f]+))?$/

/**
 * Reads what stands after the address.
 * @param rest empty, or a blank and parameters
 * @param malformed the reply where there is no blank after the address
 */
export const readParameters = <Known extends Readonly<Record<string, Parameter<unknown>>>>(
  rest: string,
  known: Known,
  malformed: Reply,
): { readonly value: Parameters<Known> } | { readonly problem: Reply } => {
  const read: Record<string, unknown> = {}
  if (rest !== '' && !rest.startsWith(' ')) return { problem: malformed }
  for (const text of rest.split(' ').filter((word) => word !== '')) {
    const groups = pattern.exec(text)?.groups
    const keyword = groups?.['keyword']?.toUpperCase() ?? ''
    const parameter = Object.hasOwn(known, keyword) ? known[keyword] : undefined
    if (parameter === undefined) return { problem: replies.unknownParameter }
    const value = parameter.read(groups?.['value'] ?? null)
    if (value === undefined || Object.hasOwn(read, keyword)) return { problem: replies.badParameter(parameter.syntax) }
    read[keyword] = value
  }
  // Each key was read by the parameter of that name.
  return { value: read as Parameters<Known> }
}

/** Parameters of MAIL. */
export const mailParameters = {
  /** Octets that the client means to send (RFC 1870 §3: 1*20DIGIT). */
  SIZE: { syntax: 'SIZE=octets', read: (text) => (text !== null && /^\d{1,20}$/.test(text) ? Number(text) : undefined) },
  /** RFC 6152 §3. */
  BODY: {
    syntax: 'BODY=7BIT or BODY=8BITMIME',
    read: (text) => (text !== null && /^(?:7BIT|8BITMIME)$/i.test(text) ? text.toUpperCase() : undefined),
  },
  /** RFC 6531 §3.4. */
  SMTPUTF8: { syntax: 'SMTPUTF8', read: (text) => (text === null ? true : undefined) },
  /** RFC 3461 §4.3. */
  RET: { syntax: 'RET=FULL or RET=HDRS', read: readRet },
  /** RFC 3461 §4.4. */
  ENVID: { syntax: 'ENVID=id, in xtext of at most 100 characters', read: readEnvelopeId },
  /** Who submitted the message (RFC 4954 §5): read and not passed on, as nobody is trusted to say so. */
  AUTH: { syntax: 'AUTH=<> or AUTH=address', read: (text) => text ?? undefined },
} as const satisfies Readonly<Record<string, Parameter<unknown>>>

/** Parameters of RCPT. */
export const rcptParameters = {
  /** RFC 3461 §4.1. */
  NOTIFY: { syntax: 'NOTIFY=NEVER or a list of SUCCESS,FAILURE,DELAY', read: readNotify },
  /** RFC 3461 §4.2. */
  ORCPT: { syntax: 'ORCPT=type;address, in xtext', read: readOriginalRecipient },
} as const satisfies Readonly<Record<string, Parameter<unknown>>>
