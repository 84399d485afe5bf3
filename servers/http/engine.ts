/**
 * HTTP/1.1 by `node:http`, fed with the host's sockets; the only file that imports it. Its parser is strict (what it lets through
 * `request.ts` checks). What had to be worked round, in Node 26.10, each with a test in `test/http`:
 * - Timeouts of heads and requests run only once the server "listens": the event is emitted, no socket is opened.
 * - The end of a connection (`destroySoon`) resets it when unread octets wait, which eats the last answer: the session ends it.
 * - After a request with `Upgrade` that is not followed, what was pipelined behind it in the same packet is lost: such a
 *   connection ends with its answer.
 * - Header fields beyond 2,000 are dropped silently: `request.ts` refuses far fewer.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Exchange, Head } from './exchange.ts'
import type { FailureStatus } from './replies.ts'

/** Deadlines and sizes that the engine keeps. */
export interface EngineLimits {
  readonly headersMs: number
  readonly requestMs: number
  readonly keepAliveMs: number
  readonly headOctets: number
}

/** What the parser, or its clock, refused. */
export interface Problem {
  readonly status: FailureStatus
  /** The engine's code, for the journal. */
  readonly code: string
  /** The request line, where the packet shows one. */
  readonly line: string | null
}

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

  constructor(limits: EngineLimits, events: EngineEvents) {
    this.#events = events
    this.#server = createServer({
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.max(50, Math.min(1_000, limits.headersMs / 4)),
      maxHeaderSize: limits.headOctets,
      // Asked of every request, with an answer that explains, in request.ts.
      requireHostHeader: false,
      // Said, so that no flag of Node's in our environment can loosen it: what frames a request is not open to opinion (RFC 9112 §6.3).
      insecureHTTPParser: false,
      shouldUpgradeCallback: () => false,
    })
    // A client may shut its side after the request and still gets the answer. Node has no types for this property.
    Object.assign(this.#server, { httpAllowHalfOpen: true })
    const take = (request: IncomingMessage, response: ServerResponse) =>
      events.request(request.socket, new NodeExchange(request, response))
    this.#server.on('request', take)
    // Without a listener Node would say 100 or 417 by itself, before anybody has looked at the request.
    this.#server.on('checkContinue', take)
    this.#server.on('checkExpectation', take)
    this.#server.on('connect', (_request, stream) => events.problem(stream, { status: 405, code: 'CONNECT', line: null }))
    this.#server.on('clientError', (error: NodeJS.ErrnoException, stream) => this.#refuse(error, stream))
  }

  /** Starts the clock of the deadlines. */
  start(): void {
    this.#server.emit('listening')
  }

  /** Speaks HTTP on a connection. */
  adopt(stream: Duplex): void {
    Object.defineProperty(stream, 'destroySoon', { value: () => this.#events.last(stream) })
    this.#server.emit('connection', stream)
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

class NodeExchange implements Exchange {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  #lengthTold = false
  /** Ends the write that is under way, with the client gone. */
  #giveUpWrite: () => void = () => undefined

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request
    this.#response = response
    // Nothing of a request's content is used here, but it must be read to come to the next request.
    if ('content-length' in request.headers || 'transfer-encoding' in request.headers) request.resume()
    response.once('close', () => this.#giveUpWrite())
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

  get keepsAlive(): boolean {
    // To HTTP/1.0 Node says close whenever it cannot tell the length, as with 304.
    return this.#response.shouldKeepAlive && (this.#response.useChunkedEncodingByDefault || this.#lengthTold)
  }

  field(name: string): string | undefined {
    const value = this.#request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  send(head: Head, body: Buffer | string): void {
    this.begin(head)
    this.#response.end(body)
  }

  begin({ status, reason, fields }: Head): void {
    this.#lengthTold = fields.includes('Content-Length')
    this.#response.writeHead(status, reason, [...fields])
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
  }
}

/** A character of a method's name (RFC 9110 §5.6.2). */
const tokenCharacter = /[!#$%&'*+.^_`|~0-9A-Za-z-]/
/** Nothing looser: in a request without line breaks a password could stand behind the target. */
const requestLine = /(?<=^(?:\r?\n)*)[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^ \r\n]+ HTTP\/[0-9.]{0,8}(?=\r?\n|$)/
const digit = /[0-9]/

/** What an error of the parser means to the client; null for errors of the network. */
const problemOf = (error: NodeJS.ErrnoException): Problem | null => {
  const code = error.code ?? ''
  const { packet, at } = packetOf(error)
  const text = packet.toString('latin1')
  const [line = null] = requestLine.exec(text.slice(beginOf(text, at))) ?? []
  const before = text.charAt(at - 1)
  const here = text.charAt(at)
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, code, line }
    case 'HPE_HEADER_OVERFLOW':
      // Only where the packet shows that the request line goes on beyond the limit can we know that it is the address.
      return { status: /^[A-Z]+ [^ \r\n]*$/.test(text.slice(0, at)) ? 414 : 431, code, line }
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, code, line }
    case 'HPE_INVALID_METHOD':
      // The parser stops at the first character that no method it knows has there.
      return { status: tokenCharacter.test(here) ? 501 : 400, code, line }
    case 'HPE_INVALID_VERSION':
      // Two digits were read and the line ended: a version, but not ours.
      return { status: digit.test(before) && (here === '' || here === '\r') ? 505 : 400, code, line }
    case 'HPE_PAUSED_H2_UPGRADE':
      return { status: 505, code, line }
    default:
      return code.startsWith('HPE_') ? { status: 400, code, line } : null
  }
}

/** Where the request begins in which the parser failed: after the last head, if another one is in the packet. */
const beginOf = (text: string, at: number): number => {
  const end = text.lastIndexOf('\r\n\r\n', at - 1)
  return end === -1 ? 0 : end + 4
}

/** The packet that the parser failed in, and where in it. */
const packetOf = (error: object): { packet: Buffer; at: number } => ({
  packet: 'rawPacket' in error && Buffer.isBuffer(error.rawPacket) ? error.rawPacket : Buffer.alloc(0),
  at: 'bytesParsed' in error && typeof error.bytesParsed === 'number' ? error.bytesParsed : 0,
})
