/** What the index has of a message. Loads mailparser for the first message that is more than plain text. */
import { Readable } from 'node:stream'
import type { AttachmentStream, MailParserOptions } from 'mailparser'
import { fieldOf, type HeaderField, headerFields } from '../header.ts'
import { seePaddedDelimiters } from '../padded-delimiters.ts'
import { htmlWords } from './html-words.ts'

/** The columns of the index. */
export interface Letter {
  readonly sender: string
  readonly recipients: string
  readonly subject: string
  readonly text: string
  /** Names of what is attached. */
  readonly attachments: string
}

/** Characters of the text that are indexed, and of each of the others. */
const mostText = 2 ** 20
const mostOther = 2 ** 16

/** Kinds of attachments that are messages (RFC 2046 §5.2.1, RFC 6532 §3.7). */
const messageTypes = ['message/rfc822', 'message/global']

/** Octets that are looked at: text and names that stand behind them are not found. */
const mostOctets = 16 * 2 ** 20

/** Characters of HTML that are looked at: more than the text in them. */
const mostHtml = 4 * mostText

/** A parser that is silent for so long after the last octet will not say anything any more. */
const silenceMs = 20_000

/** What the envelope adds to the header: addresses that may be shown to whoever may see the message. */
export interface KnownAddresses {
  readonly sender: string
  readonly recipients: readonly string[]
}

/** A message that lies deeper within others is attached, and no more. */
const mostDepth = 4

/** What one message says, and those within it. */
interface Said {
  readonly fields: readonly HeaderField[]
  readonly text: string
  /** Names of what is attached. */
  readonly names: readonly string[]
}

/** Takes a message apart as far as the index needs it. Whatever it holds, what can be read of it is read; only what `octets` throws is thrown. */
export const extract = async (octets: AsyncIterable<Buffer>, known: KnownAddresses): Promise<Letter> => {
  const { fields, text, names } = await said(octets, 0)
  return {
    sender: cut([known.sender, ...valuesOf(fields, senders)].join('\n'), mostOther),
    recipients: cut([...known.recipients, ...valuesOf(fields, recipients)].join('\n'), mostOther),
    subject: cut(fieldOf(fields, 'subject') ?? '', mostOther),
    text: cut(text, mostText),
    attachments: cut(names.join('\n'), mostOther),
  }
}

const senders = ['from', 'sender', 'reply-to']
const recipients = ['to', 'cc', 'bcc']

const said = async (octets: AsyncIterable<Buffer>, depth: number): Promise<Said> => {
  const source = octets[Symbol.asyncIterator]()
  try {
    const start = await beginning(source)
    const fields = headerFields(start)
    const body = plainBody(start, fields)
    if (body === null) return { fields, ...(await parsed(start, rest(source), depth)) }
    return { fields, text: await plainText(start.subarray(body), rest(source)), names: [] }
  } finally {
    await source.return?.()
  }
}

/** Header and text of a message within another one: all of it is text of that one. */
const asText = ({ fields, text }: Said): string => [...valuesOf(fields, ['subject', ...senders, ...recipients]), text].join('\n')

/** What comes first: the header, unless that is too large, and whatever came with its end. */
const beginning = async (source: AsyncIterator<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let tail = ''
  for (let octets = 0; octets < mostOther && !emptyLine.test(tail); ) {
    const next = await source.next()
    if (next.done === true) break
    chunks.push(next.value)
    octets += next.value.length
    tail = tail.slice(-3) + next.value.toString('latin1')
  }
  return Buffer.concat(chunks)
}

const emptyLine = /\r?\n\r?\n/

const rest = async function* (source: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value
}

const cut = (text: string, most: number): string => (text.length > most ? text.slice(0, most) : text)

const valuesOf = (fields: readonly HeaderField[], names: readonly string[]): string[] =>
  fields.filter(({ name }) => names.includes(name.toLowerCase())).map(({ value }) => value)

