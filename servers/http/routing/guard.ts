/** Who may pass a route with `auth`. */
import type { HttpRequest } from '../handler.ts'
import { failure, type Reply } from '../replies.ts'
import type { BasicLogin } from './basic-login.ts'
import type { RouteOptions } from './route-options.ts'

/** Accounts that may pass, by their names in lower case, or any of them. */
export type Guard = 'any' | ReadonlySet<string>

export const guardOf = (auth: NonNullable<RouteOptions['auth']>): Guard =>
  auth === 'any' ? auth : new Set(auth.map((name) => name.toLowerCase()))

/**
 * Asks who it is, and whether all guards let it pass.
 * @returns the request with its account, or the answer to one that may not pass
 */
export const passed = async (
  request: HttpRequest,
  guards: readonly Guard[],
  login: Pick<BasicLogin, 'identify'>,
): Promise<{ readonly request: HttpRequest } | { readonly reply: Reply }> => {
  const identity = await login.identify(request)
  if ('reply' in identity) return identity
  const { account } = identity
  if (guards.every((guard) => guard === 'any' || guard.has(account))) return { request: { ...request, account } }
  const reply = failure(403, request.asker, { detail: 'The account is none of those that may come here.' })
  return { reply: { ...reply, account } }
}
