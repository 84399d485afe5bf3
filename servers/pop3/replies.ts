/** All that the server says. Texts hold nothing of what the client wrote, and none begins with `[` unless it carries a code. */
import type { StoreErrorCode } from '../../shared/mail/mail-store.ts'
import type { Ending, Refusal } from '../../shared/service.ts'
import type { Language, Speech } from './languages.ts'

/** What a client can act on (RFC 2449 §8, RFC 3206). */
export type ResponseCode = 'IN-USE' | 'LOGIN-DELAY' | 'AUTH' | 'SYS/TEMP' | 'SYS/PERM'

/** What is said to people, in each language, or the same in all. English is ASCII; what is said before LANG has to be. */
export type Words = string | Readonly<Record<Speech, string>>

/** One line. */
export interface Line {
  readonly kind: 'ok' | 'error' | 'challenge'
  readonly code?: ResponseCode
  readonly text: Words
}

/** A line, then lines that are made while they are sent; none begins with a dot. */
export interface Listing {
  readonly kind: 'list'
  readonly text: Words
  readonly lines: Iterable<string>
}

/** A line, then a text whose octets are sent as they come, stuffed. */
export interface Text {
  readonly kind: 'text'
  readonly text: Words
  readonly octets: AsyncIterable<Buffer>
  /** Called when all of it is sent, with its octets before stuffing. */
  readonly sent: (octets: number) => void
}

/** The same with all octets at hand: nobody waits for anything. */
export interface Whole extends Omit<Text, 'kind' | 'octets'> {
  readonly kind: 'whole'
  readonly octets: Buffer
}

export type Reply = Line | Listing | Text | Whole

const ok = (text: Words): Line => ({ kind: 'ok', text })
const error = (text: Words, code?: ResponseCode): Line =>
  code === undefined ? { kind: 'error', text } : { kind: 'error', text, code }

const indicators = { ok: '+OK ', list: '+OK ', text: '+OK ', whole: '+OK ', error: '-ERR ', challenge: '+ ' } as const

const inWords = (text: Words, speech: Speech): string => (typeof text === 'string' ? text : text[speech])

/** The first line of a reply, as it goes over the wire. */
export const statusLine = (reply: Reply, speech: Speech = 'en'): string => {
  const code = 'code' in reply && reply.code !== undefined ? `[${reply.code}] ` : ''
  return `${indicators[reply.kind]}${code}${inWords(reply.text, speech)}\r\n`
}

const count = (messages: number, octets: number): Readonly<Record<Speech, string>> => ({
  en: `${messages} ${messages === 1 ? 'message' : 'messages'} (${octets} octets)`,
  de: `${messages} ${messages === 1 ? 'Nachricht' : 'Nachrichten'} (${octets} Oktette)`,
})

/** `3 s`, `10 min`: how long to wait, rounded up. */
const wait = (ms: number): string => (ms < 120_000 ? `${Math.ceil(ms / 1_000)} s` : `${Math.ceil(ms / 60_000)} min`)

/** What went wrong in the store, in the client's words; whether trying again can help follows from the store's table. */
const storeTexts: Record<StoreErrorCode, { readonly words: Readonly<Record<Speech, string>>; readonly code: ResponseCode }> = {
  full: {
    words: {
      en: 'No room to work in at the moment: please try again later',
      de: 'Im Augenblick ist kein Platz zum Arbeiten: bitte später noch einmal',
    },
    code: 'SYS/TEMP',
  },
  'over-quota': { words: { en: 'The mailbox is full', de: 'Das Postfach ist voll' }, code: 'SYS/TEMP' },
  locked: {
    words: { en: 'The mailbox is busy: please try again later', de: 'Das Postfach ist beschäftigt: bitte später noch einmal' },
    code: 'SYS/TEMP',
  },
  damaged: {
    words: {
      en: 'The mailbox cannot be read at the moment: the journal tells why',
      de: 'Das Postfach lässt sich im Augenblick nicht lesen: das Journal sagt, warum',
    },
    code: 'SYS/TEMP',
  },
  closed: {
    words: { en: 'The server is stopping: please try again later', de: 'Der Server hält an: bitte später noch einmal' },
    code: 'SYS/TEMP',
  },
  missing: { words: { en: 'That is no longer there', de: 'Das ist nicht mehr da' }, code: 'SYS/PERM' },
}

const storeLine = (code: StoreErrorCode): Line => error(storeTexts[code].words, storeTexts[code].code)

