/** Who asks, by name and password of one of the accounts (RFC 7617). The desk checks, counts and delays as for all protocols. */
import { isUtf8 } from 'node:buffer'
import { type Desk, DeskError, type LoginAnswer } from '../../../shared/accounts/desk.ts'
import { mayTakePassword } from '../../../shared/accounts/password-in-clear.ts'
import type { HttpRequest } from '../handler.ts'
import { failure, type Reply } from '../replies.ts'
import * as journal from './login-journal.ts'
import type { Trust } from './trust.ts'

/** Somebody who has proven to be an account, or the answer to one who has not. */
export type Identity = { readonly account: string } | { readonly reply: Reply }

/** Name and password as they were sent. */
interface Credentials {
  readonly name: string
  readonly password: string
}

/** Scheme and credentials (RFC 7235 token68, as RFC 4648 §4 has it). The scheme is compared without regard to case. */
const basicForm = /^basic +([a-z0-9+/]+={0,2})$/i
/** Neither name nor password may hold one (RFC 7617 §2). */
const controls = /[\0-\x1f\x7f]/

/** Null for what is no name and password, or of another scheme. UTF-8 where it can be that, as the challenge says, else Latin-1. */
export const readCredentials = (field: string): Credentials | null => {
  const encoded = basicForm.exec(field.trim())?.[1]
  if (encoded === undefined) return null
  const octets = Buffer.from(encoded, 'base64')
  const text = octets.toString(isUtf8(octets) ? 'utf8' : 'latin1')
  const colon = text.indexOf(':')
  if (colon === -1 || controls.test(text)) return null
  return { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** The one challenge: browsers and curl then ask their user. */
const challenge: readonly string[] = ['WWW-Authenticate', 'Basic realm="Havre", charset="UTF-8"']

/** Logins of one service. Holds nothing of any of them. */
export class BasicLogin {
  readonly #desk: Desk
  readonly #service: string
  readonly #trust: Trust

  /**
   * @param service its name in the configuration: the desk's journal has it
   * @param trust who is believed whom a request came from: failures are counted by that address
   */
  constructor(desk: Desk, service: string, trust: Trust) {
    this.#desk = desk
    this.#service = service
    this.#trust = trust
  }

  /**
   * Asks the desk. The answer to a wrong password comes after the delay that the failures call for.
   * @returns 401 with a challenge; 403 where a password would cross the network in clear, which is not even asked for; 429 to an address
   *          that has failed too often; 503 where the desk does not answer
   */
  async identify(request: HttpRequest): Promise<Identity> {
    const { connection, asker } = request
    if (!mayTakePassword(connection, 'auto')) {
      journal.refused(connection.log, {
        name: null,
        reason: 'in-clear',
        client: this.#trust.clientOf(request.exchange, connection),
      })
      return {
        reply: failure(403, asker, { detail: 'It needs a password, and that may not cross the network in clear: use https.' }),
      }
    }
    const field = request.exchange.field('authorization')
    if (field === undefined) return { reply: failure(401, asker, { fields: challenge }) }
    const credentials = readCredentials(field)
    if (credentials === null)
      return { reply: failure(401, asker, { detail: 'It takes a login of the scheme Basic.', fields: challenge }) }
    const { name, password } = credentials
    const client = this.#trust.clientOf(request.exchange, connection)
    const answer = await this.#ask({ name, password, address: client ?? connection.remote.address, service: this.#service })
    if (answer?.outcome === 'accepted') return { account: answer.account }
    journal.refused(connection.log, { name, reason: answer === null ? 'no-desk' : answer.outcome, client })
    if (answer === null)
      return { reply: failure(503, asker, { detail: 'Logins cannot be checked right now.', fields: ['Retry-After', '5'] }) }
    if (answer.outcome === 'refused')
      return { reply: failure(401, asker, { detail: 'Name or password is wrong.', fields: challenge }) }
    const retryAfter = String(Math.max(1, Math.ceil(answer.retryAfterMs / 1_000)))
    return { reply: failure(429, asker, { detail: 'There were too many wrong logins.', fields: ['Retry-After', retryAfter] }) }
  }

  /** Null when the desk does not answer. */
  async #ask(attempt: Parameters<Desk['login']>[0]): Promise<LoginAnswer | null> {
    try {
      return await this.#desk.login(attempt)
    } catch (error) {
      if (error instanceof DeskError) return null
      throw error
    }
  }
}
