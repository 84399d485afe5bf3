/** MAIL, RCPT, DATA, RSET: one message's way (RFC 5321 §3.3). */
import type { Path } from './address.ts'
import { readPath } from './address.ts'
import type { Parsed } from './command.ts'
import * as journal from './journal.ts'
import { mayLogIn } from './login.ts'
import { mailParameters, rcptParameters, readParameters } from './parameters.ts'
import * as replies from './replies.ts'
import type { In, Outcome, Sender, Situation } from './session.ts'

/** What MAIL said. */
export interface MailArguments {
  readonly sender: Sender
  /** RFC 1870; null: not told. 0 counts as not told (§5). */
  readonly sizeOctets: number | null
}

// "MAIL FROM:" Reverse-path [SP Mail-parameters]; a blank after the colon is what many clients send.
export const readMail = (text: string): Parsed<MailArguments> => {
  const found = readPath(text.replace(/^FROM: */i, ''), 'reverse')
  if (found === null || !/^FROM:/i.test(text)) return { problem: replies.badSender }
  const parameters = readParameters(found.rest, mailParameters, replies.badSender)
  if ('problem' in parameters) return parameters
  const { SIZE: sizeOctets = null, SMTPUTF8: utf8 = false } = parameters.value
  return { value: { sender: { ...found.path, utf8 }, sizeOctets } }
}

// "RCPT TO:" Forward-path [SP Rcpt-parameters]
export const readRcpt = (text: string): Parsed<Path> => {
  const found = readPath(text.replace(/^TO: */i, ''), 'forward')
  if (found === null || !/^TO:/i.test(text)) return { problem: replies.badRecipient }
  const parameters = readParameters(found.rest, rcptParameters, replies.badRecipient)
  return 'problem' in parameters ? parameters : { value: found.path }
}

export const mail = (situation: Situation, session: In<'ready'>, { sender, sizeOctets }: MailArguments): Outcome => {
  const { settings, options, log } = situation
  const { maxSizeOctets } = settings.mail
  const refuse = (reply: replies.Reply): Outcome => {
    journal.senderRefused(log, sender.address, reply)
    return { reply }
  }
  // RFC 6409 §4.3: who submits mail is somebody.
  if (options.mode === 'submission' && session.account === null)
    return refuse(mayLogIn(situation) ? replies.loginFirst : replies.tlsFirst)
  if (sizeOctets !== null && sizeOctets > maxSizeOctets) return refuse(replies.messageTooBig(maxSizeOctets))
  if (sender.international && !sender.utf8) return refuse(replies.needsUtf8)
  const { client, account } = session
  return { reply: replies.senderTaken, next: { state: 'mail', client, account, sender } }
}

export const rcpt = async (
  { desk, options, log }: Situation,
  session: In<'mail' | 'rcpt'>,
  { address, international }: Path,
): Promise<Outcome> => {
  const { client, account, sender } = session
  const taken = session.state === 'rcpt' ? session.recipients : []
  const refuse = (reply: replies.Reply): Outcome => {
    journal.recipientRefused(log, sender.address, address, reply)
    return { reply }
  }
  if (taken.length >= options.recipients) return refuse(replies.tooManyRecipients(options.recipients))
  if (international && !sender.utf8) return refuse(replies.needsUtf8)
  const answer = await desk.recipient(address)
  if (answer.outcome === 'unknown') return refuse(replies.unknownRecipient)
  if (answer.outcome === 'elsewhere') return refuse(replies.relayingDenied(account !== null))
  const recipients = [...taken, { address, accounts: answer.accounts }]
  return { reply: replies.recipientTaken, next: { state: 'rcpt', client, account, sender, recipients } }
}

export const data = (_situation: Situation, session: In<'mail' | 'rcpt'>): Outcome =>
  // RFC 5321 §3.3: 503 or 554 when no recipient was taken; with pipelining 554 is the clearer one (RFC 2920 §3.1).
  session.state === 'rcpt' ? { reply: replies.startMessage, next: { ...session, state: 'data' } } : { reply: replies.noRecipients }

export const rset = (_situation: Situation, session: In<'connected' | 'ready' | 'mail' | 'rcpt'>): Outcome => {
  if (session.state === 'connected') return { reply: replies.reset }
  const { client, account } = session
  return { reply: replies.reset, next: { state: 'ready', client, account } }
}
