/** What a request asks for: its target and its host, read by the grammar (RFC 9112 §3, RFC 3986). */
import { isIPv6 } from 'node:net'

/** A request target that was understood. */
export interface Target {
  /** Host and port of an absolute-form target, which then counts instead of the field `Host` (RFC 9112 §3.2.2). */
  readonly authority: Authority | null
  /** The path's names, decoded, dot segments resolved, empty ones left out. One may hold a slash that was encoded. */
  readonly segments: readonly string[]
  /** Whether the path ends in a slash, as that of a folder does. */
  readonly folder: boolean
  /** What follows the `?`, as received; null where there is none. */
  readonly query: string | null
}

/** The host that a request is for. */
export interface Authority {
  /** Lower case; an IPv6 address in its brackets. */
  readonly host: string
  readonly port: number | null
}

/** Why a target is refused with 400. */
export type TargetProblem = 'form' | 'fragment' | 'scheme' | 'host' | 'escape' | 'characters' | 'above-root'

export type TargetReading = { readonly ok: true; readonly target: Target } | { readonly ok: false; readonly problem: TargetProblem }

const refused = (problem: TargetProblem): TargetReading => ({ ok: false, problem })

/** Paths that mean themselves: unreserved characters only, no empty and no dot segment. */
const plainPath = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\/?$/
/** absolute-URI; the path may be empty. */
const absoluteForm = /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)(.*)$/i
const unprintable = /[^\x21-\x7e]/
/** No octet of these may stand in a name: what a name with them meant, logs, terminals and headers could not tell. */
const controls = /[\0-\x1f\x7f]/

/**
 * Reads origin-form and absolute-form.
 * @param text as received; HTTP/2 lets octets above ASCII through, which two readers could read as two paths
 */
export const readTarget = (text: string): TargetReading => {
  if (text.includes('#')) return refused('fragment')
  if (text.startsWith('/')) return readPath(text, null)
  const [, scheme, authorityText = '', rest = ''] = absoluteForm.exec(text) ?? []
  if (scheme === undefined) return refused('form')
  if (!/^https?$/i.test(scheme)) return refused('scheme')
  const authority = readAuthority(authorityText)
  if (authority === null) return refused('host')
  return readPath(rest.startsWith('/') ? rest : `/${rest}`, authority)
}

const readPath = (text: string, authority: Authority | null): TargetReading => {
  if (unprintable.test(text)) return refused('characters')
  const mark = text.indexOf('?')
  const path = mark === -1 ? text : text.slice(0, mark)
  const query = mark === -1 ? null : text.slice(mark + 1)
  if (plainPath.test(path)) {
    const folder = path.endsWith('/')
    return { ok: true, target: { authority, segments: path.slice(1, folder ? -1 : undefined).split('/'), folder, query } }
  }
  // A backslash is no character of a URI, and to some clients it is a slash.
  if (path.includes('\\')) return refused('characters')
  const segments: string[] = []
  let folder = true
  for (const raw of path.split('/').slice(1)) {
    const name = decoded(raw)
    if (name === null) return refused('escape')
    if (controls.test(name)) return refused('characters')
    // An encoded dot is a dot (RFC 3986 §6.2.2.2), so this looks at the decoded name.
    folder = name === '' || name === '.' || name === '..'
    if (name === '..' && segments.pop() === undefined) return refused('above-root')
    if (!folder) segments.push(name)
  }
  return { ok: true, target: { authority, segments, folder, query } }
}

/** One decoding, never two. Null for `%` without two hexadecimal digits and for what is no UTF-8, overlong forms among them. */
const decoded = (text: string): string | null => {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return null
    throw error
  }
}

/** uri-host [ ":" port ] without userinfo (RFC 9110 §4.2.4, §7.2); reg-name in the characters of RFC 3986 §3.2.2. */
const authorityForm = /^(?:(\[[0-9a-f:.]+\])|([a-z0-9._~!$&'()*+,;=%-]+))(?::0*(\d{0,5}))?$/i

/** Reads the value of `Host`, or the authority of a target. Null for what is none; an empty host is none (RFC 9110 §4.2.1). */
export const readAuthority = (text: string): Authority | null => {
  const [whole, literal, name, digits] = authorityForm.exec(text) ?? []
  if (whole === undefined) return null
  if (literal !== undefined && !isIPv6(literal.slice(1, -1))) return null
  if (name !== undefined && /%(?![0-9a-f]{2})/i.test(name)) return null
  const port = digits === undefined || digits === '' ? null : Number(digits)
  if (port !== null && port > 65_535) return null
  return { host: (literal ?? name ?? '').toLowerCase(), port }
}

/** A name as it stands in a URI: what `pchar` allows is kept (RFC 3986 §3.3). */
export const encodeSegment = (name: string): string =>
  encodeURIComponent(name).replace(/%(?:24|26|2B|2C|3B|3D|3A|40)/g, (escaped) => decodeURIComponent(escaped))

/** The path of these names, absolute: one slash first, whatever the client sent, so that it never reads as another host. */
export const pathOf = (segments: readonly string[], folder: boolean): string =>
  `/${segments.map(encodeSegment).join('/')}${folder && segments.length > 0 ? '/' : ''}`
