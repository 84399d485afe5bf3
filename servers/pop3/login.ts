/** Who the client is: USER, PASS and AUTH. */
import { setTimeout as sleep } from 'node:timers/promises'
import { DeskError, type LoginAnswer, type LoginOrigin } from '../../shared/accounts/desk.ts'
import { saslText, saslWritten } from '../../shared/accounts/sasl-text.ts'
import { beginScram, type ScramNext, scramMechanism } from '../../shared/accounts/scram-login.ts'
import { type Maildrop, type MailStore, StoreError } from '../../shared/mail/mail-store.ts'
import * as journal from './journal.ts'
import { MarkedMaildrop } from './marked-maildrop.ts'
import { forPlainClient } from './plain-maildrop.ts'
import { replies } from './replies.ts'
import { parsePlain } from './sasl-plain.ts'
import { type Client, type In, loggedOut, type Outcome } from './session.ts'

/**
 * A client that lost its connection comes again before we have heard the end of the old one: a mailbox that is held is asked for
 * once more after these times, before its client is told that another session has it.
 */
const retriesMs = [50, 100, 200] as const

const openWhenFree = async (store: MailStore, account: string, signal: AbortSignal): Promise<Maildrop | null> => {
  let held = await store.open(account)
  for (const waitMs of retriesMs) {
    if (held !== null || signal.aborted) break
    await sleep(waitMs)
    held = await store.open(account)
  }
  return held
}

/** Takes any name: whether it exists shows in no reply. */
export const user = (_session: In<'authorization'>, name: string): Outcome => ({
  reply: replies.nameTaken,
  next: { state: 'authorization', user: name },
})

export const pass = (session: In<'authorization'>, password: string, client: Client): Outcome | Promise<Outcome> =>
  session.user === null ? { reply: replies.noUser } : logIn(client, 'USER', session.user, password)

/** The mechanisms that AUTH takes. */
export const mechanisms = ({ context }: Client): readonly string[] => [
  'PLAIN',
  ...(context.settings.logins.scram ? [scramMechanism] : []),
]

export const auth = (
  _session: In<'authorization'>,
  { mechanism, response }: { readonly mechanism: string | null; readonly response: string | null },
  client: Client,
): Outcome | Promise<Outcome> => {
  const offered = mechanisms(client)
  if (mechanism === null) return { reply: replies.mechanisms(offered) }
  const name = mechanism.toUpperCase()
  if (!offered.includes(name)) return { reply: replies.unknownMechanism(offered) }
  const take = (text: string) => (name === 'PLAIN' ? plain(text, client) : scram(text, client))
  if (response === null) return asking('', take)
  // RFC 5034 §4: an empty initial response is written `=`.
  return take(response === '=' ? '' : response)
}

/** Says `+` with this text, and takes the client's next line for the answer (RFC 5034 §4). */
const asking = (text: string, take: (line: string) => Outcome | Promise<Outcome>): Outcome => ({
  reply: replies.challenge(saslWritten(text)),
  next: {
    state: 'authenticating',
    answered: (line) => (line === '*' ? { reply: replies.cancelled, next: loggedOut } : take(line)),
  },
})

const badResponse: Outcome = { reply: replies.badResponse, next: loggedOut }

const plain = (response: string, client: Client): Outcome | Promise<Outcome> => {
  const parsed = parsePlain(response)
  if (parsed === null) return badResponse
  const { authorization, name, password } = parsed
  if (authorization === '' || authorization === name) return logIn(client, 'PLAIN', name, password)
  return forAnother(client, 'PLAIN', name)
}

const forAnother = (client: Client, method: journal.Method, name: string): Outcome => {
  journal.loginRefused(client.connection.log, method, 'authorization', name)
  return { reply: replies.wrongAuthorization, next: loggedOut }
}

/** SCRAM-SHA-256 (RFC 5802, RFC 7677); the desk has the keys. */
const scram = (response: string, client: Client): Outcome | Promise<Outcome> => {
  const text = saslText(response)
  return text === null ? badResponse : scramNext(beginScram(client.context.desk, originOf(client), text), client)
}

const scramNext = async (begun: ScramNext | Promise<ScramNext>, client: Client): Promise<Outcome> => {
  let next: ScramNext
  try {
    next = await begun
  } catch (error) {
    if (error instanceof DeskError) return refused(client, scramMechanism, undefined, replies.deskAway, 'desk')
    throw error
  }
  if (next.kind === 'garbled') return badResponse
  if (next.kind === 'for-another') return forAnother(client, scramMechanism, next.name)
  if (next.kind === 'over') return enter(client, scramMechanism, next.name, next.answer)
  const { answered } = next
  return asking(next.text, (line) => {
    const answer = saslText(line)
    return answer === null ? badResponse : scramNext(answered(answer), client)
  })
}

const originOf = ({ connection, context }: Client): LoginOrigin => ({
  address: connection.remote.address,
  service: context.service,
  gapMs: context.options.loginDelayMs,
})

const refused = (
  { connection }: Client,
  method: journal.Method,
  name: string | undefined,
  reply: Outcome['reply'],
  reason: journal.LoginRefusal,
): Outcome => {
  journal.loginRefused(connection.log, method, reason, name)
  return { reply, next: loggedOut }
}

const logIn = async (client: Client, method: journal.Method, name: string, password: string): Promise<Outcome> => {
  let answer: LoginAnswer
  try {
    answer = await client.context.desk.login({ name, password, ...originOf(client) })
  } catch (error) {
    if (error instanceof DeskError) return refused(client, method, name, replies.deskAway, 'desk')
    throw error
  }
  return enter(client, method, name, answer)
}

/** What the desk said; who may come in gets the mailbox, if nobody has it. */
const enter = async (client: Client, method: journal.Method, name: string, answer: LoginAnswer): Promise<Outcome> => {
  const { connection, store } = client
  const refuse = (reply: Outcome['reply'], reason: journal.LoginRefusal) => refused(client, method, name, reply, reason)
  if (answer.outcome === 'refused') return refuse(replies.wrongLogin, 'credentials')
  if (answer.outcome === 'blocked') {
    const { tooSoon = false, retryAfterMs } = answer
    return tooSoon ? refuse(replies.tooSoon(retryAfterMs), 'too-soon') : refuse(replies.blocked(retryAfterMs), 'blocked')
  }
  let held: Maildrop | null
  try {
    held = await openWhenFree(store, answer.account, connection.signal)
    if (held !== null && !client.manner.utf8) held = await forPlainClient(held, store)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    journal.storeFailed(connection.log.with({ account: answer.account }), 'open', error.code, error)
    return refuse(replies.store(error.code), 'store')
  }
  if (held === null) return refuse(replies.inUse, 'in-use')
  const maildrop = new MarkedMaildrop(held)
  journal.loginAccepted(connection.log.with({ account: maildrop.account }), method, maildrop.count, maildrop.octets)
  return { reply: replies.loggedIn(maildrop.count, maildrop.octets), next: { state: 'transaction', maildrop } }
}
