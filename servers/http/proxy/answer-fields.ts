/** The fields of an upstream server's answer as the client gets them. */
import { endToEnd } from './hop-by-hop.ts'
import { onceEach } from './repeated-fields.ts'
import { pseudonym } from './request-fields.ts'

/** Where an address of the upstream server is found here. */
export interface AddressMap {
  /** The upstream server's scheme, host and port, `http://127.0.0.1:3000`. */
  readonly origin: string
  /** The beginning of its paths that stands for `here`. */
  readonly there: string
  /** The route's path. */
  readonly here: string
}

/** `X-Request-Id` is ours: by it the journal finds the request. The way from us to the upstream server was HTTP/1.1. */
const isOurs = (name: string): boolean => name === 'x-request-id'

/** An address of the upstream server itself, as it is reached from outside; any other as it is. */
const outside = (location: string, { origin, there, here }: AddressMap): string => {
  if (!location.startsWith(origin)) return location
  const path = location.slice(origin.length)
  // Another host, whose name begins with ours.
  if (path !== '' && !/^[/?#]/.test(path)) return location
  const whole = path.startsWith('/') ? path : `/${path}`
  const below = whole.slice(there.length)
  // Another name, that begins with the one of the route.
  const isBelow = whole.startsWith(there) && (there === '' || there.endsWith('/') || below === '' || /^[/?#]/.test(below))
  if (!isBelow) return location
  // Without the host, two slashes would begin another one (RFC 3986 §4.2), and to browsers so do backslashes.
  return `${here}${below}`.replace(/^\/[/\\]+/, '/')
}

/**
 * The fields, names and values in turn: what belongs to the upstream server's connection is gone, as is `Content-Length` where the answer
 * must not have one (RFC 9110 §8.6).
 */
export const answerFields = (status: number, fields: readonly string[], map: AddressMap): string[] => {
  const bare = status === 204 || status === 205 || status < 200
  const passed = onceEach(endToEnd(fields, (name) => isOurs(name) || (bare && name === 'content-length')))
  let via = -1
  for (let at = 0; at < passed.length; at += 2) {
    const name = passed[at]?.toLowerCase()
    if (name === 'location') passed[at + 1] = outside(passed[at + 1] ?? '', map)
    if (name === 'via') via = at
  }
  if (via === -1) passed.push('Via', `1.1 ${pseudonym}`)
  else passed[via + 1] = `${passed[via + 1]}, 1.1 ${pseudonym}`
  return passed
}
