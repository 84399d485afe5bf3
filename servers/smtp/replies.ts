/**
 * Everything that the server says (RFC 5321 §4.2), as values, and the one function that writes them. No text holds a client's
 * words, an error's text or a path.
 */
import { type StoreErrorCode, storeErrors } from '../../shared/mail/mail-store.ts'
import type { Ending, Refusal } from '../../shared/service.ts'

/** What the server says to one command. */
export interface Reply {
  readonly code: number
  /** Subject and detail of the enhanced code (RFC 3463); its class is the first digit of `code`. Null where none belongs. */
  readonly detail: string | null
  /** At least one, without line breaks. */
  readonly lines: readonly string[]
}

/** The reply as it goes over the wire: the enhanced code on each line (RFC 2034 §4), `-` after the code of all but the last. */
export const render = ({ code, detail, lines }: Reply): string => {
  const enhanced = detail === null ? '' : `${Math.floor(code / 100)}.${detail} `
  return lines.map((line, index) => `${code}${index < lines.length - 1 ? '-' : ' '}${enhanced}${line}\r\n`).join('')
}

/** The reply as records show it: its first line. */
export const inWords = ({ code, detail, lines: [first = ''] }: Reply): string =>
  `${code} ${detail === null ? '' : `${Math.floor(code / 100)}.${detail} `}${first}`

/** Whether it tells the client that its command itself was wrong: unknown, malformed or out of order (RFC 5321 §4.2.2). */
export const isBadCommand = ({ code }: Reply): boolean => [500, 501, 502, 503, 504, 555].includes(code)

const reply = (code: number, detail: string | null, ...lines: readonly string[]): Reply => ({ code, detail, lines })

const minutes = (ms: number): string => {
  const count = Math.max(1, Math.ceil(ms / 60_000))
  return count === 1 ? '1 minute' : `${count} minutes`
}

/** A malformed argument: what is expected, as the row's syntax says it. */
export const wants = (syntax: string): Reply => reply(501, '5.4', `The syntax is: ${syntax}`)

// Greeting, HELO and EHLO are answered without enhanced codes (RFC 2034 §3).
export const greeting = (hostname: string): Reply => reply(220, null, `${hostname} ESMTP Havre`)
export const hello = (hostname: string, address: string, extensions: readonly string[] = []): Reply =>
  reply(250, null, `${hostname} greets ${address}`, ...extensions)
export const badHello = (syntax: string): Reply => reply(501, null, `The syntax is: ${syntax}`)

export const ok = reply(250, '0.0', 'OK')
export const reset = reply(250, '0.0', 'Begun anew')
export const bye = reply(221, '0.0', 'Goodbye')
export const help = (lines: readonly string[]): Reply => reply(214, '0.0', ...lines)
export const noHelp = reply(504, '5.4', 'There is no help on this; HELP alone lists the commands')
export const notVerified = reply(252, '0.0', 'Addresses are not looked up; send the message, and RCPT will tell')

export const senderTaken = reply(250, '1.0', 'Sender taken')
export const recipientTaken = reply(250, '1.5', 'Recipient taken')
export const startMessage = reply(354, null, 'Send the message; a line with only a dot ends it')
/** @param id the transaction, as the Received line and the journal name it */
export const messageTaken = (id: string): Reply => reply(250, '0.0', `Message taken, id ${id}`)

// RFC 3207 §4, RFC 3463 §3.8
export const beginTls = reply(220, '7.0', 'Begin TLS now')
export const encryptedAlready = reply(503, '5.1', 'The connection is encrypted already')

/** @param text in base64; empty for an empty challenge */
export const challenge = (text: string): Reply => reply(334, null, text)
export const loggedIn = reply(235, '7.0', 'Logged in')
export const loginCancelled = reply(501, '7.0', 'Login cancelled')
export const loginGarbled = reply(501, '5.2', 'This is not what the mechanism sends, in base64')
export const loginLineTooLong = reply(500, '5.6', 'The line of the login is too long')
export const loginRefused = reply(535, '7.8', 'Name or password is wrong')
export const loginBlocked = (retryAfterMs: number): Reply =>
  reply(454, '7.0', `Too many bad logins from your address; try again in ${minutes(retryAfterMs)}`)
export const loginUnavailable = reply(454, '7.0', 'Logins cannot be checked just now; try again')
export const loginNeedsTls = (withinMachine: boolean): Reply =>
  reply(
    538,
    '7.11',
    withinMachine
      ? 'A login is taken over TLS only (setting requireTls)'
      : 'A login is taken over TLS, or from this machine itself; over other ways with the setting requireTls: never',
  )
/** RFC 4954 §6; RFC 6409 §4.3. */
export const loginFirst = reply(530, '7.0', 'Log in first: mail of the accounts is taken here')
/** The same where no login would be taken before TLS (RFC 3207 §4). */
export const tlsFirst = reply(530, '7.0', 'Say STARTTLS and log in first: mail of the accounts is taken here')
export const unknownMechanism = reply(504, '5.4', 'The mechanisms are PLAIN and LOGIN')
export const loggedInAlready = reply(503, '5.1', 'Logged in already')

