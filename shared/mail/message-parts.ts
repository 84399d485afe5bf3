/** A message taken apart by mailparser: what a person wants to see of it. Loads mailparser when it is first called. */
import { Readable } from 'node:stream'
import type { AddressObject, AttachmentStream, Headers, MessageText } from 'mailparser'
import { type BoundedParser, createBoundedParser } from './bounded-parser.ts'
import { bodyText, plainText } from './plain-text.ts'

/** Something attached. */
export interface AttachedPart {
  /** As the sender called it; null when it has no name. May hold anything, so it is no name for a file. */
  readonly filename: string | null
  readonly contentType: string
  /** Decoded. */
  readonly octets: number
}

/** What is in a message; what it does not have is null. Texts may hold control characters. */
export interface MessageParts {
  readonly subject: string | null
  readonly from: string | null
  readonly to: string | null
  readonly cc: string | null
  /** As the sender dated it. */
  readonly sentAt: Date | null
  readonly messageId: string | null
  /** Its plain text, or the text of its HTML. */
  readonly text: string | null
  readonly attachments: readonly AttachedPart[]
  /**
   * Null: this is all of it. `text-cut`: it has more text than is kept in memory. `html`: its HTML could not be turned into text as it
   * should, and was stripped. `structure`: it has too many parts, or too large headers, and the text is its beginning as it came.
   */
  readonly incomplete: 'text-cut' | 'html' | 'structure' | null
}

/** Something attached, as its octets come. */
export interface ComingPart {
  readonly filename: string | null
  readonly contentType: string
}

/** Takes the decoded octets of something attached, to their end. */
export type TakePart = (part: ComingPart, octets: AsyncIterable<Buffer>) => Promise<void>

/** So much of the beginning is kept for a message that cannot be taken apart. */
const beginningOctets = 64 * 1024

/**
 * Reads a whole message, in bounded memory whatever its size. Whatever it holds, the best is made of it; only what `octets` or `take`
 * throws is thrown.
 * @param take gets what is attached, one after the other
 */
export const readParts = async (octets: AsyncIterable<Buffer>, take: TakePart = drained): Promise<MessageParts> => {
  const parser = await createBoundedParser()
  const reading = new Reading(take)
  const ended = new Promise<void>((resolve) => {
    parser.on('headers', (headers) => {
      reading.headers = headers
    })
    parser.on('data', (data: AttachmentStream | MessageText) => reading.take(data))
    parser.on('end', resolve)
    parser.on('close', resolve)
    parser.on('error', (error: Error) => {
      // Of its splitter, it goes no further then; any other is told at the end, and it goes on.
      reading.failed('code' in error && error.code === 'EMAXLEN')
      if (reading.isBroken) resolve()
    })
  })
  const over = ended.then(() => null)
  try {
    for await (const chunk of octets) {
      reading.begin(chunk)
      if (reading.isBroken) break
      if (!parser.write(chunk))
        await Promise.race([over, new Promise((resolve) => parser.once('drain', resolve)), reading.troubled])
      if (reading.trouble !== null) throw reading.trouble.error
    }
    if (!reading.isBroken) parser.end()
    await Promise.race([ended.then(() => reading.taken()), reading.troubled])
    if (reading.trouble !== null) throw reading.trouble.error
    return reading.parts(parser)
  } finally {
    parser.destroy()
  }
}

const drained: TakePart = async (_, octets) => {
  for await (const _chunk of octets);
}

/** One message as it is read. */
class Reading {
  headers: Headers = new Map()
  /** It cannot be taken apart. */
  isBroken = false
  /** What `take` threw. */
  trouble: { readonly error: unknown } | null = null
  /** Resolves when there is such trouble. */
  readonly troubled: Promise<void>
  readonly #take: TakePart
  #tell: () => void = () => undefined
  #html = false
  #coming: Readable | null = null
  /** One follows the other: mailparser waits for the release. */
  #attaching: Promise<void> = Promise.resolve()
  #text: MessageText | null = null
  #beginning: Buffer = Buffer.alloc(0)
  readonly #attachments: AttachedPart[] = []

  constructor(take: TakePart) {
    this.#take = take
    this.troubled = new Promise((resolve) => {
      this.#tell = resolve
    })
  }

  begin(chunk: Buffer): void {
    if (this.#beginning.length < beginningOctets)
      this.#beginning = Buffer.concat([this.#beginning, chunk.subarray(0, beginningOctets - this.#beginning.length)])
  }

  failed(structure: boolean): void {
    this.isBroken ||= structure
    this.#html = true
    // What is attached there does not come to its end.
    if (this.isBroken) this.#coming?.destroy()
  }

  /** Resolves when all that is attached was taken. */
  taken(): Promise<void> {
    return this.#attaching
  }

  take(data: AttachmentStream | MessageText): void {
    if (data.type === 'text') {
      this.#text = data
      return
    }
    const { content } = data
    if (!(content instanceof Readable)) throw new TypeError('mailparser is not the one that this was written for')
    this.#coming = content
    this.#attaching = this.#attach(data, content).then(
      // Gone when the parser was destroyed meanwhile.
      () => data.release?.(),
      (error: unknown) => {
        if (this.isBroken) return
        this.trouble = { error }
        this.#tell()
      },
    )
  }

  async #attach({ filename, contentType }: AttachmentStream, content: Readable): Promise<void> {
    const part = { filename: filename ?? null, contentType: contentType ?? 'application/octet-stream' }
    let octets = 0
    async function* counted(): AsyncGenerator<Buffer> {
      for await (const chunk of content) {
        const buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)
        octets += buffer.length
        yield buffer
      }
    }
    await this.#take(part, counted())
    this.#attachments.push({ ...part, octets })
  }

  parts(parser: BoundedParser): MessageParts {
    const { headers } = this
    const sentAt = headers.get('date')
    return {
      subject: textOf(headers.get('subject')),
      from: addresses(headers.get('from')),
      to: addresses(headers.get('to')),
      cc: addresses(headers.get('cc')),
      sentAt: sentAt instanceof Date && !Number.isNaN(sentAt.getTime()) ? sentAt : null,
      messageId: textOf(headers.get('message-id')),
      text: this.#readableText(parser.htmlTexts()),
      attachments: this.#attachments,
      incomplete: this.isBroken ? 'structure' : parser.isCut ? 'text-cut' : this.#html ? 'html' : null,
    }
  }

  /** @param html for when mailparser could make nothing of it */
  #readableText(html: readonly string[]): string | null {
    if (this.isBroken) return bodyText(this.#beginning)
    if (this.#html) return plainText(html.join('\n'))
    // Of HTML that is the only text, but not the whole message, mailparser makes none.
    if (this.#text?.text === undefined && html.length > 0) return plainText(html.join('\n'))
    // Parts that mailparser does not find (a comment behind the boundary): what came is more than nothing.
    return this.#text?.text ?? (this.#attachments.length > 0 ? null : bodyText(this.#beginning) || null)
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** A field that stands more than once is a list. */
const addresses = (value: unknown): string | null => {
  const texts = [value].flat().flatMap((each) => (isAddress(each) ? [each.text] : []))
  return texts.length === 0 ? null : texts.join(', ')
}

const isAddress = (value: unknown): value is Pick<AddressObject, 'text'> =>
  typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string'
