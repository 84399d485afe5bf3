/** What the corpus is made of, and how its messages are written. */

/** What a person would expect to be shown. What is left out is not looked at. */
export interface Expected {
  readonly subject?: string
  readonly from?: string
  /** Pieces of the text, decoded. */
  readonly text?: readonly string[]
  /** What the text must not have. */
  readonly not?: readonly string[]
  /** In their order: name, type, octets once decoded. */
  readonly attachments?: readonly (readonly [filename: string | null, contentType: string, octets: number])[]
}

/** One message of the corpus. */
export interface CorpusMessage {
  /** What is special about it. */
  readonly name: string
  readonly octets: Buffer
  /** Null where there is no right answer: it must not fail, nothing more. */
  readonly shows: Expected | null
  /** A word of it that a search must find; null where none is readable. */
  readonly word: string | null
  /** Its header needs SMTPUTF8 (RFC 6532). */
  readonly utf8: boolean
  /** DATA cannot carry it: it does not end with a line break. */
  readonly unended: boolean
}

/** What may be told of a message beside its octets. */
type About = Expected & { readonly word?: string; readonly utf8?: true }

/** Octets of text (UTF-8) and of buffers. */
export const octets = (...parts: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)))

/** Lines, each with CRLF. */
export const lines = (...all: readonly string[]): Buffer => Buffer.from(all.map((line) => `${line}\r\n`).join(''))

const message = (name: string, whole: Buffer, shows: Expected | null, about: About = {}): CorpusMessage => ({
  name,
  octets: whole,
  shows,
  word: about.word ?? null,
  utf8: about.utf8 ?? false,
  unended: whole.length > 0 && !whole.subarray(-2).equals(Buffer.from('\r\n')),
})

/** A message that is as it should be, or whose meaning is clear all the same. */
export const good = (name: string, whole: Buffer, about: About): CorpusMessage => message(name, whole, about, about)

/** A message that nobody can make sense of. */
export const broken = (name: string, whole: Buffer, about: Pick<About, 'word' | 'utf8'> = {}): CorpusMessage =>
  message(name, whole, null, about)

/** The fields that each message has that is about something else. */
export const head = (subject: string): string =>
  lines(
    'From: Sender <sender@example.org>',
    'To: alice@havre.test',
    `Subject: ${subject}`,
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    'MIME-Version: 1.0',
  ).toString()

/** A message of one part. */
export const single = (subject: string, fields: readonly string[], body: string | Buffer): Buffer =>
  octets(head(subject), lines(...fields, ''), body)

/** Parts between delimiters, with the last one behind them. */
export const parts = (boundary: string, ...bodies: readonly (string | Buffer)[]): Buffer =>
  octets(...bodies.flatMap((body) => [`--${boundary}\r\n`, body, '\r\n']), `--${boundary}--\r\n`)

/** A message of several parts. */
export const multipart = (subject: string, subtype: string, boundary: string, ...bodies: readonly (string | Buffer)[]): Buffer =>
  single(subject, [`Content-Type: multipart/${subtype}; boundary="${boundary}"`], parts(boundary, ...bodies))

/** A part of plain text. */
export const plain = (text: string): Buffer => lines('Content-Type: text/plain; charset=utf-8', '', text)

/** A part that is attached: `disposition` and `type` are written as they are. */
export const attached = (type: string, disposition: string, content: Buffer): Buffer =>
  octets(
    lines(`Content-Type: ${type}`, `Content-Disposition: ${disposition}`, 'Content-Transfer-Encoding: base64', ''),
    (content.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n'),
  )
