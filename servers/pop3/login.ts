/** Who the client is: USER, PASS and AUTH. */
import { setTimeout as sleep } from 'node:timers/promises'
import { DeskError, type LoginAnswer } from '../../shared/accounts/desk.ts'
import { type Maildrop, type MailStore, StoreError } from '../../shared/mail/mail-store.ts'
import * as journal from './journal.ts'
import { MarkedMaildrop } from './marked-maildrop.ts'
import { replies } from './replies.ts'
import { parsePlain } from './sasl-plain.ts'
import { type Client, type In, loggedOut, type Outcome } from './session.ts'

/** The mechanisms that AUTH takes. */
export const mechanisms = ['PLAIN'] as const

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

export const auth = (
  _session: In<'authorization'>,
  { mechanism, response }: { readonly mechanism: string | null; readonly response: string | null },
  client: Client,
): Outcome | Promise<Outcome> => {
  if (mechanism === null) return { reply: replies.mechanisms(mechanisms) }
  if (mechanism.toUpperCase() !== 'PLAIN') return { reply: replies.unknownMechanism }
  if (response === null) return { reply: replies.challenge, next: { state: 'authenticating' } }
  // An empty initial response is written `=` (RFC 5034 §4), and neither is one of PLAIN.
  return plain(response, client)
}

/** The line after the challenge (RFC 5034 §4). */
export const authResponse = (line: string, client: Client): Outcome | Promise<Outcome> =>
  line === '*' ? { reply: replies.cancelled, next: loggedOut } : plain(line, client)

const plain = (response: string, client: Client): Outcome | Promise<Outcome> => {
  const parsed = parsePlain(response)
  if (parsed === null) return { reply: replies.badResponse, next: loggedOut }
  const { authorization, name, password } = parsed
  if (authorization === '' || authorization === name) return logIn(client, 'PLAIN', name, password)
  journal.loginRefused(client.connection.log, 'PLAIN', 'authorization', name)
  return { reply: replies.wrongAuthorization, next: loggedOut }
}

const logIn = async (client: Client, method: journal.Method, name: string, password: string): Promise<Outcome> => {
  const { connection, context, store } = client
  const refused = (reply: Outcome['reply'], reason: journal.LoginRefusal): Outcome => {
    journal.loginRefused(connection.log, method, reason, name)
    return { reply, next: loggedOut }
  }
  let answer: LoginAnswer
  try {
    answer = await context.desk.login({ name, password, address: connection.remote.address, service: context.service })
  } catch (error) {
    if (error instanceof DeskError) return refused(replies.deskAway, 'desk')
    throw error
  }
  if (answer.outcome === 'refused') return refused(replies.wrongLogin, 'credentials')
  if (answer.outcome === 'blocked') return refused(replies.blocked(answer.retryAfterMs), 'blocked')
  let held: Maildrop | null
  try {
    held = await openWhenFree(store, answer.account, connection.signal)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    journal.storeFailed(connection.log.with({ account: answer.account }), 'open', error.code, error)
    return refused(replies.store(error.code), 'store')
  }
  if (held === null) return refused(replies.inUse, 'in-use')
  const maildrop = new MarkedMaildrop(held)
  journal.loginAccepted(connection.log.with({ account: maildrop.account }), method, maildrop.count, maildrop.octets)
  return { reply: replies.loggedIn(maildrop.count, maildrop.octets), next: { state: 'transaction', maildrop } }
}
