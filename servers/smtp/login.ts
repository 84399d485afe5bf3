/** AUTH (RFC 4954) with PLAIN (RFC 4616), LOGIN (as practised since draft-murchison-sasl-login) and SCRAM-SHA-256 (RFC 7677). */
import { DeskError, type LoginAnswer } from '../../shared/accounts/desk.ts'
import { mayTakePassword } from '../../shared/accounts/password-in-clear.ts'
import { saslText, saslWritten } from '../../shared/accounts/sasl-text.ts'
import { beginScram, type ScramNext, scramMechanism } from '../../shared/accounts/scram-login.ts'
import type { Line } from '../../shared/net/line-splitter.ts'
import * as journal from './journal.ts'
import * as replies from './replies.ts'
import type { In, LoginStep, Outcome, Situation } from './session.ts'

/** What AUTH said. */
export interface LoginArguments {
  /** Upper case. */
  readonly mechanism: string
  /** Still in base64; null: none. `=` is an empty one. */
  readonly initial: string | null
}

interface Credentials {
  readonly name: string
  readonly password: string
}

/** Reads credentials, asking for what is missing. `initial` was sent with the command. */
type Mechanism = (initial: string | null, then: (credentials: Credentials | null) => Promise<Outcome>) => Next

/** What follows: an outcome, or a question (in base64) and what is done with its answer. */
type Next = { readonly ask: string; readonly step: (answer: string) => Next } | { readonly outcome: Promise<Outcome> }

/** The text, or null when it is not base64 (RFC 4954 §4: a 501 then). */
const decoded = (text: string): string | null => (text === '=' ? '' : saslText(text))

/** With control characters it is the response of another mechanism, password and all: nothing for the journal. */
const isName = (text: string): boolean => !/[\u0000-\u001f\u007f]/.test(text)

/** message = [authzid] NUL authcid NUL passwd. Some clients write the name in the place of the authzid only. */
const plainCredentials = (text: string): Credentials | null => {
  const [authzid, authcid, password, ...more] = decoded(text)?.split('\0') ?? []
  if (authzid === undefined || authcid === undefined || password === undefined || more.length > 0) return null
  if (!isName(authzid + authcid)) return null
  // Nobody may act for another.
  if (authcid !== '' && authzid !== '' && authzid !== authcid) return { name: authcid, password: '' }
  return { name: authcid === '' ? authzid : authcid, password }
}

const plain: Mechanism = (initial, then) => {
  const take = (answer: string): Next => ({ outcome: then(plainCredentials(answer)) })
  return initial === null ? { ask: '', step: take } : take(initial)
}

const login: Mechanism = (initial, then) => {
  const takeName = (answer: string): Next => {
    const name = decoded(answer)
    if (name === null || !isName(name)) return { outcome: then(null) }
    return { ask: 'Password:', step: (text) => takePassword(name, text) }
  }
  const takePassword = (name: string, answer: string): Next => {
    const password = decoded(answer)
    return { outcome: then(password === null ? null : { name, password }) }
  }
  return initial === null ? { ask: 'Username:', step: takeName } : takeName(initial)
}

const ofPasswords: Readonly<Record<string, Mechanism>> = { PLAIN: plain, LOGIN: login }

const mechanisms = ({ settings }: Situation): readonly string[] => [
  ...Object.keys(ofPasswords),
  ...(settings.logins.scram ? [scramMechanism] : []),
]

/** Whether a login is taken on this connection. */
export const mayLogIn = ({ connection, requireTls }: Situation): boolean => mayTakePassword(connection, requireTls)

/** Whether the connection as it is now can be encrypted. */
export const maySecure = ({ tls, connection }: Situation): boolean => tls === 'starttls' && !connection.secure

/** What EHLO says of it; null: nothing, as no login would be taken. */
export const loginExtension = (situation: Situation): string | null =>
  mayLogIn(situation) ? `AUTH ${mechanisms(situation).join(' ')}` : null

