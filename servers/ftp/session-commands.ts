/** Handlers of commands about the session itself. */
import { isIPv6 } from 'node:net'
import { DeskError, type LoginAnswer } from '../../shared/accounts/desk.ts'
import { mayTakePassword } from '../../shared/accounts/password-in-clear.ts'
import { FileError, type FileStore } from '../../shared/files/file-store.ts'
import { plainAddress } from '../../shared/net/endpoint.ts'
import type { NamedHost } from './grammar.ts'
import * as journal from './journal.ts'
import { nameCodec } from './name-encoding.ts'
import { replies } from './replies.ts'
import { type In, initialParameters, type Outcome, type State, type Talk } from './session-state.ts'

/** USER. May come at any time and begins anew (RFC 959 §4.1.1). */
export const user = (_session: State, name: string, talk: Talk): Outcome => {
  talk.data.close()
  // Transfer parameters are unchanged; a restart point is the next command's.
  const parameters = { restart: 0 }
  // What a guest says instead of a password is no secret.
  if (guestsOf(name, talk.context) !== null && (talk.connection.secure || talk.context.requireTls !== 'always'))
    return { reply: replies.needAddress, next: { state: 'login', user: name }, parameters }
  if (mayTakePassword(talk.connection, talk.context.requireTls))
    return { reply: replies.needPassword, next: { state: 'login', user: name }, parameters }
  journal.loginRefused(talk.log, name, 'in-clear')
  return { reply: replies.needsTls, next: { state: 'login', user: null }, parameters }
}

/** PASS. */
export const pass = async (session: In<'login'>, password: string, talk: Talk): Promise<Outcome> => {
  const { user: name } = session
  if (name === null) return { reply: replies.userFirst }
  const { connection, log } = talk
  const guests = guestsOf(name, talk.context)
  if (guests !== null) return welcomeGuest(guests, password, talk)
  const answer = await ask(name, password, talk)
  if (answer === null) {
    journal.loginRefused(log, name, 'no-desk')
    return { reply: replies.noDesk, ends: 'no-desk' }
  }
  if (answer.outcome === 'blocked') {
    journal.loginRefused(log, name, 'blocked')
    return { reply: replies.loginBlocked(answer.retryAfterMs), ends: 'blocked' }
  }
  if (answer.outcome === 'refused') {
    journal.loginRefused(log, name, 'wrong')
    const next = { state: 'login', user: null } as const
    return { reply: replies.loginRefused, next, ...(talk.badLogin() ? { ends: 'bad-logins' as const } : {}) }
  }
  const { account } = answer
  const files = await homeOf(account, talk)
  if (files === null) return { reply: replies.noHome, ends: 'no-home' }
  await talk.loggedIn(account)
  journal.loginAccepted(log, account, connection.secure)
  return { reply: replies.welcome(account), next: { state: 'ready', account, guest: null, files, folder: '/' } }
}

/** The account that guests have, in logs and for limits. */
const guestAccount = 'anonymous'

/** What a guest of this name may read; null where it is none. */
const guestsOf = (name: string, { guests }: Talk['context']): FileStore | null =>
  [guestAccount, 'ftp'].includes(name.toLowerCase()) ? guests : null

/** A guest: whatever is given for a password is taken, and nobody is asked (RFC 1635). Only what is an e-mail address is kept. */
const welcomeGuest = async (files: FileStore, given: string, talk: Talk): Promise<Outcome> => {
  await talk.loggedIn(guestAccount)
  journal.loginAccepted(talk.log, guestAccount, talk.connection.secure)
  const guest = /^[\w.+-]{1,64}@(?:[a-z\d-]{1,63}(?:\.[a-z\d-]{1,63}){0,9})?$/i.test(given) ? given : '?'
  return { reply: replies.welcomeGuest, next: { state: 'ready', account: guestAccount, guest, files, folder: '/' } }
}

/** Null when it cannot be opened: a folder is missing around it, the disk is full. */
const homeOf = async (account: string, { context, log }: Talk): Promise<FileStore | null> => {
  try {
    return await context.home(account)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    journal.storeFailed(log, 'PASS', error.code, error)
    journal.loginRefused(log, account, 'no-home')
    return null
  }
}

/** Null when the desk does not answer. */
const ask = async (name: string, password: string, { context, connection }: Talk): Promise<LoginAnswer | null> => {
  try {
    return await context.desk.login({ name, password, address: connection.remote.address, service: context.service })
  } catch (error) {
    if (error instanceof DeskError) return null
    throw error
  }
}

/** ACCT. Nobody has further accounts behind a login (RFC 959 §5.4: 202 where it is superfluous). */
export const acct = (session: State): Outcome => {
  if (session.state !== 'login') return { reply: replies.noAccountNeeded }
  return { reply: session.user === null ? replies.userFirst : replies.passwordFirst }
}

/**
 * REIN: all is as it was behind the greeting; a transfer has come to its end by then (RFC 959 §4.1.1). Encryption stays: a connection that
 * went back to clear text could be carried on by somebody else.
 */
export const rein = (_session: State, _none: null, { context, data }: Talk): Outcome => {
  data.close()
  return {
    reply: replies.greeting(context.hostname),
    next: { state: 'login', user: null },
    parameters: initialParameters(context),
  }
}

/** HOST. All hosts have the same accounts and files: the last one that was named counts, for nothing else (RFC 7151 §3). */
export const host = (session: In<'login'>, { kind, host: named }: NamedHost, { context, connection }: Talk): Outcome => {
  if (session.user !== null) return { reply: replies.hostBeforeUser }
  const known =
    named === context.hostname ||
    named === 'localhost' ||
    connection.certifies(named) ||
    (kind === 'address' && plainAddress(canonical(named)) === plainAddress(canonical(connection.local.address)))
  return { reply: known ? replies.greeting(named) : replies.hostUnknown }
}

/** An IPv6 address has many forms, and a link-local one comes with its interface. */
const canonical = (address: string): string =>
  isIPv6(address) ? new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1) : address

/** CLNT. What the client calls itself changes nothing. */
export const clnt = (): Outcome => ({ reply: replies.ok })

/** LANG. Replies are in English (RFC 2640 §4.1). */
export const lang = (_session: State, tag: string | null): Outcome => ({
  reply: tag === null || tag === 'EN' || tag.startsWith('EN-') ? replies.english : replies.parameterNotOffered('LANG', tag),
})

/** QUIT. Comes to its turn after a transfer, whose last reply is sent before (RFC 959 §4.1.1). */
export const quit = (): Outcome => ({ reply: replies.bye, ends: 'quit' })

/** NOOP. */
export const noop = (): Outcome => ({ reply: replies.ok })

/** SYST. */
export const syst = (): Outcome => ({ reply: replies.system })

/** OPTS UTF8. ON: names are UTF-8 from now on; OFF: what the setting says, where that is something else (RFC 2640 §2.2). */
export const optsUtf8 = (_session: State, on: boolean, { context }: Talk): Outcome => {
  if (on) return { reply: replies.utf8, parameters: { names: 'utf-8' } }
  if (context.names === 'utf-8') return { reply: replies.parameterNotOffered('OPTS', 'UTF8 OFF') }
  return { reply: replies.namesAre(nameCodec(context.names).title), parameters: { names: context.names } }
}

/** SITE HELP. */
export const siteHelp = (lines: () => readonly string[]) => (): Outcome => ({ reply: replies.siteHelp(lines()) })
