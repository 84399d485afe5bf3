/**
 * Makes the header of a submitted message whole (RFC 6409 §8): Date and Message-ID where there is none, and no Bcc, which is for
 * the sender alone (RFC 5322 §3.6.3). All else goes through octet by octet. Holds no more of a message than the name of a field.
 */
import type { Stage } from './stage.ts'
import { dateTime } from './trace.ts'

/** What a header gets where it has none. */
export interface Completion {
  readonly date: Date
  /** `left@right` (RFC 5322 §3.6.4), without brackets. */
  readonly messageId: string
}

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COLON = 0x3a
const CRLF = Buffer.from('\r\n')

/** Who got a blind copy is told to nobody (RFC 5322 §3.6.3, §3.6.6). */
const removed: ReadonlySet<string> = new Set(['bcc', 'resent-bcc'])

/** A line has at most so many octets (RFC 5322 §2.1.1): what is longer without a colon is no name. */
const maxNameOctets = 998

/** Names of other lengths are of no interest. */
const lengths: ReadonlySet<number> = new Set(['date', 'message-id', ...removed].map(({ length }) => length))

/** No mail program writes such headers; what is longer costs more than it is worth. */
export const maxHeaderOctets = 1_048_576

/** What the beginning of a line of the header says. */
type Beginning =
  /** That cannot be known before more of it is there. */
  | 'unknown'
  /** It is the empty line that ends the header. */
  | 'end'
  /** Folded: it belongs to the line before it (RFC 5322 §2.2.3). */
  | 'folded'
  /** The line that mbox files have before each message, which some clients send along. */
  | 'mbox'
  /** None of these. */
  | 'other'
  /** Lower case; empty where it is none of interest. */
  | { readonly name: string }

const nameless: Beginning = { name: '' }

/** ftext = %d33-57 / %d59-126 (RFC 5322 §3.6.8). */
const isName = (octet: number | undefined): boolean => octet !== undefined && octet > SPACE && octet < 0x7f && octet !== COLON

const isBlank = (octet: number | undefined): boolean => octet === SPACE || octet === TAB

// field = field-name *WSP ":" (RFC 5322 §4.5.3)
const beginningOf = (octets: Buffer, at: number): Beginning => {
  if (isBlank(octets[at])) return 'folded'
  if (octets[at] === CR && octets[at + 1] === LF) return 'end'
  const limit = Math.min(octets.length, at + maxNameOctets)
  let end = at
  while (end < limit && isName(octets[end])) end += 1
  let colon = end
  while (colon < limit && isBlank(octets[colon])) colon += 1
  if (colon === at + maxNameOctets) return 'other'
  const isLast = colon === octets.length || (end === at && octets[at] === CR && at + 1 === octets.length)
  if (isLast) return 'unknown'
  if (octets[colon] === COLON && end > at)
    return lengths.has(end - at) ? { name: octets.toString('latin1', at, end).toLowerCase() } : nameless
  return /^>?From $/.test(octets.toString('latin1', at, Math.min(end + 1, at + '>From '.length))) ? 'mbox' : 'other'
}

/** Where the line ends that goes on here: behind its LF, or at the end of what is there. A loop costs less than a call for short ones. */
const endOfLine = (octets: Buffer, from: number): number => {
  let at = from
  while (at < octets.length) if (octets[at++] === LF) return at
  return at
}

/** The stage that does so. What it adds stands last in the header: only there is it known what is missing. */
export class HeaderCompletion implements Stage {
  /** Lines by the names of their fields; a field that came takes its line out. */
  readonly #missing: Map<string, Buffer>
  /** The next octets are those of a line whose beginning is not read yet, of one that stays or goes, or of the body. */
  #at: 'beginning' | 'kept' | 'removed' | 'body' = 'beginning'
  /** What became of the line before; null: there was none. */
  #before: 'kept' | 'removed' | null = null
  /** The beginning of a line, as long as it says nothing. */
  #held: Buffer = Buffer.alloc(0)
  /** Of the header, so far as it came. */
  #octets = 0
  // Of the chunk in hand: what stays goes out in runs, however many lines they are.
  #out: Buffer[] = []
  #run = 0