export const helloFirst = reply(503, '5.1', 'Say EHLO or HELO first')
export const senderFirst = reply(503, '5.1', 'MAIL comes first')
export const messageBegun = reply(503, '5.1', 'A message is begun; RSET forgets it')
export const noRecipients = reply(554, '5.1', 'No recipient was taken')

export const unknownCommand = reply(500, '5.2', 'Unknown command; HELP lists those that are known')
export const garbledLine = reply(500, '5.2', 'The line holds control characters')
export const notOffered = reply(502, '5.1', 'This command is not offered')
/** @param limit octets, line break included */
export const lineTooLong = (limit: number): Reply => reply(500, '5.2', `A line has at most ${limit} octets`)
export const tooManyBadCommands = reply(421, '7.0', 'Too many bad commands; closing')
export const notHttp = reply(421, '7.0', 'This is a mail server, it does not speak HTTP; closing')

export const badSender = reply(501, '1.7', 'The syntax of a sender is <name@domain>, or <> for none')
export const badRecipient = reply(501, '1.3', 'The syntax of a recipient is <name@domain>')
export const needsUtf8 = reply(553, '6.7', 'An address beyond ASCII needs the parameter SMTPUTF8 of MAIL')
export const unknownParameter = reply(555, '5.4', 'A parameter is not known here; EHLO lists what is')
export const badParameter = (syntax: string): Reply => reply(501, '5.4', `The syntax of the parameter is ${syntax}, once`)
/** @param limit octets */
export const messageTooBig = (limit: number): Reply => reply(552, '3.4', `A message has at most ${limit} octets`)
export const tooManyRecipients = (limit: number): Reply =>
  reply(452, '5.3', `A message has at most ${limit} recipients; send it again to the others`)

export const unknownRecipient = reply(550, '1.1', 'No such mailbox here')
/** @param loggedIn a login does not change it, and the client should know */
export const relayingDenied = (loggedIn: boolean): Reply =>
  reply(
    550,
    '7.1',
    loggedIn
      ? 'This server takes mail for its own domains only; it passes no mail on to others, not even after a login'
      : 'This server takes mail for its own domains only; it passes no mail on to others',
  )
/** A line break that is not CRLF (RFC 5321 §2.3.8: MUST NOT). @param line counted from 1 */
export const bareNewline = (line: number, octet: 'CR' | 'LF'): Reply =>
  reply(
    554,
    '6.0',
    `Line ${line} has ${octet === 'LF' ? 'LF without CR' : 'CR without LF'}; lines end with CR LF (RFC 5321 section 2.3.8; setting mail.bareNewlines)`,
  )

export const deskSilent = reply(451, '3.0', 'Accounts cannot be looked up just now; try again')
/** What nobody foresaw: temporary for the client, with all that is known in the journal. */
export const failed = reply(451, '3.0', 'Something went wrong here; try again')

/** What the client reads when the store could not take its message: nothing of it was kept. */
export const storeRefusals: Readonly<Record<StoreErrorCode, Reply>> = {
  full: reply(452, '3.1', 'No room for the message just now; try again'),
  locked: reply(451, '3.0', 'The mail store is busy; try again'),
  damaged: reply(451, '3.0', 'The mail store cannot be used just now; try again'),
  closed: reply(451, '3.0', 'The mail store is closing; try again'),
  missing: reply(451, '3.0', 'The mail store cannot be used just now; try again'),
}
/** Which of them the operator must act on. */
export const isStoreFault = (code: StoreErrorCode): boolean => storeErrors[code] === 'permanent' || code === 'damaged'

/** The client shut its side in the middle of a message. */
export const unfinished = reply(421, '4.2', 'The message did not come to its end and was not taken; closing')
export const idle = reply(421, '4.2', 'Nothing was said for too long; closing')
export const loginTooSlow = reply(421, '7.0', 'No login came in time; closing')
export const lastedTooLong = reply(421, '7.0', 'The session has lasted as long as it may; closing')
export const tooManyWithoutMail = reply(421, '7.0', 'Too many commands without a message; closing')
export const stopping = reply(421, '3.2', 'The server is stopping; try again in a moment')

/** What is said when the host ends a conversation. */
export const goodbyes: Readonly<Record<Exclude<Ending, 'closed'>, Reply>> = {
  idle,
  login: loginTooSlow,
  total: lastedTooLong,
  stopping,
}

/** For a connection that is turned away before it was greeted. */
export const refusals: Readonly<Record<Refusal, Reply>> = {
  connections: reply(421, '3.2', 'Too many connections; try again in a moment'),
  connectionsPerAddress: reply(421, '7.0', 'Too many connections from your address; close one, or try again in a moment'),
  connectionsPerSecond: reply(421, '7.0', 'Too many connections from your address in a short time; try again in a moment'),
  stopping,
}
