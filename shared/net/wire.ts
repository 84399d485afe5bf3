import type { Duplex } from 'node:stream'
import type { Transcript } from '../log/transcript.ts'

/** Output is handed to the stream in pieces of about this size: one write for many small replies, none that is large. */
const fullOctets = 65_536

/**
 * The octets of one client's conversation, for protocols of lines and replies. Input is pulled: while a command runs or the
 * client does not read its replies, nothing is read, and TCP holds the client back. Output is gathered and written in few pieces.
 * Lives as long as the conversation; `detach` takes its listeners off the stream.
 */
export class Wire {
  readonly #stream: Duplex
  readonly #signal: AbortSignal
  // Asked after each reply: a field of ours costs nothing, the signal's own getter does.
  #aborted: boolean
  readonly #transcript: Transcript | null
  #text = ''
  #parts: Buffer[] = []
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

  /**
   * @param signal     aborts when the conversation has to end or the client is gone
   * @param transcript is told what is said
   */
  constructor(stream: Duplex, signal: AbortSignal, transcript: Transcript | null = null) {
    this.#stream = stream
    this.#transcript = transcript
    this.#signal = signal
    this.#aborted = signal.aborted
    for (const event of ['readable', 'end', 'drain', 'finish', 'close']) stream.on(event, this.#changed)
    signal.addEventListener('abort', this.#abort)
  }

  /** Whether the conversation has to end: nothing more is read, and only a goodbye may be written. */
  get over(): boolean {
    return this.#aborted || this.#stream.destroyed
  }

  /** The next octets, as many as there are; null when the client has sent its last ones or the conversation has to end. */
  async read(): Promise<Buffer | null> {
    for (;;) {
      if (this.over) return null
      const chunk: unknown = this.#stream.read()
      if (Buffer.isBuffer(chunk)) return chunk
      if (this.#stream.readableEnded) return null
      await this.#change()
    }
  }

  /** Adds ASCII text to the output: whole lines with their line breaks. */
  text(text: string): void {
    this.#transcript?.server(text)
    this.#text += text
  }

  /** Adds octets to the output, content that is in no transcript; they must stay as they are. */
  octets(octets: Buffer): void {
    this.#transcript?.content('server', octets.length)
    this.#joinText()
    this.#parts.push(octets)
    this.#partsOctets += octets.length
  }

  /** Whether so much output is gathered that it should be flushed before more is made. */
  get full(): boolean {
    return this.#partsOctets + this.#text.length >= fullOctets
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

  /** Takes the listeners off. */
  detach(): void {
    for (const event of ['readable', 'end', 'drain', 'finish', 'close']) this.#stream.off(event, this.#changed)
    this.#signal.removeEventListener('abort', this.#abort)
  }

  #write(): void {
    if (this.#text === '' && this.#partsOctets === 0) return
    if (!this.#stream.destroyed && this.#stream.writable) {
      if (this.#parts.length === 0) this.#stream.write(this.#text, 'latin1')
      else {
        this.#joinText()
        const [first] = this.#parts
        this.#stream.write(this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts, this.#partsOctets))
      }
    }
    this.#text = ''
    this.#parts = []
    this.#partsOctets = 0
  }

  #joinText(): void {
    if (this.#text === '') return
    const octets = Buffer.from(this.#text, 'latin1')
    this.#text = ''
    this.#parts.push(octets)
    this.#partsOctets += octets.length
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
