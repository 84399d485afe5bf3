/** MAIL, RCPT, DATA, RSET: one message's way (RFC 5321 §3.3). */
import type { Path } from './address.ts'
import { readPath } from './address.ts'
import type { Parsed } from './command.ts'
import type { Notify, OriginalRecipient } from './dsn-parameters.ts'
import * as journal from './journal.ts'
import { mailParameters, rcptParameters, readParameters } from './parameters.ts'
import * as replies from './replies.ts'
import type { In, Outcome, Sender, Situation } from './session.ts'
import { howToLogIn, owns } from './submission.ts'

/** So many mailboxes a message goes to at most where lists are among several recipients: some lines are not to become millions. */
const mostMailboxes = 10_000

/** What RCPT said. */
export interface RcptArguments extends Path {
  readonly notify: Notify | null
  readonly originalRecipient: OriginalRecipient | null
}

// "MAIL FROM:" Reverse-path [SP Mail-parameters]; a blank after the colon is what many clients send.
export const readMail = (text: string): Parsed<Sender> => {
  const found = readPath(text.replace(/^FROM: */i, ''), 'reverse')
  if (found === null || !/^FROM:/i.test(text)) return { problem: replies.badSender }
  const parameters = readParameters(found.rest, mailParameters, replies.badSender)
  if ('problem' in parameters) return parameters
  const { SIZE: sizeOctets = 0, SMTPUTF8: utf8 = false, RET: ret, ENVID: envelopeId } = parameters.value
  const dsn = { ...(ret === undefined ? {} : { ret }), ...(envelopeId === undefined ? {} : { envelopeId }) }
  return { value: { ...found.path, utf8, sizeOctets, dsn } }
}

// "RCPT TO:" Forward-path [SP Rcpt-parameters]
export const readRcpt = (text: string): Parsed<RcptArguments> => {
  const found = readPath(text.replace(/^TO: */i, ''), 'forward')
  if (found === null || !/^TO:/i.test(text)) return { problem: replies.badRecipient }
  const parameters = readParameters(found.rest, rcptParameters, replies.badRecipient)
  if ('problem' in parameters) return parameters
  const { NOTIFY: notify = null, ORCPT: originalRecipient = null } = parameters.value
  return { value: { ...found.path, notify, originalRecipient } }
}

export const mail = async (situation: Situation, session: In<'ready' | 'chunks-refused'>, sender: Sender): Promise<Outcome> => {
  const { settings, options, room, log } = situation
  const { maxSizeOctets } = settings.mail
  const refuse = (reply: replies.Reply): Outcome => {
    journal.senderRefused(log, sender.address, reply)
    return { reply }
  }
  // RFC 6409 §4.3: who submits mail is somebody.
  if (options.mode === 'submission' && session.account === null) return refuse(howToLogIn(situation))
  if (sender.sizeOctets > maxSizeOctets) return refuse(replies.messageTooBig(maxSizeOctets))
  if (sender.sizeOctets > room.largestOctets) return refuse(replies.largerThanMailbox(room.largestOctets))
  if (sender.international && !sender.utf8) return refuse(replies.needsUtf8)
  const { client, account } = session
  if (options.mode === 'submission' && account !== null && !(await owns(situation, account, sender)))
    return refuse(replies.senderOfOthers(account, settings.domains[0] ?? settings.hostname))
  return { reply: replies.senderTaken, next: { state: 'mail', client, account, sender } }
}

export const rcpt = async (
  situation: Situation,
  session: In<'mail' | 'rcpt'>,
  { address, international, notify, originalRecipient }: RcptArguments,
): Promise<Outcome> => {
  const { desk, options, log } = situation
  const { client, account, sender } = session
  const taken = session.state === 'rcpt' ? session.recipients : []
  const refuse = (reply: replies.Reply): Outcome => {
    journal.recipientRefused(log, sender.address, address, reply)
    return { reply }
  }
  if (taken.length >= options.recipients) return refuse(replies.tooManyRecipients(options.recipients))
  if ((international || originalRecipient?.international) && !sender.utf8) return refuse(replies.needsUtf8)
  const answer = await desk.recipient(address)
  if (answer.outcome === 'unknown') return refuse(replies.unknownRecipient)
  if (answer.outcome === 'elsewhere') return refuse(replies.relayingDenied(account !== null))
  const mailboxes = taken.reduce((sum, { accounts }) => sum + accounts.length, answer.accounts.length)
  if (taken.length > 0 && mailboxes > Math.max(mostMailboxes, options.recipients)) return refuse(replies.tooManyMailboxes)
  const { accounts, full } = await sorted(situation, answer.accounts, sender.sizeOctets)
  if (accounts.length === 0) return refuse(replies.mailboxFull)
  const recipients = [...taken, { address, accounts, full, notify, originalRecipient: originalRecipient?.text ?? null }]
  return { reply: replies.recipientTaken, next: { state: 'rcpt', client, account, sender, recipients } }
}

/** Mailboxes that have room, and full ones. */
const sorted = async ({ room }: Situation, all: readonly string[], octets: number) => {
  const roomy = await Promise.all(all.map((account) => room.has(account, octets)))
  return { accounts: all.filter((_, index) => roomy[index]), full: all.filter((_, index) => !roomy[index]) }
}

export const data = ({ options }: Situation, session: In<'mail' | 'rcpt'>): Outcome =>
  session.state === 'rcpt'
    ? { reply: replies.startMessage, next: { ...session, state: 'data' } }
    : { reply: replies.noRecipients(options.mode) }

export const rset = (
  _situation: Situation,
  session: In<'connected' | 'ready' | 'mail' | 'rcpt' | 'chunks' | 'chunks-refused'>,
): Outcome => {
  if (session.state === 'connected') return { reply: replies.reset }
  const { client, account } = session
  return { reply: replies.reset, next: { state: 'ready', client, account } }
}
