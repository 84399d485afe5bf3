/** All that the server says. Texts hold nothing of what the client wrote, and none begins with `[` unless it carries a code. */
import type { StoreErrorCode } from '../../shared/mail/mail-store.ts'
import type { Ending, Refusal } from '../../shared/service.ts'

/** What a client can act on (RFC 2449 §8, RFC 3206). */
export type ResponseCode = 'IN-USE' | 'AUTH' | 'SYS/TEMP' | 'SYS/PERM'

/** One line. */
export interface Line {
  readonly kind: 'ok' | 'error' | 'challenge'
  readonly code?: ResponseCode
  readonly text: string
}

/** A line, then lines that are made while they are sent; none begins with a dot. */
export interface Listing {
  readonly kind: 'list'
  readonly text: string
  readonly lines: Iterable<string>
}

/** A line, then a text whose octets are sent as they come, stuffed. */
export interface Text {
  readonly kind: 'text'
  readonly text: string
  readonly octets: AsyncIterable<Buffer>
  /** Called when all of it is sent, with its octets before stuffing. */
  readonly sent: (octets: number) => void
}

export type Reply = Line | Listing | Text

const ok = (text: string): Line => ({ kind: 'ok', text })
const error = (text: string, code?: ResponseCode): Line =>
  code === undefined ? { kind: 'error', text } : { kind: 'error', text, code }

const indicators = { ok: '+OK ', list: '+OK ', text: '+OK ', error: '-ERR ', challenge: '+ ' } as const

/** The first line of a reply, as it goes over the wire. */
export const statusLine = (reply: Reply): string => {
  const code = 'code' in reply && reply.code !== undefined ? `[${reply.code}] ` : ''
  return `${indicators[reply.kind]}${code}${reply.text}\r\n`
}

const count = (messages: number, octets: number): string =>
  `${messages} ${messages === 1 ? 'message' : 'messages'} (${octets} octets)`

/** `3 s`, `10 min`: how long to wait, rounded up. */
const wait = (ms: number): string => (ms < 120_000 ? `${Math.ceil(ms / 1_000)} s` : `${Math.ceil(ms / 60_000)} min`)

/** What went wrong in the store, in the client's words; whether trying again can help follows from the store's table. */
const storeTexts: Record<StoreErrorCode, Line> = {
  full: error('No room to work in at the moment: please try again later', 'SYS/TEMP'),
  locked: error('The mailbox is busy: please try again later', 'SYS/TEMP'),
  damaged: error('The mailbox cannot be read at the moment: the journal tells why', 'SYS/TEMP'),
  closed: error('The server is stopping: please try again later', 'SYS/TEMP'),
  missing: error('That is no longer there', 'SYS/PERM'),
}