export const replies = {
  greeting: (hostname: string) => ok(`Havre POP3 server on ${hostname} ready`),
  goodbye: ok({ en: 'Goodbye', de: 'Auf Wiedersehen' }),
  removed: (messages: number) =>
    ok({
      en: `Goodbye, ${messages} ${messages === 1 ? 'message' : 'messages'} removed`,
      de: `Auf Wiedersehen, ${messages} ${messages === 1 ? 'Nachricht' : 'Nachrichten'} gelöscht`,
    }),
  /** RFC 1939 §6: the client must know that its deletions did not happen. */
  notRemoved: (why: StoreErrorCode) => {
    const { words, code } = storeTexts[why]
    return error({ en: `Nothing was removed. ${words.en}`, de: `Nichts wurde gelöscht. ${words.de}` }, code)
  },

  /** The same for names that exist and names that do not. */
  nameTaken: ok({ en: 'Send PASS', de: 'Weiter mit PASS' }),
  loggedIn: (messages: number, octets: number) => {
    const { en, de } = count(messages, octets)
    return ok({ en: `Logged in: ${en}`, de: `Angemeldet: ${de}` })
  },
  /** @param response in base64 */
  challenge: (response: string): Line => ({ kind: 'challenge', text: response }),
  mechanisms: (names: readonly string[]): Listing => ({
    kind: 'list',
    text: { en: 'Mechanisms follow', de: 'Die Verfahren' },
    lines: names,
  }),
  wrongLogin: error({ en: 'Name or password is wrong', de: 'Name oder Passwort ist falsch' }, 'AUTH'),
  /** RFC 4616 §2: one identity may not act for another here. */
  wrongAuthorization: error(
    { en: 'This login may not act for another account', de: 'Diese Anmeldung darf nicht für ein anderes Konto handeln' },
    'AUTH',
  ),
  blocked: (retryAfterMs: number) =>
    error(
      {
        en: `Too many bad logins from your address: please try again in ${wait(retryAfterMs)}`,
        de: `Zu viele falsche Anmeldungen von dieser Adresse: bitte in ${wait(retryAfterMs)} noch einmal`,
      },
      'SYS/TEMP',
    ),
  /** RFC 2449 §8.1.1. */
  tooSoon: (retryAfterMs: number) =>
    error(
      {
        en: `The last login was only a while ago: please come again in ${wait(retryAfterMs)}`,
        de: `Die letzte Anmeldung ist noch nicht lange her: bitte in ${wait(retryAfterMs)} noch einmal`,
      },
      'LOGIN-DELAY',
    ),
  inUse: error({ en: 'Another session has this mailbox open', de: 'Eine andere Sitzung hat dieses Postfach geöffnet' }, 'IN-USE'),
  deskAway: error(
    {
      en: 'Logins cannot be checked at the moment: please try again later',
      de: 'Anmeldungen lassen sich im Augenblick nicht prüfen: bitte später noch einmal',
    },
    'SYS/TEMP',
  ),
  needsTls: error(
    {
      en: 'A password is taken over an encrypted connection only: set your mail program to STARTTLS or TLS',
      de: 'Ein Passwort wird nur verschlüsselt angenommen: bitte im Mailprogramm STARTTLS oder TLS einstellen',
    },
    'SYS/PERM',
  ),
  beginTls: ok({ en: 'Begin TLS now', de: 'Jetzt mit TLS beginnen' }),
  alreadySecure: error({ en: 'The connection is encrypted already', de: 'Die Verbindung ist schon verschlüsselt' }),
  noTls: error({ en: 'TLS is not offered here', de: 'TLS wird hier nicht angeboten' }),
  noTlsAfterUtf8: error({ en: 'STLS comes before UTF8, not after it', de: 'STLS kommt vor UTF8, nicht danach' }),
  noUser: error({ en: 'Send USER first', de: 'Zuerst USER' }),
  unknownMechanism: (names: readonly string[]) =>
    error({ en: `The mechanisms are: ${names.join(' ')}`, de: `Die Verfahren sind: ${names.join(' ')}` }),
  badResponse: error({
    en: 'That is no response of this mechanism in base64',
    de: 'Das ist keine Antwort dieses Verfahrens in Base64',
  }),
  cancelled: error({ en: 'Login cancelled', de: 'Anmeldung abgebrochen' }),

  capabilities: (lines: readonly string[]): Listing => ({
    kind: 'list',
    text: { en: 'Capabilities follow', de: 'Die Fähigkeiten' },
    lines,
  }),

  utf8: ok({ en: 'UTF-8 it is', de: 'Von jetzt an UTF-8' }),
  /** RFC 6856 §3.2: `+OK`, the tag, then words in that language. */
  language: ({ tag }: Language) => ok({ en: `${tag} English it is`, de: `${tag} Von jetzt an auf Deutsch` }),
  languages: (all: readonly Language[]): Listing => ({
    kind: 'list',
    text: { en: 'Languages follow', de: 'Die Sprachen' },
    lines: all.map(({ tag, name }) => `${tag} ${name}`),
  }),
  unknownLanguage: error({ en: 'That language is not spoken here', de: 'Diese Sprache wird hier nicht gesprochen' }),

  /** RFC 1939 §5: nothing but the two numbers. */
  stat: (messages: number, octets: number) => ok(`${messages} ${octets}`),
  listing: (messages: number, octets: number, lines: Iterable<string>): Listing => ({
    kind: 'list',
    text: count(messages, octets),
    lines,
  }),
  uidls: (lines: Iterable<string>): Listing => ({
    kind: 'list',
    text: { en: 'Unique ids follow', de: 'Die Kennungen' },
    lines,
  }),
  listed: (number: number, value: number | string) => ok(`${number} ${value}`),
  message: (size: number, octets: Buffer | AsyncIterable<Buffer>, sent: Text['sent']): Text | Whole => {
    const text = { en: `${size} octets`, de: `${size} Oktette` }
    return Buffer.isBuffer(octets) ? { kind: 'whole', text, octets, sent } : { kind: 'text', text, octets, sent }
  },
  top: (octets: AsyncIterable<Buffer>, sent: Text['sent']): Text => ({
    kind: 'text',
    text: { en: 'Top of message follows', de: 'Der Anfang der Nachricht' },
    octets,
    sent,
  }),
  marked: (number: number) =>
    ok({
      en: `Message ${number} marked: QUIT removes it`,
      de: `Nachricht ${number} vorgemerkt: QUIT löscht sie`,
    }),
  reset: (messages: number, octets: number) => ok(count(messages, octets)),
  nothing: ok({ en: 'Still here', de: 'Bin noch da' }),
  noMessage: (messages: number) =>
    error(
      messages === 0
        ? { en: 'No such message: the mailbox is empty', de: 'Keine solche Nachricht: das Postfach ist leer' }
        : { en: `No such message: there are ${messages}`, de: `Keine solche Nachricht: es gibt ${messages}` },
    ),
  alreadyMarked: (number: number) =>
    error({
      en: `Message ${number} is marked as deleted: RSET takes that back`,
      de: `Nachricht ${number} ist zum Löschen vorgemerkt: RSET nimmt das zurück`,
    }),

  unknownCommand: error({ en: 'Unknown command: CAPA tells what there is', de: 'Unbekannter Befehl: CAPA sagt, was es gibt' }),
  badArguments: (usage: string) => error({ en: `Usage: ${usage}`, de: `Richtig: ${usage}` }),
  notBeforeLogin: error({ en: 'Log in first: USER and PASS, or AUTH', de: 'Zuerst anmelden: USER und PASS, oder AUTH' }),
  notAfterLogin: error({ en: 'You are logged in already', de: 'Die Anmeldung ist schon geschehen' }),
  lineTooLong: (octets: number) =>
    error({ en: `A line may have at most ${octets} octets`, de: `Eine Zeile darf höchstens ${octets} Oktette haben` }),
  tooManyBadCommands: error({ en: 'Too many bad commands: goodbye', de: 'Zu viele falsche Befehle: auf Wiedersehen' }),
  tooManyBeforeLogin: error({
    en: 'Too many commands without a login: goodbye',
    de: 'Zu viele Befehle ohne Anmeldung: auf Wiedersehen',
  }),

  noApop: error({
    en: 'APOP is not offered: use USER and PASS, or AUTH',
    de: 'APOP wird nicht angeboten: bitte USER und PASS, oder AUTH',
  }),
  noLast: error({
    en: 'LAST is gone from the protocol: UIDL tells old messages from new ones',
    de: 'LAST gibt es im Protokoll nicht mehr: UIDL unterscheidet alte Nachrichten von neuen',
  }),
  noXtnd: error({
    en: 'XTND is not offered: mail is sent by SMTP',
    de: 'XTND wird nicht angeboten: Post wird mit SMTP verschickt',
  }),

  store: storeLine,
  stopping: error(
    {
      en: 'The server is stopping: nothing was removed, please come again',
      de: 'Der Server hält an: nichts wurde gelöscht, bitte wiederkommen',
    },
    'SYS/TEMP',
  ),
  loginTooSlow: error({ en: 'No login came in time: goodbye', de: 'Es kam keine Anmeldung: auf Wiedersehen' }, 'SYS/TEMP'),
  lastedTooLong: error(
    {
      en: 'The session has lasted as long as it may: nothing was removed, please come again',
      de: 'Die Sitzung hat so lange gedauert, wie sie darf: nichts wurde gelöscht, bitte wiederkommen',
    },
    'SYS/TEMP',
  ),
  /** Something that nobody foresaw. */
  failed: error(
    {
      en: 'Something went wrong here: nothing was removed, the journal tells what',
      de: 'Hier ist etwas schiefgegangen: nichts wurde gelöscht, das Journal sagt, was',
    },
    'SYS/TEMP',
  ),
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
