/** Kinds of values that several settings of HTTP have. Loaded by the supervisor and the command line only. */
import { z } from 'zod'
import { canonicalDomain } from '../../../shared/config/units.ts'
import { targetOf } from './path-pattern.ts'

/** A path of a site, as people write it: `/docs/`, `/straße`. */
export const sitePath = () =>
  z
    .string({ error: 'must be a path that begins with /' })
    .startsWith('/', { error: 'must begin with /', abort: true })
    .refine((text) => targetOf(text) !== null, { error: 'must be a path without a query, such as /docs/' })

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** A method or the name of a header field (RFC 9110 §5.6.2). */
export const word = (what: string) => z.string({ error: `must be ${what}` }).regex(token, { error: `must be ${what}` })

/** What a header field may hold (RFC 9110 §5.5): no line break, which would begin another field. */
export const fieldValue = () =>
  z
    .string({ error: 'must be text' })
    .regex(/^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/, { error: 'must be printable ASCII on one line' })

/** What the server itself says of a message: a rule that said otherwise would break its framing or its connection. */
const ownFields = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'date',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** A header field's name that a setting may give a value. */
export const fieldName = () =>
  word('the name of a header field').refine((name) => !ownFields.has(name.toLowerCase()), {
    error: 'is a header field that the server itself takes care of',
  })

const siteWrong = 'must be the name of a host such as shop.test, or *.shop.test'
const label = '(?!-)[a-z0-9_-]{1,63}(?<!-)'
const siteName = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`)

/** The name of a host, or with an asterisk in the place of its first label all that have one there. Lower case and ASCII once loaded. */
export const hostPattern = () =>
  z
    .string({ error: siteWrong })
    .transform((text) => (text.startsWith('*.') ? `*.${canonicalDomain(text.slice(2))}` : canonicalDomain(text)))
    .refine((text) => text.length <= 255 && siteName.test(text), { error: siteWrong })