export const replies = {
  greeting: (hostname: string) => ok(`Havre POP3 server on ${hostname} ready`),
  goodbye: ok('Goodbye'),
  removed: (messages: number) => ok(`Goodbye, ${messages} ${messages === 1 ? 'message' : 'messages'} removed`),
  /** RFC 1939 §6: the client must know that its deletions did not happen. */
  notRemoved: (why: StoreErrorCode) => ({ ...storeTexts[why], text: `Nothing was removed. ${storeTexts[why].text}` }),

  /** The same for names that exist and names that do not. */
  nameTaken: ok('Send PASS'),
  loggedIn: (messages: number, octets: number) => ok(`Logged in: ${count(messages, octets)}`),
  challenge: { kind: 'challenge', text: '' } as const,
  mechanisms: (names: readonly string[]): Listing => ({ kind: 'list', text: 'Mechanisms follow', lines: names }),
  wrongLogin: error('Name or password is wrong', 'AUTH'),
  /** RFC 4616 §2: one identity may not act for another here. */
  wrongAuthorization: error('This login may not act for another account', 'AUTH'),
  blocked: (retryAfterMs: number) =>
    error(`Too many bad logins from your address: please try again in ${wait(retryAfterMs)}`, 'SYS/TEMP'),
  inUse: error('Another session has this mailbox open', 'IN-USE'),
  deskAway: error('Logins cannot be checked at the moment: please try again later', 'SYS/TEMP'),
  needsTls: error('A password is taken over an encrypted connection only: set your mail program to STARTTLS or TLS', 'SYS/PERM'),
  beginTls: ok('Begin TLS now'),
  alreadySecure: error('The connection is encrypted already'),
  noTls: error('TLS is not offered here'),
  noUser: error('Send USER first'),
  unknownMechanism: error('Only the mechanism PLAIN is offered'),
  badResponse: error('That is no response of the mechanism PLAIN in base64'),
  cancelled: error('Login cancelled'),

  capabilities: (lines: readonly string[]): Listing => ({ kind: 'list', text: 'Capabilities follow', lines }),

  /** RFC 1939 §5: nothing but the two numbers. */
  stat: (messages: number, octets: number) => ok(`${messages} ${octets}`),
  listing: (messages: number, octets: number, lines: Iterable<string>): Listing => ({
    kind: 'list',
    text: count(messages, octets),
    lines,
  }),
  uidls: (lines: Iterable<string>): Listing => ({ kind: 'list', text: 'Unique ids follow', lines }),
  listed: (number: number, value: number | string) => ok(`${number} ${value}`),
  message: (size: number, octets: AsyncIterable<Buffer>, sent: Text['sent']): Text => ({
    kind: 'text',
    text: `${size} octets`,
    octets,
    sent,
  }),
  top: (octets: AsyncIterable<Buffer>, sent: Text['sent']): Text => ({
    kind: 'text',
    text: 'Top of message follows',
    octets,
    sent,
  }),
  marked: (number: number) => ok(`Message ${number} marked: QUIT removes it`),
  reset: (messages: number, octets: number) => ok(count(messages, octets)),
  nothing: ok('Still here'),
  noMessage: (messages: number) =>
    error(messages === 0 ? 'No such message: the mailbox is empty' : `No such message: there are ${messages}`),
  alreadyMarked: (number: number) => error(`Message ${number} is marked as deleted: RSET takes that back`),

  unknownCommand: error('Unknown command: CAPA tells what there is'),
  badArguments: (usage: string) => error(`Usage: ${usage}`),
  notBeforeLogin: error('Log in first: USER and PASS, or AUTH PLAIN'),
  notAfterLogin: error('You are logged in already'),
  lineTooLong: (octets: number) => error(`A line may have at most ${octets} octets`),
  tooManyBadCommands: error('Too many bad commands: goodbye'),
  tooManyBeforeLogin: error('Too many commands without a login: goodbye'),

  noApop: error('APOP is not offered: use USER and PASS, or AUTH PLAIN'),
  noLast: error('LAST is gone from the protocol: UIDL tells old messages from new ones'),
  noXtnd: error('XTND is not offered: mail is sent by SMTP'),

  store: (code: StoreErrorCode) => storeTexts[code],
  stopping: error('The server is stopping: nothing was removed, please come again', 'SYS/TEMP'),
  loginTooSlow: error('No login came in time: goodbye', 'SYS/TEMP'),
  lastedTooLong: error('The session has lasted as long as it may: nothing was removed, please come again', 'SYS/TEMP'),
  /** Something that nobody foresaw. */
  failed: error('Something went wrong here: nothing was removed, the journal tells what', 'SYS/TEMP'),
}

/**
 * What is said when the host ends a session; null: nothing. RFC 1939 §3: after the idle time the server closes without a response. A
 * stop is told: the next command is answered so.
 */
export const goodbyes: Record<Ending, Line | null> = {
  idle: null,
  login: replies.loginTooSlow,
  total: replies.lastedTooLong,
  stopping: replies.stopping,
  closed: null,
}

/** What a client reads that is turned away before its conversation begins (RFC 3206 §4: trying again may help). */
export const refusals: Record<Refusal, Line> = {
  connections: error('Too many connections: please try again later', 'SYS/TEMP'),
  connectionsPerAddress: error('Too many connections from your address: please try again later', 'SYS/TEMP'),
  connectionsPerSecond: error('Too many connections from your address in a short time: please try again later', 'SYS/TEMP'),
  stopping: error('The server is stopping: please try again later', 'SYS/TEMP'),
}