/** AUTH: begins the login. */
export const logIn = (
  situation: Situation,
  session: In<'ready'>,
  { mechanism, initial }: LoginArguments,
): Outcome | Promise<Outcome> => {
  if (session.account !== null) return { reply: replies.loggedInAlready }
  if (!mechanisms(situation).includes(mechanism)) return { reply: replies.unknownMechanism }
  if (!mayLogIn(situation)) return { reply: replies.loginNeedsTls(situation.connection.withinMachine) }
  const start = ofPasswords[mechanism]
  if (start === undefined) return carryOn(session, scram(situation, session, initial))
  const then = (credentials: Credentials | null) => check(situation, session, mechanism, credentials)
  return carryOn(session, start(initial, then))
}

const carryOn = (session: In<'ready'>, next: Next): Outcome | Promise<Outcome> => {
  if ('outcome' in next) return next.outcome
  const { ask, step } = next
  const answer: LoginStep = (line: Line) => {
    if (line.kind === 'too-long') return { reply: replies.loginLineTooLong, next: session }
    const text = line.octets.toString('latin1')
    return text === '*' ? { reply: replies.loginCancelled, next: session } : carryOn(session, step(text))
  }
  return { reply: replies.challenge(saslWritten(ask)), next: { ...session, state: 'login', answer } }
}

/** SCRAM-SHA-256 (RFC 5802, RFC 7677); the desk has the keys. */
const scram = (situation: Situation, session: In<'ready'>, initial: string | null): Next => {
  const { desk, connection, service } = situation
  const origin = { address: connection.remote.address, service }
  const follow = async (begun: Promise<ScramNext>): Promise<Outcome> => {
    const next = await begun.catch(deskErrorOf)
    if (next instanceof DeskError) return silent(situation, session, next)
    switch (next.kind) {
      case 'ask':
        return carryOn(session, { ask: next.text, step: read((text) => follow(Promise.resolve(next.answered(text)))) })
      case 'over':
        return conclude(situation, session, { mechanism: scramMechanism, name: next.name }, next.answer)
      case 'for-another':
        return conclude(situation, session, { mechanism: scramMechanism, name: next.name }, { outcome: 'refused' })
      case 'garbled':
        return { reply: replies.loginGarbled, next: session }
    }
  }
  const read =
    (take: (text: string) => Promise<Outcome>) =>
    (answer: string): Next => {
      const text = decoded(answer)
      return { outcome: text === null ? Promise.resolve({ reply: replies.loginGarbled, next: session }) : take(text) }
    }
  const begin = read((text) => follow(beginScram(desk, origin, text)))
  return initial === null ? { ask: '', step: begin } : begin(initial)
}

const deskErrorOf = (error: unknown): DeskError => {
  if (error instanceof DeskError) return error
  throw error
}

const silent = ({ log }: Situation, session: In<'ready'>, error: DeskError): Outcome => {
  journal.deskSilent(log, error)
  return { reply: replies.loginUnavailable, next: session }
}

const check = async (
  situation: Situation,
  session: In<'ready'>,
  mechanism: string,
  credentials: Credentials | null,
): Promise<Outcome> => {
  if (credentials === null) return { reply: replies.loginGarbled, next: session }
  const { name, password } = credentials
  const { desk, connection, service } = situation
  const answer = await desk.login({ name, password, address: connection.remote.address, service }).catch(deskErrorOf)
  if (answer instanceof DeskError) return silent(situation, session, answer)
  return conclude(situation, session, { mechanism, name }, answer)
}

/** What the desk said. */
const conclude = (
  { log }: Situation,
  session: In<'ready'>,
  { mechanism, name }: { readonly mechanism: string; readonly name: string },
  answer: LoginAnswer,
): Outcome => {
  if (answer.outcome === 'accepted') {
    journal.loginAccepted(log, mechanism, answer.account)
    return { reply: replies.loggedIn, next: { ...session, account: answer.account } }
  }
  const reply = answer.outcome === 'blocked' ? replies.loginBlocked(answer.retryAfterMs) : replies.loginRefused
  journal.loginRefused(log, mechanism, name, reply)
  return { reply, next: session }
}
