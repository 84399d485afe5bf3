/**
 * Takes a message's octets off the wire (RFC 5321 §4.5.2): finds its end, takes the stuffed dots out, tells line breaks that are
 * none. Only CRLF is a line break and only CRLF.CRLF is the end, whatever else the data holds: a server that takes more for the
 * end lets a sender smuggle a second message in the first.
 */

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e

/** What stands before the next octet. `loose` lines begin after a bare LF: they count only for what the sender stuffed. */
type At = 'line' | 'text' | 'cr' | 'dot' | 'dot-cr' | 'loose-line' | 'loose-dot'

/** Shorter runs are moved octet by octet, which costs less than a call. */
const shortRun = 48

/** What one chunk gave. */
export interface BodyPart {
  /** Octets of the message, a view of the chunk in nearly all cases; may be empty. */
  readonly body: Buffer
  /** How much of the chunk was used: less than all of it only at the end. */
  readonly used: number
  readonly ended: boolean
}

/** Reads a message, or a chunk of one, off the wire. */
export interface OctetReader {
  /** What stands on the wire after the last octet and belongs to no message: a line, or nothing. */
  readonly ending: Buffer
  /** @param chunk the reader's from then on: octets move within it */
  push(chunk: Buffer): BodyPart
}

/** A line break that is no CRLF. */
export interface BareNewline {
  /** Counted from 1. */
  readonly line: number
  readonly octet: 'CR' | 'LF'
}

/** Reads one message. Moves octets within the chunks that it is given; costs the same for an octet whatever the octets are. */
export class BodyReader implements OctetReader {
  readonly ending = Buffer.from('.\r\n')
  readonly #loose: boolean
  #at: At = 'line'
  #line = 1
  #heldCr = false
  #bare: BareNewline | null = null

  /** @param bareNewlines `normalize`: a dot doubled after a bare LF is a stuffed one too */
  constructor(bareNewlines: 'reject' | 'normalize') {
    this.#loose = bareNewlines === 'normalize'
  }

  /** The first line break that is no CRLF, as soon as it was seen. */
  get bare(): BareNewline | null {
    return this.#bare
  }

  push(chunk: Buffer): BodyPart {
    const { length } = chunk
    if (length === 0) return { body: chunk, used: 0, ended: false }
    const heldCr = this.#heldCr && chunk[0] !== LF
    // Kept octets up to `kept` lie before `written` by now.
    let kept = 0
    let written = 0
    let at = this.#at
    let read = 0
    while (read < length) {
      const octet = chunk[read]
      if (at === 'dot-cr' && octet === LF) {
        return { body: bodyOf(chunk, written, heldCr), used: read + 1, ended: true }
      }
      if (octet === LF) {
        if (at !== 'cr') this.#note('LF')
        at = at === 'cr' ? 'line' : this.#loose ? 'loose-line' : 'text'
        this.#line += 1
      } else {
        if (at === 'cr' || at === 'dot-cr') this.#note('CR')
        if (octet === CR) at = at === 'dot' ? 'dot-cr' : 'cr'
        else if (octet === DOT && at === 'line') {
          written = move(chunk, written, kept, read)
          kept = read + 1
          at = 'dot'
        } else if (octet === DOT && at === 'loose-dot') {
          written = move(chunk, written, kept, read)
          kept = read + 1
          at = 'text'
        } else if (octet === DOT && at === 'loose-line') at = 'loose-dot'
        else {
          at = 'text'
          read = endOfRun(chunk, read)
          continue
        }
      }
      read += 1
    }
    this.#at = at
    // The CR after a lone dot is the message's only if no LF follows.
    this.#heldCr = at === 'dot-cr'
    written = move(chunk, written, kept, this.#heldCr ? length - 1 : length)
    return { body: bodyOf(chunk, written, heldCr), used: length, ended: false }
  }

  #note(octet: BareNewline['octet']): void {
    this.#bare ??= { line: this.#line, octet }
  }
}

const bodyOf = (chunk: Buffer, written: number, heldCr: boolean): Buffer => {
  const body = chunk.subarray(0, written)
  return heldCr ? Buffer.concat([Buffer.from('\r'), body]) : body
}

/** Moves the octets from `from` up to `end` behind those that were kept before. @returns where they end */
const move = (chunk: Buffer, written: number, from: number, end: number): number => {
  const run = end - from
  if (run <= 0) return written
  if (written !== from) {
    if (run > shortRun) chunk.copyWithin(written, from, end)
    else for (let index = 0; index < run; index++) chunk[written + index] = chunk[from + index] ?? 0
  }
  return written + run
}

/** Where the next CR or LF stands, or the end of the chunk. */
const endOfRun = (chunk: Buffer, from: number): number => {
  let at = from + 1
  while (at < chunk.length && chunk[at] !== CR && chunk[at] !== LF) at += 1
  return at
}
