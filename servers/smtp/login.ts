/** AUTH (RFC 4954) with PLAIN (RFC 4616) and LOGIN (as practised since draft-murchison-sasl-login). */
import { DeskError } from '../../shared/accounts/desk.ts'
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

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The text, or null when it is not base64 (RFC 4954 §4: a 501 then). */
const decoded = (text: string): string | null => {
  if (text === '=') return ''
  return base64.test(text) ? Buffer.from(text, 'base64').toString() : null
}

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

const mechanisms: Readonly<Record<string, Mechanism>> = { PLAIN: plain, LOGIN: login }

/** Whether a login is taken on this connection: in clear within this machine only, unless the setting says otherwise. */
export const mayLogIn = ({ connection, requireTls }: Situation): boolean => {
  if (connection.secure || requireTls === 'never') return true
  return requireTls === 'auto' && connection.withinMachine
}

/** What EHLO says of it; null: nothing, as no login would be taken. */
export const loginExtension = (situation: Situation): string | null =>
  mayLogIn(situation) ? `AUTH ${Object.keys(mechanisms).join(' ')}` : null

/** AUTH: begins the login. */
export const logIn = (
  situation: Situation,
  session: In<'ready'>,
  { mechanism, initial }: LoginArguments,
): Outcome | Promise<Outcome> => {
  const start = Object.hasOwn(mechanisms, mechanism) ? mechanisms[mechanism] : undefined
  if (session.account !== null) return { reply: replies.loggedInAlready }
  if (start === undefined) return { reply: replies.unknownMechanism }
  if (!mayLogIn(situation)) return { reply: replies.loginNeedsTls(situation.connection.withinMachine) }
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
  return { reply: replies.challenge(Buffer.from(ask).toString('base64')), next: { ...session, state: 'login', answer } }
}

const check = async (
  { desk, connection, service, log }: Situation,
  session: In<'ready'>,
  mechanism: string,
  credentials: Credentials | null,
): Promise<Outcome> => {
  if (credentials === null) return { reply: replies.loginGarbled, next: session }
  const { name, password } = credentials
  const answer = await desk.login({ name, password, address: connection.remote.address, service }).catch((error: unknown) => {
    if (error instanceof DeskError) return error
    throw error
  })
  if (answer instanceof DeskError) {
    journal.deskSilent(log, answer)
    return { reply: replies.loginUnavailable, next: session }
  }
  if (answer.outcome === 'accepted') {
    journal.loginAccepted(log, mechanism, answer.account)
    return { reply: replies.loggedIn, next: { ...session, account: answer.account } }
  }
  const reply = answer.outcome === 'blocked' ? replies.loginBlocked(answer.retryAfterMs) : replies.loginRefused
  journal.loginRefused(log, mechanism, name, reply)
  return { reply, next: session }
}
