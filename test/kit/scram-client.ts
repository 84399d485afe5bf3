/** A client of SCRAM-SHA-256 by the letter of RFC 5802, of its own making: it shares no line with the server. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** How it speaks; by default as clients without channel binding do. */
export interface ScramClientOptions {
  /** GS2 header. */
  readonly header?: string
  readonly nonce?: string
  /** Channel binding as the last message tells it, where it is to be another one than the header. */
  readonly binding?: string
}

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()

export class ScramClient {
  readonly #password: string
  readonly #header: string
  readonly #binding: string
  readonly #bare: string
  #signature = ''

  /** @param password already prepared */
  constructor(name: string, password: string, options: ScramClientOptions = {}) {
    const { header = 'n,,', nonce = randomBytes(12).toString('hex'), binding = header } = options
    this.#password = password
    this.#header = header
    this.#binding = binding
    this.#bare = `n=${name.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  }

  /** client-first-message */
  get first(): string {
    return this.#header + this.#bare
  }

  /** client-final-message, as the answer to this server-first-message */
  final(serverFirst: string): string {
    const [, nonce = '', salt = '', iterations = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? []
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
    const clientKey = hmac(salted, 'Client Key')
    const withoutProof = `c=${Buffer.from(this.#binding).toString('base64')},r=${nonce}`
    const message = `${this.#bare},${serverFirst},${withoutProof}`
    const signature = hmac(createHash('sha256').update(clientKey).digest(), message)
    this.#signature = hmac(hmac(salted, 'Server Key'), message).toString('base64')
    return `${withoutProof},p=${Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] ?? 0))).toString('base64')}`
  }

  /** Whether this server-final-message comes from somebody who has the keys. */
  trusts(serverFinal: string): boolean {
    return this.#signature !== '' && serverFinal === `v=${this.#signature}`
  }
}
