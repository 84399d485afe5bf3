/**
 * HTTP/1.1 by `node:http`, fed with the host's sockets; the only file that imports it. Its parser is strict (what it lets through
 * `request.ts` checks). What had to be worked round, in Node 26.10, each with a test in `test/http`:
 * - Timeouts of heads and requests run only once the server "listens": the event is emitted, no socket is opened.
 * - The end of a connection (`destroySoon`) resets it when unread octets wait, which eats the last answer: the session ends it.
 * - What was ended it ends once more when the client has shut its side, which makes an error with its trace for nobody: `endOnce`.
 * - After a request with `Upgrade` that is not followed, what was pipelined behind it in the same packet is lost. So each leaves the
 *   parser with its head, and what is not followed comes back with its answer; with content it cannot, and ends its connection.
 * - To HTTP/1.0 `keep-alive` outdoes `close` (RFC 9112 §9.3 asks for the contrary): `NodeExchange` looks at them.
 * - `RTSP/1.1` in a request line is taken for `HTTP/1.1`, `Proxy-Connection` for `Connection`, and two blanks for one. Nothing shows
 *   it, and nothing of it moves the end of a request: it stays so.
 * - Its deadline of a request counts from the first octet to the last, whatever comes meanwhile: it is off, `content.ts` has another.
 * - Header fields beyond 2,000 are dropped silently: `request.ts` refuses far fewer.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { ContentBroken, type ContentStream, contentOf, keepDeadline } from './content.ts'
import { type Exchange, type Head, saysClose, type Upgrade } from './exchange.ts'
import { onNextWord } from './next-word.ts'
import { type Problem, problemOf, tooLate } from './problem.ts'
import type { FailureStatus } from './statuses.ts'

/** Deadlines and sizes that the engine keeps. */
export interface EngineLimits {
  readonly headersMs: number
  readonly requestMs: number
  readonly keepAliveMs: number
  readonly headOctets: number
  /** Whether somebody may follow a request with `Upgrade`. */
  readonly upgrades?: boolean
}

/** Takes what a connection brings. */
export type Feed = (octets: Buffer) => void

/** How much longer than clients are told a connection is kept: their next request may be on its way. */
export const keepAliveGraceMs = 1_000

/** Who is told what happens on the connections. */
export interface EngineEvents {
  /** The head of a request is there. */
  request(stream: Duplex, exchange: Exchange): void
  /** What came is no request; nothing more is parsed. */
  problem(stream: Duplex, problem: Problem): void
  /** An answer that said `Connection: close` is out: the connection is to be ended. */
  last(stream: Duplex): void
}

/** One `node:http` server without a port. */
export class Engine {
  readonly #server: Server
  readonly #events: EngineEvents
  readonly #readers = new WeakMap<Duplex, Feed>()

