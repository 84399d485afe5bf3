/** A message taken apart by mailparser: what a person wants to see of it. Loads mailparser when it is first called. */
import { Readable } from 'node:stream'
import type { AddressObject } from 'mailparser'

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
}

/** Reads a whole message. Whatever it holds, mailparser makes the best of it; only what `octets` throws is thrown. */
export const readParts = async (octets: AsyncIterable<Buffer>): Promise<MessageParts> => {
  const { simpleParser } = await import('mailparser')
  const mail = await simpleParser(Readable.from(octets, { objectMode: false }), { skipImageLinks: true })
  return {
    subject: mail.subject ?? null,
    from: addresses(mail.from),
    to: addresses(mail.to),
    cc: addresses(mail.cc),
    sentAt: mail.date === undefined || Number.isNaN(mail.date.getTime()) ? null : mail.date,
    messageId: mail.messageId ?? null,
    text: mail.text ?? null,
    attachments: mail.attachments.map(({ filename, contentType, size }) => ({
      filename: filename ?? null,
      contentType,
      octets: size,
    })),
  }
}

/** A field that stands more than once is a list. */
const addresses = (field: AddressObject | AddressObject[] | undefined): string | null => {
  if (field === undefined) return null
  return [field]
    .flat()
    .map(({ text }) => text)
    .join(', ')
}
