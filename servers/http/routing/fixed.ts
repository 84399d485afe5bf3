/** What needs no file and no other server: fixed answers, and redirections. */
import type { Handler, HttpRequest } from '../handler.ts'
import { type Reply, redirected, written } from '../replies.ts'
import type { RedirectStatus } from '../statuses.ts'
import { encodeSegment, type Target } from '../target.ts'
import type { PathPattern } from './path-pattern.ts'
import type { RouteOptions } from './route-options.ts'

/** Any method is answered alike. */
const anyMethod = { allow: () => null } as const

/** Answers with a text. */
export const fixedAnswer = ({ status, body, type, headers }: NonNullable<RouteOptions['respond']>): Handler => {
  const fields = Object.entries(headers).flat()
  const octets = Buffer.from(body)
  return { ...anyMethod, answer: ({ head }) => written(status, fields, { type, octets, head }) }
}

/** Where a request goes: what is below the route goes along where both end in a slash, and so does the query unless there is one. */
const locationOf = (to: string, { segments, below }: PathPattern, target: Target): string => {
  const rest = below && to.endsWith('/') ? target.segments.slice(segments.length) : []
  // Encoded anew, from names without dots and slashes: it cannot become another host, nor lead above the target.
  const path = rest.map(encodeSegment).join('/')
  const slash = rest.length > 0 && target.folder ? '/' : ''
  const query = target.query === null || to.includes('?') ? '' : `?${target.query}`
  return `${to}${path}${slash}${query}`
}

/** Sends clients elsewhere. @param to a path of ours or a URL */
export const redirection = (to: string, status: RedirectStatus, pattern: PathPattern): Handler => ({
  ...anyMethod,
  answer: ({ target, asker }: HttpRequest): Reply => redirected(status, locationOf(to, pattern, target), asker),
})