  constructor(limits: EngineLimits, events: EngineEvents) {
    this.#events = events
    this.#server = createServer({
      headersTimeout: limits.headersMs,
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      keepAliveTimeoutBuffer: keepAliveGraceMs,
      connectionsCheckingInterval: Math.max(50, Math.min(1_000, limits.headersMs / 4)),
      maxHeaderSize: limits.headOctets,
      // Asked of every request, with an answer that explains, in request.ts.
      requireHostHeader: false,
      // Said, so that no flag of Node's in our environment can loosen it: what frames a request is not open to opinion (RFC 9112 §6.3).
      insecureHTTPParser: false,
      shouldUpgradeCallback: mayUpgrade,
    })
    // A client may shut its side after the request and still gets the answer. Node has no types for this property.
    Object.assign(this.#server, { httpAllowHalfOpen: true })
    const take = (request: IncomingMessage, response: ServerResponse) => {
      const late = () => events.problem(request.socket, tooLate)
      events.request(request.socket, new NodeExchange(request, response, { deadlineMs: limits.requestMs, late }))
    }
    this.#server.on('request', take)
    // Without a listener Node would say 100 or 417 by itself, before anybody has looked at the request.
    this.#server.on('checkContinue', take)
    this.#server.on('checkExpectation', take)
    this.#server.on('upgrade', (request, stream, behind) => {
      this.#leave(stream)
      const response = new ServerResponse(request)
      // Node does so for those that its parser keeps, and has no types for it.
      Object.assign(response, { _keepAliveTimeout: limits.keepAliveMs })
      // At once: the end of the client's side, which nothing can be put before any more, may be told while the answer is on its way.
      if (behind.length > 0) stream.unshift(behind)
      // Not before the next word: to the parser it is a new connection, whose first head would be late.
      const goOn = () =>
        onNextWord(stream, limits.keepAliveMs + keepAliveGraceMs, () => {
          // An answer before may have begun to wait for the next request, which the parser that comes now knows nothing of.
          if (stream instanceof Socket) stream.setTimeout(0)
          this.#server.emit('connection', stream)
        })
      events.request(stream, new NodeExchange(request, response, null, { stream, goOn, followed: limits.upgrades === true }))
    })
    this.#server.on('connect', (_request, stream) => {
      this.#leave(stream)
      events.problem(stream, { status: 405, code: 'CONNECT', line: null })
    })
    this.#server.on('clientError', (error: NodeJS.ErrnoException, stream) => this.#refuse(error, stream))
  }

  /** Starts the clock of the deadlines. */
  start(): void {
    this.#server.emit('listening')
  }

  /**
   * Speaks HTTP on a connection.
   * @param reader gets what comes, alone and in place of the engine, until another protocol takes the connection
   * @returns by which the reader passes it on
   */
  adopt(stream: Duplex, reader?: Feed): Feed {
    Object.defineProperty(stream, 'destroySoon', { value: () => this.#events.last(stream) })
    endOnce(stream)
    const before = stream.listeners('data')
    this.#server.emit('connection', stream)
    const own = stream.listeners('data').find((listener) => !before.includes(listener))
    if (own === undefined) throw new Error('the parser of node:http listens to no data')
    const feed: Feed = (octets) => void Reflect.apply(own, stream, [octets])
    if (reader === undefined) return feed
    // In this order: to be listened to anew is what makes the parser let go of the socket, and a stream without a listener stops.
    stream.on('data', reader)
    for (const other of [...before, own]) Reflect.apply(stream.removeListener, stream, ['data', other])
    this.#readers.set(stream, reader)
    return feed
  }

  /** Whoever gets the connection from us reads it himself. */
  #leave(stream: Duplex): void {
    const reader = this.#readers.get(stream)
    if (reader !== undefined) stream.off('data', reader)
  }

  /** Stops the clock. */
  stop(): void {
    this.#server.close()
  }

  #refuse(error: NodeJS.ErrnoException, stream: Duplex): void {
    // What a client sends after a request that ends the connection is not looked at (RFC 9112 §9.6).
    if (error.code === 'HPE_CLOSED_CONNECTION') return
    const problem = problemOf(error)
    // The network's own errors (a reset, a broken pipe): nobody is there to be answered.
    if (problem === null) stream.destroy()
    else this.#events.problem(stream, problem)
  }
}

/** To end what is ended does nothing. */
const endOnce = (stream: Duplex): void => {
  const { end } = stream
  Object.defineProperty(stream, 'end', {
    value: (...what: unknown[]) => (stream.writableEnded && what.length === 0 ? stream : Reflect.apply(end, stream, what)),
  })
}

/** Only of HTTP/1.1 and above (RFC 9110 §7.8), and without content: nobody here would wait for its end. */
const mayUpgrade = ({ headers, httpVersion }: IncomingMessage): boolean =>
  httpVersion === '1.1' && Number(headers['content-length'] ?? 0) === 0 && headers['transfer-encoding'] === undefined

/** A connection that the parser has left. */
interface Left {
  readonly stream: Duplex
  /** Whether anybody may go over to another protocol on it. */
  readonly followed: boolean
  /** The request has its answer, and nobody went over: the parser is to come back. */
  readonly goOn: () => void
}

/** How long content is waited for. */
interface Patience {
  readonly deadlineMs: number
  late(): void
}

class NodeExchange implements Exchange {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  /** null: a request of this kind has no content. */
  readonly #patience: Patience | null
  #lengthTold = false
  #content: ContentStream | null = null
  #continued = false
  #brokenOff: FailureStatus | null = null
  /** Ends the write that is under way, with the client gone. */
  #giveUpWrite: () => void = () => undefined
  readonly upgrade: Upgrade | null
  readonly final: boolean
  /** A connection to which the answer does not belong yet: those before it may be under way. */
  #unassigned: Left | null

