/**
 * The adapter to smtp-server 3.21.6: the only file that imports it.
 *
 * What it gives: the server with its set of connections, and for each connection the wiring of socket and parser, closing that
 * loses no reply (what still comes is read and dropped, a client that never closes is cut off after 5 s) and the clean-up.
 *
 * What is replaced, because of what was measured in 3.21.6 (`test/smtp/engine.test.ts` fails where one of these is mended):
 * - `init` waits 100 ms before the greeting, and whoever speaks in that time is served like all others;
 * - `SMTPStream` answers 421 to a long line, takes the message's end and its dots off at 1–2 MB/s when all lines begin with a
 *   dot, and lets bare CR and LF through: here lines come from our `LineSplitter`, messages from our `BodyReader`;
 * - `send` says nothing to a client that has shut its side, and its replies take text and enhanced code from the number alone;
 * - its handlers of commands ignore unknown parameters, refuse quoted names, tell unknown failures as permanent, and tell
 *   credentials from commands by flags: here the command table acts, and its handlers are never reached;
 * - timeouts, TLS and the default certificate: the host's.
 */
import { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import type { Transcript } from '../../shared/log/transcript.ts'
import { type Line, LineSplitter } from '../../shared/net/line-splitter.ts'
import type { Connection } from '../../shared/service.ts'
import type { OctetReader } from './body-reader.ts'

/** One client, as the conversation uses it. */
export interface Link {
  /** Sends text; what is said in one turn of the loop goes out in one write. Without effect once the link is ended. */
  say(text: string): void
  /** What comes after the line in hand is a message, or a chunk of one, up to its end. */
  receive(reader: OctetReader): void
  /**
   * Says the last word in clear and goes on encrypted; what came behind the line in hand is dropped. Rejects with a `HandshakeError`,
   * the socket is gone then.
   */
  encrypt(lastWord: string, connection: Connection): Promise<void>
  /** Ends it: what was said still goes out, what still comes is dropped. */
  end(): void
}

/** What the conversation is told, one thing after the other: the next comes when the promise of the last is kept. */
export interface Listener {
  /**
   * The first: it may greet, the client has had the time to. Nothing else but `gone` comes before it.
   * @param early whether the client spoke before that; what it said comes behind this
   */
  begin(early: boolean): void
  /** @param more whether the client sent something behind it before it can have read the answer */
  line(line: Line, more: boolean): Promise<void>
  /** Octets of the message. */
  body(octets: Buffer): Promise<void>
  bodyEnded(): Promise<void>
  /** The client has shut its side, and all that it said before was told. */
  inputEnded(): void
  /** The socket is gone. The last that is told. @param error what nobody foresaw */
  gone(error: Error | null): void
}

const LF = 0x0a

/** So many pipelined lines in a row; then the loop gets a turn, so that nobody else waits. */
const linesPerTurn = 100

/** Replies are written at the end of the turn, or when so many characters wait. */
const writeAtOnce = 16_384

/** What the client sends, cut into lines and messages. */
class Input extends SMTPStream {
  /** Set before the first octet comes. */
  listener: Listener | null = null
  /** Resolves when the client has taken so much of what was said that more may be. */
  drained: () => Promise<void> = () => Promise.resolve()
  /** Is told what of a message has come. */
  transcript: Transcript | null = null
  #reader: OctetReader | null = null
  #lines: LineSplitter
  /** Until it is kept, what comes is held. */
  #opening: PromiseWithResolvers<void> | null = Promise.withResolvers()
  #early = false

  constructor(maxLineOctets: number) {
    super()
    this.#lines = new LineSplitter(maxLineOctets)
  }

  /** Whether something came before it was opened. */
  get early(): boolean {
    return this.#early
  }

  /** From now on the listener is told. */
  open(): void {
    this.#opening?.resolve()
    this.#opening = null
  }

  receive(reader: OctetReader): void {
    this.#reader = reader
  }

  override _write(chunk: Buffer, _encoding: unknown, done: (error?: Error | null) => void): void {
    this.#take(chunk).then(() => done(), done)
  }

  /** The end of the input is no exception: it is held with what came before it. */
  override _final(done: () => void): void {
    if (this.#opening === null) done()
    else void this.#opening.promise.then(done)
  }

  /** Called by the library at the end of the input; an unfinished line is no command. */
  override _flushData(): void {
    if (!this.isClosed) this.listener?.inputEnded()
  }

  async #take(chunk: Buffer): Promise<void> {
    if (this.#opening !== null) {
      this.#early = true
      await this.#opening.promise
    }
    let at = 0
    let lines = 0
    while (at < chunk.length && !this.isClosed && this.listener !== null) {
      if (this.#reader !== null) {
        at += await this.#takeBody(this.#reader, this.listener, chunk.subarray(at))
        continue
      }
      const end = chunk.indexOf(LF, at)
      const part = chunk.subarray(at, end === -1 ? chunk.length : end + 1)
      at += part.length
      for (const line of this.#lines.push(part)) await this.listener.line(line, at < chunk.length)
      await this.drained()
      lines += 1
      if (lines % linesPerTurn === 0) await nextTurn()
    }
  }

  async #takeBody(reader: OctetReader, listener: Listener, chunk: Buffer): Promise<number> {
    const { body, used, ended } = reader.push(chunk)
    const { ending } = reader
    // What ends it is a line of its own.
    this.transcript?.content('client', ended ? used - ending.length : used)
    if (body.length > 0) await listener.body(body)
    if (ended) {
      this.#reader = null
      if (ending.length > 0) this.transcript?.client({ kind: 'line', octets: ending.subarray(0, -2) }, 'whole')
      await listener.bodyEnded()
    }
    return used
  }
}

const socketOf = ({ stream }: Connection): Socket => {
  if (!(stream instanceof Socket)) throw new TypeError('smtp-server needs a socket')
  return stream
}

/** One connection. `end`, the client or the host ends it. */
class LinkedConnection<Told extends Listener> extends SMTPConnection implements Link {
  #said = ''
  #flushing = false
  #failure: Error | null = null
  readonly listener: Told
  readonly #transcript: Transcript | null
  readonly #beforeWrite: () => void
  #input: Input

  constructor(server: Engine, socket: Socket, { id, transcript }: Connection, listen: (link: Link) => Told) {
    super(server, socket, { id })
    this.#beforeWrite = () => server.beforeWrite()
    this.#transcript = transcript
    // Made in the constructor of the library, by `_createParser`.
    this.listener = listen(this)
    this.#input = this.#listenTo(this._parser)
  }

  /** Reads, and greets when the loop has asked the system once what lies there: who waits for the greeting waits no longer for it. */
  override init(): void {
    this._setListeners(() => setImmediate(() => setImmediate(() => this.#begin())))
  }

  #begin(): void {
    if (this._closed) return
    this.listener.begin(this.#input.early)
    this.#flush()
    this.#input.open()
  }

  override _createParser(): SMTPStream {
    return new Input(this._server instanceof Engine ? this._server.maxLineOctets : 0)
  }

  /** Deadlines are the host's. */
  override _armTimeout(): void {
    this._socket.setTimeout(0)
  }

  override _onError(): void {
    // The host journals it, and the socket closes after it.
  }

  override _onClose(): void {
    const first = !this._closed
    super._onClose()
    if (first) this.listener.gone(this.#failure)
  }

  say(text: string): void {
    if (this._closing || !this._socket.writable) return
    this.#transcript?.server(text)
    this.#said += text
    if (this.#said.length >= writeAtOnce) this.#flush()
    else if (!this.#flushing) {
      this.#flushing = true
      setImmediate(() => this.#flush())
    }
  }

  receive(reader: OctetReader): void {
    this.#input.receive(reader)
  }

  end(): void {
    this.#flush()
    this.close()
  }

  async encrypt(lastWord: string, connection: Connection): Promise<void> {
    this.say(lastWord)
    this.#flush()
    // All in this turn, so that nothing that comes from now on is taken for words in clear: the parser is retired with all it holds.
    this.#input.listener = null
    this.#input.isClosed = true
    this._socket.unpipe(this.#input)
    await connection.startTls()
    if (this._closed) return
    this._socket = socketOf(connection)
    this._parser = this._createParser()
    this.#input = this.#listenTo(this._parser)
    this.#input.open()
    this._setListeners(() => undefined)
  }

  #listenTo(parser: unknown): Input {
    if (!(parser instanceof Input)) throw new TypeError('smtp-server uses another parser than ours')
    parser.listener = this.listener
    parser.drained = () => this.#drained()
    parser.transcript = this.#transcript
    parser.on('error', (error: Error) => this.#fail(error))
    return parser
  }

  #flush(): void {
    this.#flushing = false
    const said = this.#said
    this.#said = ''
    if (said === '' || !this._socket.writable) return
    this.#beforeWrite()
    this._socket.write(said, 'latin1')
  }

  #drained(): Promise<void> {
    if (this.#said.length === 0 && this._socket.writableNeedDrain) return new Promise((resolve) => this._whenWritable(resolve))
    return Promise.resolve()
  }

  #fail(error: Error): void {
    this.#failure = error
    this._socket.destroy()
  }
}

/** The server without a listener: the host accepts, and hands it one client after the other. */
export class Engine extends SMTPServer {
  readonly maxLineOctets: number

  /** Called right before replies go out: what they promise has to be on record. */
  readonly beforeWrite: () => void

  /** @param maxLineOctets the longest command line, line break included */
  constructor(hostname: string, maxLineOctets: number, beforeWrite: () => void) {
    super({ name: hostname, logger: false, disableReverseLookup: true, disabledCommands: ['STARTTLS'] })
    this.maxLineOctets = maxLineOctets
    this.beforeWrite = beforeWrite
  }

  /** No certificate is loaded: TLS is the host's. */
  override updateSecureContext(): void {
    this.secureContext = new Map()
  }

  /**
   * Carries a client.
   * @param listen gets the link and returns what is told of it
   * @returns the same
   */
  converse<Told extends Listener>(connection: Connection, listen: (link: Link) => Told): Told {
    const stream = socketOf(connection)
    const link = new LinkedConnection(this, stream, connection, listen)
    this.connections.add(link)
    link.init()
    // A socket that is closed already tells nobody so again.
    if (stream.closed) link._onClose()
    return link.listener
  }
}
