import { saslText } from '../../shared/accounts/sasl-text.ts'

/** What a client that authenticates by PLAIN says. */
export interface PlainResponse {
  /** Whom it wants to act for; empty: itself. */
  readonly authorization: string
  readonly name: string
  readonly password: string
}

/**
 * Reads a response of the mechanism PLAIN (RFC 4616 §2): `[authzid] NUL authcid NUL passwd` in base64.
 * @returns null where it is not one
 */
export const parsePlain = (response: string): PlainResponse | null => {
  const [authorization, name, password, ...more] = saslText(response)?.split('\u0000') ?? []
  if (authorization === undefined || !name || !password || more.length > 0) return null
  return { authorization, name, password }
}