  constructor(request: IncomingMessage, response: ServerResponse, patience: Patience | null, left: Left | null = null) {
    this.#request = request
    this.#response = response
    this.#patience = patience
    this.#unassigned = left
    this.upgrade =
      left?.followed === true ? { protocols: request.headers.upgrade ?? '', accept: (head) => this.#accept(head, left) } : null
    this.final = left === null && request.headers.upgrade !== undefined
    if (left !== null && saysClose(request.headers.connection)) response.shouldKeepAlive = false
    response.once('close', () => this.#giveUpWrite())
    if (request.httpVersionMinor === 0 && saysClose(request.headers.connection)) response.shouldKeepAlive = false
  }

  get method(): string {
    return this.#request.method ?? ''
  }

  get target(): string {
    return this.#request.url ?? ''
  }

  get version(): string {
    return this.#request.httpVersion
  }

  get fields(): readonly string[] {
    return this.#request.rawHeaders
  }

  get complete(): boolean {
    return this.#request.complete
  }

  get content(): Readable | null {
    if (this.#hasContent && this.#content === null) {
      this.#content = contentOf(this.#request)
      this.#await(this.#content)
    }
    this.#endBroken()
    return this.#content
  }

  /** The parser stops in the middle of such a head. */
  get oversized(): boolean {
    return false
  }

  get contentTaken(): boolean {
    return this.#content !== null
  }

  get declaredOctets(): number | null {
    const length = this.#request.headers['content-length']
    return length === undefined ? null : Number(length)
  }

  get sentHead(): string | null {
    // Node has no types for it.
    const head: unknown = Reflect.get(this.#response, '_header')
    return typeof head === 'string' ? head : null
  }

  get keepsAlive(): boolean {
    // To HTTP/1.0 Node says close whenever it cannot tell the length, as with 304.
    return this.#response.shouldKeepAlive && (this.#response.useChunkedEncodingByDefault || this.#lengthTold)
  }

  field(name: string): string | undefined {
    const value = this.#request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  continue(): void {
    // HTTP/1.0 does not know it (RFC 9110 §10.1.1). What else may stand in the field, request.ts has refused.
    if (this.#continued || this.#request.headers.expect === undefined || this.version === '1.0') return
    this.#continued = true
    this.#response.writeContinue()
  }

  breakOff(status: FailureStatus): void {
    if (this.complete) return
    this.#brokenOff = status
    this.#endBroken()
  }

  interim(status: number, fields: readonly string[]): void {
    if (this.version === '1.0') return
    this.#assign()
    this.#response.writeInformation(status, [...fields])
  }

  send(head: Head, body: Buffer | string): void {
    this.begin(head)
    this.#response.end(body)
  }

  begin({ status, reason, fields }: Head, alone = false): void {
    this.#lengthTold = fields.includes('Content-Length')
    this.#assign()
    this.#response.writeHead(status, reason, [...fields])
    if (alone) this.#response.flushHeaders()
    // Content that nobody wanted must be read to come to the next request.
    if (!this.#hasContent || this.#content !== null) return
    this.#request.resume()
    if (!this.complete) this.#await(null)
  }

  #await(content: ContentStream | null): void {
    if (this.#patience !== null) keepDeadline(this.#request, content, this.#patience.deadlineMs, this.#patience.late)
  }

  #endBroken(): void {
    if (this.#brokenOff !== null) this.#content?.destroy(new ContentBroken('the content broke off', this.#brokenOff))
  }

  #accept({ status, reason, fields }: Head, { stream }: Left): Duplex {
    this.#unassigned = null
    const lines = [`HTTP/1.1 ${status} ${reason}`]
    for (let at = 0; at < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`)
    stream.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
    return stream
  }

  /** What Node does for the answers on a connection that its parser has not left. */
  #assign(): void {
    const left = this.#unassigned
    if (left === null) return
    this.#unassigned = null
    const response = this.#response
    const { socket } = this.#request
    response.assignSocket(socket)
    response.once('finish', () => {
      response.detachSocket(socket)
      response.emit('close')
      if (!saidLast.test(this.sentHead ?? '')) left.goOn()
    })
  }

  get #hasContent(): boolean {
    const { headers } = this.#request
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  }

  write(octets: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      // Node 26.10 never calls back for a write after its socket was destroyed and before the response has heard of it.
      this.#giveUpWrite = () => resolve(false)
      // A write that its connection's end cut short is reported without an error too.
      this.#response.write(octets, (error) => resolve(!error && !this.#request.socket.destroyed))
    })
  }

  finish(): void {
    this.#response.end()
  }

  onEnd(ended: (outcome: 'sent' | 'aborted') => void): void {
    this.#response.once('close', () => ended(this.#response.writableFinished ? 'sent' : 'aborted'))
    // An answer that does not belong to a connection yet hears nothing of its end.
    if (this.#unassigned === null) return
    const { stream } = this.#unassigned
    const gone = () => {
      if (this.#unassigned !== null) ended('aborted')
    }
    stream.once('close', gone)
    this.#response.once('socket', () => stream.off('close', gone))
  }
}

/** In the head of an answer: it is the last one of its connection. */
const saidLast = /\r\nConnection: close\r\n/i
