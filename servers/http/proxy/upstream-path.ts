/** The path of a request at an upstream server. */
import { pathOf, type Target } from '../target.ts'

/** How the paths of a route become those of its upstream server. */
export interface PathMap {
  /** The route's path: all below it where it ends in `/`, else this one alone. */
  readonly here: string
  /** What stands for it at the upstream server; null: the path stays as it is. */
  readonly there: string | null
}

/**
 * A name that would lead elsewhere, once somebody takes its octets for slashes, or drops what is behind a semicolon before it looks for dots
 * (`/..;/`, as servers of Java do).
 */
const leadsAway = (name: string): boolean => /[/\\;]/.test(name) && name.split(/[/\\]/).some((part) => /^\.\.?(?:;|$)/.test(part))

/** A path whose dot segments and empty segments are all gone, in any spelling. */
const isPlain = (path: string): boolean => !path.includes('//') && !/(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i.test(path)

/**
 * Path and query for the upstream server: as received, where what we read in it is all that anybody can; else as we read it. So nobody asks it
 * for a path that this route does not lead to.
 * @param raw the target, as received
 * @returns null where a name holds an encoded slash or a semicolon and dot segments beside it: what that means, an upstream server may see
 *          otherwise
 */
export const upstreamPath = (
  raw: string,
  { segments, folder, query, authority }: Target,
  { here, there }: PathMap,
): string | null => {
  if (segments.some(leadsAway)) return null
  const mark = raw.indexOf('?')
  const rawPath = authority === null ? (mark === -1 ? raw : raw.slice(0, mark)) : ''
  const read = rawPath !== '' && isPlain(rawPath) ? rawPath : pathOf(segments, folder)
  const tail = query === null ? '' : `?${query}`
  if (there === null) return `${read}${tail}`
  // The route's path in another spelling: as we read it.
  const path = read.startsWith(here) ? read : pathOf(segments, folder)
  return `${there}${path.slice(here.length)}${tail}`
}
