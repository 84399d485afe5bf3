/** What a program writes, line by line, bounded in length and in number. */
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** One line. */
export interface OutputLine {
  readonly stream: 'stdout' | 'stderr'
  /** Without its line break; as it came, control characters and all: the journal escapes them. */
  readonly text: string
  /** Whether the rest of it was dropped. */
  readonly cut: boolean
}

const LF = 0x0a
const CR = 0x0d

/** Octets → lines of at most so many octets; what a longer line has beyond them is dropped. */
export class OutputLines {
  readonly #stream: OutputLine['stream']
  readonly #maxOctets: number
  readonly #take: (line: OutputLine) => void
  #held: Buffer[] = []
  #octets = 0
  #cut = false

  constructor(stream: OutputLine['stream'], maxOctets: number, take: (line: OutputLine) => void) {
    this.#stream = stream
    this.#maxOctets = maxOctets
    this.#take = take
  }

  /** Takes octets as they come; lines may be split anywhere. */
  push(chunk: Buffer): void {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(LF, start)
      if (end === -1) break
      this.#hold(chunk.subarray(start, end))
      this.#finish()
      start = end + 1
    }
    this.#hold(chunk.subarray(start))
  }

  /** Nothing more comes: a line without its break is one too. */
  end(): void {
    if (this.#octets > 0) this.#finish()
  }

  #hold(part: Buffer): void {
    const room = this.#maxOctets - this.#octets
    // A CR that ends the line is none of its text.
    if (part.length > room && !(part.length === room + 1 && part.at(-1) === CR)) this.#cut = true
    const kept = part.subarray(0, room)
    if (kept.length === 0) return
    // Copied: the chunk is much larger, and would be kept with it.
    this.#held.push(Buffer.from(kept))
    this.#octets += kept.length
  }

  #finish(): void {
    const octets = Buffer.concat(this.#held)
    const cut = this.#cut
    this.#held = []
    this.#octets = 0
    this.#cut = false
    const whole = !cut && octets.at(-1) === CR ? octets.subarray(0, -1) : octets
    // `write` without `end`: a character that the cut went through is left out.
    const text = cut ? new StringDecoder('utf8').write(whole) : whole.toString()
    this.#take({ stream: this.#stream, text, cut })
  }
}

/** Reads a stream to its end. */
export const readLines = (
  from: Readable,
  stream: OutputLine['stream'],
  maxOctets: number,
  take: (line: OutputLine) => void,
): void => {
  const lines = new OutputLines(stream, maxOctets, take)
  from.on('data', (chunk: Buffer) => lines.push(chunk))
  from.on('end', () => lines.end())
  // A pipe that breaks has no more to say; the program's own end is told by its exit.
  from.on('error', () => lines.end())
}

/** Lets so many through in each second, and counts the others. */
export class Rate {
  readonly #perSecond: number
  readonly #dropped: (count: number) => void
  #second = Number.NaN
  #taken = 0
  #over = 0
  #timer: NodeJS.Timeout | null = null

  /** @param dropped told at the end of a second, how many were not let through */
  constructor(perSecond: number, dropped: (count: number) => void) {
    this.#perSecond = perSecond
    this.#dropped = dropped
  }

  /** Whether the next one is let through. @param nowMs of a clock that never goes back */
  takes(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.#second) {
      this.tell()
      this.#second = second
      this.#taken = 0
    }
    this.#taken += 1
    if (this.#taken <= this.#perSecond) return true
    this.#over += 1
    this.#timer ??= setTimeout(() => this.tell(), 1_000)
    return false
  }

  /** Tells at once what there is to tell. */
  tell(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const over = this.#over
    this.#over = 0
    if (over > 0) this.#dropped(over)
  }
}
