/**
 * Keys of SCRAM-SHA-256 (RFC 5802, RFC 7677): what is stored of a password so that a client can prove that it knows it without
 * sending it, and the server that it has them. Whoever steals them has to guess the password at the price of PBKDF2.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** What is stored for one password. */
export interface ScramKeys {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** Of new keys: what OWASP's Password Storage Cheat Sheet asks of PBKDF2-SHA-256, the equal of our argon2id; some 160 ms. */
export const scramIterations = 600_000

const saltOctets = 16
const keyOctets = 32

/** Stored keys that this code cannot read: the store is damaged, or a later version wrote them. Never holds the keys. */
export class ScramKeysError extends Error {
  override readonly name = 'ScramKeysError'
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (octets: Buffer): Buffer => createHash('sha256').update(octets).digest()
const derive = promisify(pbkdf2)

/**
 * The form in which SCRAM takes passwords (RFC 5802 §2.2: SASLprep, RFC 4013 §2.1 and §2.2): spaces of all kinds are U+0020, what
 * only shapes text is left out, then normalization form KC. What SASLprep forbids or does not know (emoji) goes as it is: clients
 * that do not refuse it send it so.
 */
export const saslPrepared = (password: string): string =>
  password
    .replace(/[\p{Zs}\u200b]/gu, ' ')
    .replace(/\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g, '')
    .normalize('NFKC')

/**
 * Makes keys with a new salt, on one of libuv's threads.
 * @returns `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey` (RFC 5803 §3)
 */
export const makeScramKeys = async (password: string, iterations: number = scramIterations): Promise<string> => {
  const salt = randomBytes(saltOctets)
  const salted = await derive(saslPrepared(password), salt, iterations, keyOctets, 'sha256')
  const storedKey = sha256(hmac(salted, 'Client Key'))
  const serverKey = hmac(salted, 'Server Key')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey.toString('base64')}:${serverKey.toString('base64')}`
}

const form = /^SCRAM-SHA-256\$(\d{1,8}):([A-Za-z0-9+/]{11,86}={0,2})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/

/** Reads what `makeScramKeys` wrote. @throws {ScramKeysError} */
export const readScramKeys = (text: string): ScramKeys => {
  const [, iterations, salt, storedKey, serverKey] = form.exec(text) ?? []
  if (iterations === undefined || salt === undefined || storedKey === undefined || serverKey === undefined) {
    throw new ScramKeysError('stored keys of SCRAM are not of a known form')
  }
  return {
    iterations: Number(iterations),
    salt: Buffer.from(salt, 'base64'),
    storedKey: Buffer.from(storedKey, 'base64'),
    serverKey: Buffer.from(serverKey, 'base64'),
  }
}

/** Whether new keys of the same password would be made otherwise. @throws {ScramKeysError} */
export const scramKeysOutdated = (text: string): boolean => readScramKeys(text).iterations !== scramIterations

/**
 * Keys that no proof fits, for a name that has none: the same for a name at each time, so that its salt tells nothing of whether
 * there is an account (RFC 5802 §9).
 * @param secret the store's own
 */
export const unfittingScramKeys = (secret: Buffer, name: string): ScramKeys => ({
  iterations: scramIterations,
  salt: hmac(secret, `salt ${name}`).subarray(0, saltOctets),
  storedKey: hmac(secret, `stored key ${name}`),
  serverKey: hmac(secret, `server key ${name}`),
})

/**
 * Compares a client's proof in constant time (RFC 5802 §3).
 * @param message the AuthMessage: what was said up to the proof
 * @returns our signature, by which the client knows us; null when the proof does not fit
 */
export const provenSignature = ({ storedKey, serverKey }: ScramKeys, message: string, proof: Buffer): Buffer | null => {
  const signature = hmac(storedKey, message)
  const clientKey = Buffer.alloc(keyOctets)
  for (const [at, octet] of signature.entries()) clientKey[at] = octet ^ (proof[at] ?? 0)
  const fits = timingSafeEqual(sha256(clientKey), storedKey)
  const own = hmac(serverKey, message)
  return fits && proof.length === keyOctets ? own : null
}
