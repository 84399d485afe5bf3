/** Handlers of commands about the session itself. */
import { DeskError, type LoginAnswer } from '../../shared/accounts/desk.ts'
import { FileError, type FileStore } from '../../shared/files/file-store.ts'
import * as journal from './journal.ts'
import { replies } from './replies.ts'
import type { In, Outcome, State, Talk } from './session-state.ts'

/** Whether a password may come as it is: judged by this very connection. */
const takesPasswords = ({ connection, context }: Talk): boolean => {
  if (connection.secure || context.requireTls === 'never') return true
  return context.requireTls === 'auto' && connection.withinMachine
}

/** USER. May come at any time and begins anew (RFC 959 §4.1.1). */
export const user = (_session: State, name: string, talk: Talk): Outcome => {
  talk.data.close()
  const parameters = { restart: 0, onlyEpsv: false, type: 'ascii' } as const
  if (takesPasswords(talk)) return { reply: replies.needPassword, next: { state: 'login', user: name }, parameters }
  journal.loginRefused(talk.log, name, 'in-clear')
  return { reply: replies.needsTls, next: { state: 'login', user: null }, parameters }
}

/** PASS. */
export const pass = async (session: In<'login'>, password: string, talk: Talk): Promise<Outcome> => {
  const { user: name } = session
  if (name === null) return { reply: replies.userFirst }
  const { connection, log } = talk
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
    return talk.badLogin() ? { reply: replies.tooManyLogins, next, ends: 'bad-logins' } : { reply: replies.loginRefused, next }
  }
  const { account } = answer
  const files = await homeOf(account, talk)
  if (files === null) return { reply: replies.noHome, ends: 'no-home' }
  await talk.loggedIn(account)
  journal.loginAccepted(log, account, connection.secure)
  return { reply: replies.welcome(account), next: { state: 'ready', account, files, folder: '/' } }
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

/** QUIT. Comes to its turn after a transfer, whose last reply is sent before (RFC 959 §4.1.1). */
export const quit = (): Outcome => ({ reply: replies.bye, ends: 'quit' })

/** NOOP. */
export const noop = (): Outcome => ({ reply: replies.ok })

/** SYST. */
export const syst = (): Outcome => ({ reply: replies.system })

/** OPTS. Names are UTF-8 whatever the client says; it may not ask for another way (RFC 2640 §2.2). */
export const opts = (_session: State, option: 'utf8-on' | 'utf8-off' | 'other'): Outcome => {
  if (option === 'utf8-on') return { reply: replies.utf8 }
  return { reply: option === 'utf8-off' ? replies.parameterNotOffered('OPTS', 'UTF8 OFF') : replies.optionUnknown }
}
