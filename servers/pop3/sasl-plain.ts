/** What a client that authenticates by PLAIN says. */
export interface PlainResponse {
  /** Whom it wants to act for; empty: itself. */
  readonly authorization: string
  readonly name: string
  readonly password: string
}

/** RFC 4648 §4, nothing around it and nothing left out. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * Reads a response of the mechanism PLAIN (RFC 4616 §2): `[authzid] NUL authcid NUL passwd` in base64.
 * @returns null where it is not one
 */
export const parsePlain = (response: string): PlainResponse | null => {
  if (!base64.test(response)) return null
  const [authorization, name, password, ...more] = Buffer.from(response, 'base64').toString().split('\u0000')
  if (authorization === undefined || !name || !password || more.length > 0) return null
  return { authorization, name, password }
}
