import type { Duplex } from 'node:stream'
import { type Line, LineSplitter } from '../../shared/net/line-splitter.ts'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import { TelnetFilter } from './telnet.ts'

/** What a client said: a command, or a line that was too long to be one. */
export type Said =
  | { readonly kind: 'command'; readonly command: CommandLine; readonly line: Line }
  | { readonly kind: 'too-long'; readonly line: Line }

/** A command as it was said. */
export type SaidCommand = Extract<Said, { kind: 'command' }>

const LF = 0x0a

/**
 * Reads commands from a control connection, however they are split into packets, and keeps those in their order that have to wait.
 * Reads no further while too many wait: the client is told so by its own system.
 */
export class CommandReader {
  readonly #stream: Duplex
  readonly #most: number
  readonly #consumes: (said: SaidCommand) => boolean
  readonly #onEnd: () => void
  readonly #signal: AbortSignal
  readonly #telnet: TelnetFilter
  readonly #splitter: LineSplitter
  readonly #queue: Said[] = []
  /** What arrived and was not looked at yet: the rest of one chunk, as a rule, since reading pauses. */
  #lines: Generator<Line, void, void> | null = null
  readonly #chunks: Buffer[] = []
  #ended = false
  #wake: (() => void) | null = null
  /** The unfinished line as far as it may be an ABOR whose line feed never comes. */
  #begun = ''
  #skipLineFeed = false

  /**
   * @param limits   the longest line and how many commands may wait
   * @param consumes is shown each command as it arrives; true: it is dealt with and does not wait
   * @param onEnd    called once when the client sends no more
   * @param signal   aborts when nothing shall be waited for any longer
   */
  constructor(
    stream: Duplex,
    limits: { readonly commandLineOctets: number; readonly pipelinedCommands: number },
    consumes: (said: SaidCommand) => boolean,
    onEnd: () => void,
    signal: AbortSignal,
  ) {
    this.#stream = stream
    this.#most = limits.pipelinedCommands
    this.#consumes = consumes
    this.#onEnd = onEnd
    this.#signal = signal
    this.#telnet = new TelnetFilter((octets) => {
      if (stream.writable) stream.write(octets)
    })
    this.#splitter = new LineSplitter(limits.commandLineOctets)
    stream.on('data', this.#data)
    stream.once('end', this.#end)
    stream.once('close', this.#end)
    signal.addEventListener('abort', this.#aborted)
  }

  /** The next command; null when no more will come or the signal aborted. */
  async next(): Promise<Said | null> {
    while (!this.#signal.aborted) {
      const said = this.#queue.shift()
      this.#fill()
      if (said !== undefined) return said
      if (this.#queue.length > 0) continue
      if (this.#ended) return null
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return null
  }

  /** Whether a command of this name waits. */
  waits(name: string): boolean {
    return this.#queue.some((said) => said.kind === 'command' && said.command.name === name)
  }

  /** What waits, in its order. */
  get waiting(): readonly Said[] {
    return this.#queue
  }

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#queue.length === 0
  }

  /** Whether the client sends no more. */
  get ended(): boolean {
    return this.#ended
  }

  /** Stops reading. */
  close(): void {
    this.#stream.off('data', this.#data)
    this.#stream.off('end', this.#end)
    this.#stream.off('close', this.#end)
    this.#signal.removeEventListener('abort', this.#aborted)
    this.#queue.length = 0
    this.#chunks.length = 0
    this.#lines = null
  }

  readonly #data = (chunk: Buffer): void => {
    this.#chunks.push(chunk)
    this.#fill()
    if (this.#lines !== null) this.#stream.pause()
  }

  readonly #end = (): void => {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd()
    this.#wake?.()
  }

  readonly #aborted = (): void => this.#wake?.()

  /** Takes lines as long as there is room; when none is left, goes on reading. */
  #fill(): void {
    while (this.#queue.length < this.#most) {
      this.#lines ??= this.#nextChunk()
      const { value, done } = this.#lines?.next() ?? { value: undefined, done: true }
      if (value !== undefined) this.#take(value)
      else if (done) this.#lines = null
      if (this.#lines === null && this.#chunks.length === 0) {
        if (this.#stream.isPaused()) this.#stream.resume()
        break
      }
    }
    this.#wake?.()
  }

  #nextChunk(): Generator<Line, void, void> | null {
    const chunk = this.#chunks.shift()
    return chunk === undefined ? null : this.#splitter.push(this.#watched(this.#telnet.filter(chunk)))
  }

  #take(line: Line): void {
    if (line.kind === 'too-long') {
      this.#queue.push({ kind: 'too-long', line })
      return
    }
    const command = parseCommandLine(line.octets)
    const said: SaidCommand = { kind: 'command', command, line: { ...line, octets: command.octets } }
    if (!this.#consumes(said)) this.#queue.push(said)
  }

  /**
   * A client that sends `ABOR` CR LF as urgent data (Python's ftplib does) loses the line feed: the last urgent octet is kept apart by
   * the system, and Node cannot ask for it. So ABOR and CR, with nothing behind, is whole; a line feed that follows is not another line.
   */
  #watched(chunk: Buffer): Buffer {
    let octets = chunk
    if (this.#skipLineFeed && octets.length > 0) {
      this.#skipLineFeed = false
      if (octets[0] === LF) octets = octets.subarray(1)
    }
    const from = octets.lastIndexOf(LF) + 1
    const tail = octets.toString('latin1', from, Math.min(octets.length, from + 8))
    this.#begun = octets.length - from > 7 ? '-' : ((from > 0 ? '' : this.#begun) + tail).slice(0, 8)
    if (!/^[\xf0-\xff]{0,2}ABOR\r$/i.test(this.#begun)) return octets
    this.#begun = ''
    this.#skipLineFeed = true
    return Buffer.concat([octets, Buffer.of(LF)])
  }
}
