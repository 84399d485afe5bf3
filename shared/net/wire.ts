import type { Duplex } from 'node:stream'
import type { Transcript } from '../log/transcript.ts'

/** Output is handed to the stream in pieces of about this size: one write for many small replies, none that is large. */
const fullOctets = 65_536

/** So much input may lie here before the conversation asks for it; then the stream is paused, and TCP holds the client back. */
const mostAheadOctets = 65_536

/** Memory in which replies are put together, taken in large pieces: a piece for each would cost more than the octets in it. */
const slabOctets = 131_072
let slab = Buffer.alloc(0)

/** Octets that are the caller's until nobody refers to them any more. */
const carve = (octets: number): Buffer => {
  if (octets > slab.length) slab = Buffer.allocUnsafeSlow(Math.max(slabOctets, octets))
  const carved = slab.subarray(0, octets)
  slab = slab.subarray(octets)
  return carved
}

/**
 * The octets of one client's conversation, for protocols of lines and replies. Input is pulled: while a command runs or the
 * client does not read its replies, a little is taken from the stream and no more. Output is gathered and written in few pieces.
 * Lives as long as the conversation; `detach` takes its listeners off the stream.
 */
export class Wire {
  readonly #stream: Duplex
  readonly #signal: AbortSignal
  // Asked after each reply: a field of ours costs nothing, the signal's own getter does.
  #aborted: boolean
  readonly #transcript: Transcript | null
  /** What came and was not asked for yet. */
  readonly #ahead: Buffer[] = []
  #aheadOctets = 0
  #inputEnded: boolean
  /** The output: texts in latin1, and octets. */
  #parts: (string | Buffer)[] = []
  #partsOctets = 0
  #wake: (() => void) | null = null
  readonly #changed = (): void => {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
  readonly #abort = (): void => {
    this.#aborted = true
    this.#changed()
  }
  readonly #ended = (): void => {
    this.#inputEnded = true
    this.#changed()
  }
  readonly #arrived = (chunk: Buffer): void => {
    this.#ahead.push(chunk)
    this.#aheadOctets += chunk.length
    if (this.#aheadOctets >= mostAheadOctets) this.#stream.pause()
    this.#changed()
  }
  readonly #listeners: readonly (readonly [event: string, listener: (chunk: Buffer) => void])[] = [
    ['data', this.#arrived],
    ['end', this.#ended],
    ['drain', this.#changed],
    ['finish', this.#changed],
    ['close', this.#changed],
  ]

  /**
   * @param signal     aborts when the conversation has to end or the client is gone
   * @param transcript is told what is said
   */
  constructor(stream: Duplex, signal: AbortSignal, transcript: Transcript | null = null) {
    this.#stream = stream
    this.#transcript = transcript
    this.#signal = signal
    this.#aborted = signal.aborted
    this.#inputEnded = stream.readableEnded
    for (const [event, listener] of this.#listeners) stream.on(event, listener)
    signal.addEventListener('abort', this.#abort)
    stream.resume()
  }

  /** Whether the conversation has to end: nothing more is read, and only a goodbye may be written. */
  get over(): boolean {
    return this.#aborted || this.#stream.destroyed
  }

  /** The next octets, as they came; null when the client has sent its last ones or the conversation has to end. */
  async read(): Promise<Buffer | null> {
    for (;;) {
      if (this.over) return null
      const chunk = this.#ahead.shift()
      if (chunk !== undefined) {
        this.#aheadOctets -= chunk.length
        if (this.#ahead.length === 0 && this.#stream.isPaused()) this.#stream.resume()
        return chunk
      }
      if (this.#inputEnded) return null
      await this.#change()
    }
  }

  /** Adds ASCII text to the output: whole lines with their line breaks. */
  text(text: string): void {
    this.#transcript?.server(text)
    this.#add(text)
  }

  /** Adds text that is not all ASCII, in UTF-8. */
  utf8(text: string): void {
    this.#transcript?.server(text)
    this.#add(Buffer.from(text))
  }

  /** Adds octets to the output, content that is in no transcript; they must stay as they are. */
  octets(octets: Buffer): void {
    this.#transcript?.content('server', octets.length)
    this.#add(octets)
  }

  /** Whether so much output is gathered that it should be flushed before more is made. */
  get full(): boolean {
    return this.#partsOctets >= fullOctets
  }

  /** Writes what is gathered and waits until the stream takes more. @returns false when the conversation has to end instead */
  async flush(): Promise<boolean> {
    this.#write()
    while (this.#stream.writableNeedDrain && !this.over) await this.#change()
    return !this.over
  }

  /**
   * Writes what is gathered, even when the conversation has to end, then ends our side; resolves when the system has all of it,
   * or when the stream is destroyed.
   */
  async end(): Promise<void> {
    this.#write()
    this.#stream.end()
    while (!this.#stream.writableFinished && !this.#stream.destroyed) await this.#change()
  }

  /** Writes what is gathered and leaves the stream to somebody else, all in one turn: what arrives from then on is not ours. */
  handOver(): void {
    this.#write()
    this.detach()
  }

  /** Takes the listeners off; what still comes waits in the stream. */
  detach(): void {
    this.#stream.pause()
    for (const [event, listener] of this.#listeners) this.#stream.off(event, listener)
    this.#signal.removeEventListener('abort', this.#abort)
  }

  #add(part: string | Buffer): void {
    const last = this.#parts.length - 1
    const before = this.#parts[last]
    // Of a long listing each line is a text: as one they are written at a tenth of the time.
    if (typeof part === 'string' && typeof before === 'string') this.#parts[last] = before + part
    else this.#parts.push(part)
    this.#partsOctets += part.length
  }

  #write(): void {
    const [first] = this.#parts
    if (first === undefined) return
    if (!this.#stream.destroyed && this.#stream.writable) {
      if (this.#parts.length > 1) this.#stream.write(this.#joined())
      else if (typeof first === 'string') this.#stream.write(first, 'latin1')
      else this.#stream.write(first)
    }
    this.#parts = []
    this.#partsOctets = 0
  }

  #joined(): Buffer {
    const joined = carve(this.#partsOctets)
    let at = 0
    for (const part of this.#parts) at += typeof part === 'string' ? joined.write(part, at, 'latin1') : part.copy(joined, at)
    return joined
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
