/** Passwords and their hashes: argon2id (RFC 9106) in the PHC string format, computed on libuv's threads. */
import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** What an argon2id hash costs. */
export interface PasswordCost {
  readonly memoryKiB: number
  readonly passes: number
  readonly parallelism: number
}

/** The cost of new hashes: the least that OWASP's Password Storage Cheat Sheet asks of argon2id; some 20 ms. */
export const passwordCost: PasswordCost = { memoryKiB: 19_456, passes: 2, parallelism: 1 }

const saltOctets = 16
const tagOctets = 32

/** A stored hash that this code cannot read: the store is damaged, or a later version wrote it. Never holds the hash. */
export class PasswordHashError extends Error {
  override readonly name = 'PasswordHashError'
}

/** Makes and checks hashes. Each call takes `memoryKiB` and one of libuv's threads: whoever calls it bounds how many run at once. */
export interface Passwords {
  /** @returns `$argon2id$v=19$m=…,t=…,p=…$salt$tag`, with a new salt */
  hash(password: string): Promise<string>
  /** Compares in constant time, with the cost that the hash names. @throws {PasswordHashError} */
  verify(password: string, hash: string): Promise<boolean>
  /** Whether a new hash of the same password would be made with another cost. @throws {PasswordHashError} */
  outdated(hash: string): boolean
  /** A hash that no password fits, of the cost of new ones: what the password of an account that is not there is checked with. */
  readonly unfitting: string
}

/** The computation, as `crypto.argon2` does it: tests put another in its place to count. */
export type DeriveKey = (algorithm: 'argon2id', parameters: Argon2Parameters) => Promise<Buffer>

const deriveOnThreadPool: DeriveKey = promisify(argon2)

/** @param cost of new hashes; old ones keep theirs until a login renews them */
export const createPasswords = (cost: PasswordCost = passwordCost, derive: DeriveKey = deriveOnThreadPool): Passwords => {
  const tagFor = (password: string, salt: Buffer, { memoryKiB, passes, parallelism }: PasswordCost, octets: number) =>
    derive('argon2id', {
      message: preparedPassword(password),
      nonce: salt,
      memory: memoryKiB,
      passes,
      parallelism,
      tagLength: octets,
    })
  return {
    async hash(password) {
      const salt = randomBytes(saltOctets)
      return write({ cost, salt, tag: await tagFor(password, salt, cost, tagOctets) })
    },
    async verify(password, hash) {
      const stored = read(hash)
      return timingSafeEqual(await tagFor(password, stored.salt, stored.cost, stored.tag.length), stored.tag)
    },
    outdated(hash) {
      const stored = read(hash)
      return (
        stored.cost.memoryKiB !== cost.memoryKiB ||
        stored.cost.passes !== cost.passes ||
        stored.cost.parallelism !== cost.parallelism ||
        stored.salt.length !== saltOctets ||
        stored.tag.length !== tagOctets
      )
    },
    unfitting: write({ cost, salt: randomBytes(saltOctets), tag: randomBytes(tagOctets) }),
  }
}

/** What a password may be is bounded only so that every protocol can carry it: a client's login command must fit its line. */
export const passwordMaxOctets = 512

/** Why a text cannot be a password, as half a sentence for people; null when it can. */
export const passwordProblem = (password: string): string | null => {
  if (password === '') return 'it is empty'
  if (Buffer.byteLength(password) > passwordMaxOctets) return `it has more than ${passwordMaxOctets} octets`
  // RFC 8265 §4.1: no control characters; CR, LF and NUL would end the command that carries it.
  if (/[\p{Cc}\p{Cs}]/u.test(password)) return 'it contains a control character'
  if (!canBePassword(password)) return 'it contains a character that no mail program may send as part of a password'
  return null
}

/**
 * What SASLprep forbids (RFC 4013 §2.3, less what its mapping takes away before), and the character that stands for octets that are no
 * UTF-8: signs that steer the direction of text, tags, private use.
 */
const forbidden =
  /[\p{Cc}\p{Cs}\p{Co}\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufdd0-\ufdef\ufff9-\uffff\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]|\u0340|\u0341/u

/** Whether a text that came as a password can be one (RFC 6856 §2.2). */
export const canBePassword = (text: string): boolean => !forbidden.test(text)

/** The form in which passwords are compared (RFC 8265 §4.2.2, OpaqueString): any space is U+0020, then normalization form C. */
export const preparedPassword = (password: string): string => password.replace(/\p{Zs}/gu, ' ').normalize('NFC')

interface StoredHash {
  readonly cost: PasswordCost
  readonly salt: Buffer
  readonly tag: Buffer
}

const write = ({ cost, salt, tag }: StoredHash): string =>
  `$argon2id$v=19$m=${cost.memoryKiB},t=${cost.passes},p=${cost.parallelism}$${unpadded(salt)}$${unpadded(tag)}`

const unpadded = (octets: Buffer): string => octets.toString('base64').replace(/=+$/, '')

/** PHC string format; salt of at least 8 octets, tag of at least 4 (RFC 9106 §3.1). */
const phc = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{6,86})$/

const read = (hash: string): StoredHash => {
  const [, memory, passes, parallelism, salt, tag] = phc.exec(hash) ?? []
  if (memory === undefined || passes === undefined || parallelism === undefined || salt === undefined || tag === undefined) {
    throw new PasswordHashError('a stored password hash is not of a known form')
  }
  return {
    cost: { memoryKiB: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}
