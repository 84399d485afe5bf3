/**
 * Line ends of messages: Havre keeps mail as it crossed the wire, with CRLF; Maildir and mbox are files of systems whose lines end in LF.
 *
 * Going out, a message in which every CR stands before an LF and every LF behind a CR is written with LF, which can be taken back. Any
 * other message is written octet for octet (*as it is*), and marked so. Coming in, what has the mark is taken as it is; of the rest, what
 * has a CRLF somewhere came from a program that keeps CRLF, and is taken as it is too; only what has none gets CR before each LF.
 */

/** So much of the beginning is kept: more than any header that matters. */
export const headOctets = 64 * 1024

const cr = 0x0d
const lf = 0x0a

/** What one reading of a message tells. */
export interface Survey {
  readonly octets: number
  /** LFs without a CR before them. */
  readonly bareLineFeeds: number
  /** Every CR before an LF, every LF behind a CR: it can be written with LF and be had back. */
  readonly isCanonical: boolean
  readonly hasCrlf: boolean
  /** Its last line does not end. So it is of a message without any octet. */
  readonly isOpen: boolean
  /** Its first octets. */
  readonly head: Buffer
}

/** Reads all of it once. */
export const surveyOf = async (chunks: AsyncIterable<Buffer>): Promise<Survey> => {
  let [octets, bareLineFeeds, bareReturns, crlfs] = [0, 0, 0, 0]
  let last = 0
  const head: Buffer[] = []
  for await (const chunk of chunks) {
    if (octets < headOctets) head.push(chunk.subarray(0, headOctets - octets))
    octets += chunk.length
    for (let at = 0; at < chunk.length; at += 1) {
      const octet = chunk[at] ?? 0
      if (octet === lf) {
        if (last === cr) crlfs += 1
        else bareLineFeeds += 1
      } else if (last === cr) bareReturns += 1
      last = octet
    }
  }
  if (last === cr) bareReturns += 1
  return {
    octets,
    bareLineFeeds,
    isCanonical: bareLineFeeds === 0 && bareReturns === 0,
    hasCrlf: crlfs > 0,
    isOpen: last !== lf,
    head: Buffer.concat(head),
  }
}

/** Whether there is a CRLF; reads no further than to the first. */
export const hasCrlf = async (chunks: AsyncIterable<Buffer>): Promise<boolean> => {
  let endsInReturn = false
  for await (const chunk of chunks) {
    if ((endsInReturn && chunk[0] === lf) || chunk.includes('\r\n')) return true
    if (chunk.length > 0) endsInReturn = chunk.at(-1) === cr
  }
  return false
}

/** A canonical message with LF in place of CRLF: it has no CR but those. */
export async function* withLineFeeds(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield without(chunk, cr)
}

const without = (chunk: Buffer, octet: number): Buffer => {
  const kept = Buffer.allocUnsafe(chunk.length)
  let length = 0
  for (let start = 0; start < chunk.length; ) {
    const found = chunk.indexOf(octet, start)
    const end = found === -1 ? chunk.length : found
    length += chunk.copy(kept, length, start, end)
    start = end + 1
  }
  return kept.subarray(0, length)
}

/** CRLF in place of each LF, for what has no CRLF. */
export async function* withCrlf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    const wider = Buffer.allocUnsafe(chunk.length * 2)
    let length = 0
    for (let start = 0; start < chunk.length; ) {
      const found = chunk.indexOf(lf, start)
      length += chunk.copy(wider, length, start, found === -1 ? chunk.length : found)
      if (found === -1) break
      wider[length] = cr
      wider[length + 1] = lf
      length += 2
      start = found + 1
    }
    yield wider.subarray(0, length)
  }
}
