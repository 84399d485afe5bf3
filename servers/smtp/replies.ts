/**
 * Everything that the server says (RFC 5321 §4.2), as values, and the one function that writes them. No text holds a client's
 * words, an error's text or a path.
 */
import type { StoreError, StoreErrorCode } from '../../shared/mail/mail-store.ts'
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
export const greeting = (hostname: string, mode: Mode): Reply =>
  reply(220, null, `${hostname} ${mode === 'lmtp' ? 'LMTP' : 'ESMTP'} Havre`)
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

/** @param octets those of the chunk */
export const chunkTaken = (octets: number): Reply => reply(250, '0.0', `${octets} octets taken`)
/** What follows may be octets or commands, and nobody can tell. */
export const chunkUnreadable = reply(
  421,
  '5.4',
  'The syntax is: BDAT octets [LAST]; closing, as the octets cannot be told from commands',
)

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
/** And where TLS is off too, so that nobody can log in. */
export const noWayIn = reply(
  530,
  '7.0',
  'Mail is taken after a login only, and no login in clear: use the service that has TLS (settings tls, requireTls)',
)
/** RFC 6409 §6.1: the sender is somebody else. @param domain one of ours */
export const senderOfOthers = (account: string, domain: string): Reply =>
  reply(
    550,
    '7.1',
    `You are ${account} here: the sender is ${account}@${domain}, the same with +anything, an alias or list that reaches you, or <>`,
  )
export const unknownMechanism = reply(504, '5.4', 'EHLO tells the mechanisms')
export const loggedInAlready = reply(503, '5.1', 'Logged in already')

/** Which protocol the service speaks. */
type Mode = 'mta' | 'submission' | 'lmtp'

export const helloFirst = (mode: Mode): Reply => reply(503, '5.1', mode === 'lmtp' ? 'Say LHLO first' : 'Say EHLO or HELO first')
/** RFC 2033 §4.1: HELO and EHLO are no commands of LMTP, LHLO is none of SMTP. */
export const otherProtocol = (mode: Mode): Reply =>
  reply(500, '5.1', mode === 'lmtp' ? 'LMTP is spoken here: say LHLO' : 'SMTP is spoken here: say EHLO')
export const senderFirst = reply(503, '5.1', 'MAIL comes first')
export const messageBegun = reply(503, '5.1', 'A message is begun; RSET forgets it')
/** RFC 5321 §3.3: 503 or 554, of which 554 is the clearer one with pipelining (RFC 2920 §3.1); RFC 2033 §4.2: 503. */
export const noRecipients = (mode: Mode): Reply => reply(mode === 'lmtp' ? 503 : 554, '5.1', 'No recipient was taken')
export const messageInChunks = reply(503, '5.1', 'The message comes in chunks: BDAT goes on with it, RSET forgets it')

/** In the place of the greeting, so without an enhanced code (RFC 2034 §3). */
export const spokeEarly = (hostname: string): Reply =>
  reply(554, null, `${hostname} greets first, and a client waits for it (RFC 5321 section 4.3.1; setting earlyTalkers); closing`)
export const outOfTurn = reply(
  554,
  '5.0',
  'More was sent before this was answered (RFC 2920 section 3.1; setting pipelining); closing',
)

export const unknownCommand = reply(500, '5.2', 'Unknown command; HELP lists those that are known')
export const garbledLine = reply(500, '5.2', 'The line holds control characters')
export const bareLine = reply(
  500,
  '5.2',
  'The line ends with LF alone; lines end with CR LF (RFC 5321 section 2.3.8; setting mail.bareNewlines)',
)
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
/** @param limit octets */
export const headerTooLong = (limit: number): Reply => reply(552, '3.4', `A header has at most ${limit} octets`)
export const tooManyRecipients = (limit: number): Reply =>
  reply(452, '5.3', `A message has at most ${limit} recipients; send it again to the others`)

/** The same where lists have many members. */
export const tooManyMailboxes = reply(452, '5.3', 'These are too many mailboxes for one message; send it again to the others')

/** RFC 3463 §3.3; temporary: there will be room once mail was fetched. */
export const mailboxFull = reply(452, '2.2', 'The mailbox is full; try again later')
/** There will never be room (RFC 5321 §4.2.3: 552). @param limit octets that a mailbox holds */
export const largerThanMailbox = (limit: number): Reply =>
  reply(552, '2.2', `A mailbox holds at most ${limit} octets: the message does not fit into an empty one`)
/** RFC 5321 §6.3. @param limit Received lines */
export const loop = (limit: number): Reply =>
  reply(554, '4.6', `The message was passed on more than ${limit} times: it runs in a circle`)
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
  'over-quota': mailboxFull,
  locked: reply(451, '3.0', 'The mail store is busy; try again'),
  damaged: reply(451, '3.0', 'The mail store cannot be used just now; try again'),
  closed: reply(451, '3.0', 'The mail store is closing; try again'),
  missing: reply(451, '3.0', 'The mail store cannot be used just now; try again'),
}
/** Whether the operator must act on it, and does not know of it yet. */
export const isStoreFault = ({ code, again }: StoreError): boolean => !again && code !== 'closed' && code !== 'over-quota'

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