  constructor({ date, messageId }: Completion) {
    this.#missing = new Map([
      ['date', Buffer.from(`Date: ${dateTime(date)}\r\n`)],
      ['message-id', Buffer.from(`Message-ID: <${messageId}>\r\n`)],
    ])
  }

  /** Whether the header is over `maxHeaderOctets`. */
  get tooLong(): boolean {
    return this.#octets > maxHeaderOctets
  }

  get #inBody(): boolean {
    return this.#at === 'body'
  }

  push(chunk: Buffer): Buffer {
    if (this.#inBody) return chunk
    this.#out = []
    this.#run = 0
    let at = 0
    while (at < chunk.length && !this.#inBody) at = this.#take(chunk, at)
    this.#octets += at
    if (this.#out.length === 0 && this.#run === 0) return chunk
    this.#put(chunk, chunk.length)
    return Buffer.concat(this.#out)
  }

  end(): Buffer {
    if (this.#at === 'body') return Buffer.alloc(0)
    // A field needs its colon: what is held is none, and a header does not begin with it.
    if (this.#held.length > 0 && this.#before === null) return Buffer.concat([...this.#additions(), CRLF, this.#held])
    const lineEnds = this.#at === 'kept' || this.#held.length > 0 ? [CRLF] : []
    return Buffer.concat([this.#held, ...lineEnds, ...this.#additions()])
  }

  /** @returns where the next octet stands: the same, where it only became known what it is */
  #take(chunk: Buffer, at: number): number {
    if (this.#at === 'beginning') return this.#begin(chunk, at)
    if (this.#at === 'body') return chunk.length
    const end = endOfLine(chunk, at)
    if (this.#at === 'removed') this.#run = end
    if (chunk[end - 1] === LF) this.#at = 'beginning'
    return end
  }

  /** Reads the beginning of a line, if enough of it is there. */
  #begin(chunk: Buffer, at: number): number {
    const held = this.#held
    const beginning =
      held.length === 0 ? beginningOf(chunk, at) : beginningOf(Buffer.concat([held, chunk.subarray(at, at + maxNameOctets)]), 0)
    if (beginning === 'unknown') {
      this.#put(chunk, at)
      this.#held = Buffer.concat([held, chunk.subarray(at)])
      this.#run = chunk.length
      return chunk.length
    }
    this.#held = Buffer.alloc(0)
    this.#at = this.#fate(beginning)
    // Without a single field there is no header: ours is one, and ends with an empty line of its own.
    if (this.#at === 'body') this.#put(chunk, at, ...this.#additions(), ...(beginning === 'end' ? [] : [CRLF]), held)
    else this.#before = this.#at
    if (this.#at === 'removed') this.#put(chunk, at)
    if (this.#at === 'kept' && held.length > 0) this.#put(chunk, at, held)
    return at
  }

  /** The run in hand goes out, and more behind it. */
  #put(chunk: Buffer, end: number, ...more: readonly Buffer[]): void {
    if (end > this.#run) this.#out.push(chunk.subarray(this.#run, end))
    this.#run = end
    this.#out.push(...more)
  }

  #fate(beginning: Exclude<Beginning, 'unknown'>): 'kept' | 'removed' | 'body' {
    switch (beginning) {
      case 'mbox':
        return 'kept'
      case 'end':
        return 'body'
      case 'folded':
        return this.#before ?? 'body'
      case 'other':
        // In the middle of a header a line that is none is borne, as readers bear it: a Bcc behind it is one still.
        return this.#before === null ? 'body' : 'kept'
      default:
        this.#missing.delete(beginning.name)
        return removed.has(beginning.name) ? 'removed' : 'kept'
    }
  }

  #additions(): readonly Buffer[] {
    return [...this.#missing.values()]
  }
}