/** Where the body of a message begins that is nothing but text as it stands there; null for any other. */
const plainBody = (start: Buffer, fields: readonly HeaderField[]): number | null => {
  const end = emptyLine.exec(start.toString('latin1'))
  if (end === null) return null
  const type = fieldOf(fields, 'content-type')?.trim().toLowerCase() ?? 'text/plain'
  const encoding = fieldOf(fields, 'content-transfer-encoding')?.trim().toLowerCase() ?? '7bit'
  if (!/^text\/plain\s*(?:$|;)/.test(type) || /name/.test(type) || fieldOf(fields, 'content-disposition') !== null) return null
  const charset = /charset\s*=\s*"?([^\s;"]*)/.exec(type)?.[1] ?? 'us-ascii'
  const asItStands = ['us-ascii', 'utf-8'].includes(charset) && ['7bit', '8bit', 'binary'].includes(encoding)
  return asItStands ? end.index + end[0].length : null
}

const plainText = async (start: Buffer, more: AsyncIterable<Buffer>): Promise<string> => {
  const parts = [start]
  let octets = start.length
  for await (const chunk of more) {
    if (octets >= mostText) break
    parts.push(chunk)
    octets += chunk.length
  }
  return Buffer.concat(parts).toString('utf8')
}

/**
 * All that it would make of what it read is left to us: HTML that is not the whole message it gives no text of, and its way of making
 * text of HTML takes far longer. A message within the message is an octet stream to it, and one for `said`.
 */
const parserOptions: MailParserOptions & { ignoreEmbedded: boolean } = {
  skipHtmlToText: true,
  skipImageLinks: true,
  skipTextToHtml: true,
  skipTextLinks: true,
  ignoreEmbedded: true,
}

const parsed = async (start: Buffer, more: AsyncIterable<Buffer>, depth: number): Promise<Omit<Said, 'fields'>> => {
  const { MailParser } = await import('mailparser')
  const parser = new MailParser(parserOptions)
  seePaddedDelimiters(parser)
  const names: string[] = []
  const within: string[] = []
  let text = ''
  /** The parser has one at a time, but its end does not wait for the last one. */
  let attaching = Promise.resolve()
  const attached = async (data: AttachmentStream): Promise<void> => {
    const { content, contentType, filename } = data
    if (filename !== undefined) names.push(filename)
    if (!(content instanceof Readable)) throw new TypeError('mailparser is not the one that this was written for')
    if (depth < mostDepth && messageTypes.includes(contentType)) {
      const inner = await said(content.iterator({ destroyOnReturn: false }), depth + 1)
      within.push(asText(inner))
      names.push(...inner.names)
    }
    // What is attached is not kept, but has to be read for the parser to go on.
    content.resume()
    data.release()
  }
  const ended = new Promise<void>((resolve) => {
    parser.on('data', (data) => {
      if (data.type === 'text') text = `${data.text ?? ''}\n${htmlWords(cut(data.html || '', mostHtml))}`
      else {
        attaching = attached(data)
        // Thrown below: there is nothing to wait for any more.
        attaching.catch(() => parser.destroy())
      }
    })
    // Told of parts that it cannot read, too, and then goes on.
    parser.on('error', () => undefined)
    parser.once('end', resolve)
    parser.once('close', resolve)
  })
  const over = ended.then(() => attaching)
  await feed(parser, start, more, over)
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, silenceMs)
  await Promise.race([over, late.promise])
  clearTimeout(timer)
  parser.removeAllListeners('data')
  return { text: [text, ...within].join('\n'), names }
}

const feed = async (
  parser: NodeJS.WritableStream,
  start: Buffer,
  more: AsyncIterable<Buffer>,
  over: Promise<void>,
): Promise<void> => {
  let octets = start.length
  if (!parser.write(start)) await drained(parser, over)
  for await (const chunk of more) {
    if (octets >= mostOctets) break
    octets += chunk.length
    if (!parser.write(chunk)) await drained(parser, over)
  }
  parser.end()
}

const drained = (parser: NodeJS.WritableStream, over: Promise<void>): Promise<void> =>
  Promise.race([over, new Promise<void>((resolve) => parser.once('drain', resolve))])
