/**
 * Requests to one upstream server, HTTP/1.1 over connections that are kept, by undici; the only file that imports it, loaded when a route
 * needs it. What has to be known of it (8.12.4), each with a test in `test/http/proxy`:
 * - It asks for no 100, and one that comes all the same ends the connection as a bad answer: `interim-gate.ts` keeps it from it.
 * - The head of a request with content goes out with the first octets of the content.
 * - Octets behind an answer end the connection before its next request: they are never taken for the answer to it.
 * - A transfer coding that it does not know is passed over: such an answer is refused here.
 */
import { subscribe } from 'node:diagnostics_channel'
import { type Duplex, Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import Pool from 'undici/lib/dispatcher/pool.js'
import { awaitAnswer } from './interim-gate.ts'
import { UpstreamError, type UpstreamErrorCode } from './upstream-error.ts'

/** How long an upstream server may take. */
export interface UpstreamTimeouts {
  /** To take a connection. */
  readonly connectMs: number
  /** From the end of the request to the head of its answer. */
  readonly responseMs: number
  /** Between two octets of the answer's content. */
  readonly idleMs: number
}

/** A request as it goes to an upstream server. */
export interface UpstreamRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Names and values in turn, `Host` among them; none that frames the message or belongs to the connection. */
  readonly fields: readonly string[]
  readonly declaredOctets: number | null
  /** Read once the upstream server has taken the connection, and destroyed in the end; null: the request has none. */
  readonly content: Readable | null
  /** The protocol that the connection is to go over to (RFC 9110 §7.8), or null. */
  readonly upgrade: string | null
  /** An interim answer came (RFC 9110 §15.2). */
  readonly interim: (status: number, fields: readonly string[]) => void
}

/** The head of an answer, and what follows it. */
export interface UpstreamAnswer {
  readonly status: number
  readonly reason: string
  /** Names and values in turn, as received: octets as Latin-1. */
  readonly fields: readonly string[]
  /**
   * All of the content where it came in the packet of the head; else a stream, which fails with an `UpstreamError` when it ends too early,
   * and has to be read or destroyed; after 101 the connection, which is then the caller's to end.
   */
  readonly content: Buffer | Readable | { readonly upgraded: Duplex }
}

/** An exchange that goes on. */
export interface UnderWay {
  /** @throws {UpstreamError} */
  readonly answer: Promise<UpstreamAnswer>
  /** Whether any of the request may have reached the upstream server. */
  readonly begun: boolean
  /** Nobody wants the answer any more. Once it has a stream, destroying that does the same. */
  giveUp(): void
}

/** The longest head of an answer. */
const headOctets = 64 * 1024

/**
 * How long a connection is kept for a further request, unless the upstream server says less. Below what servers do that do not say it (2 s of
 * gunicorn, 5 s of uvicorn and Apache): a request that meets the end of its connection may not be sent again (RFC 9110 §9.2.2).
 */
const keptMs = 1_500

/** So much less than the upstream server says, for the same reason. */
const soonerMs = 1_000

/** The exchange whose request goes out now: the next step of the engine says on which connection. */
let beginning: UpstreamExchange | null = null

subscribe('undici:client:sendHeaders', (message) => {
  const exchange = beginning
  beginning = null
  if (exchange === null || typeof message !== 'object' || message === null || !('socket' in message)) return
  if (message.socket instanceof Readable) awaitAnswer(message.socket, () => exchange.continued())
})

/** One upstream server. `close` ends it. */
export class UpstreamEngine {
  readonly #pool: Pool
  readonly #timeouts: UpstreamTimeouts

  /** @param origin scheme, host and port */
  constructor(origin: string, timeouts: UpstreamTimeouts) {
    this.#timeouts = timeouts
    this.#pool = new Pool(origin, {
      connectTimeout: timeouts.connectMs,
      keepAliveTimeout: keptMs,
      keepAliveMaxTimeout: keptMs,
      keepAliveTimeoutThreshold: soonerMs,
      maxHeaderSize: headOctets,
      // One answer is over before the next request begins: no answer is ever taken for that to another request.
      pipelining: 1,
      allowH2: false,
    })
  }

  /** Sends a request. */
  ask(request: UpstreamRequest): UnderWay {
    const exchange = new UpstreamExchange(request)
    const { method, path, upgrade, declaredOctets, content } = request
    const fields = [...request.fields]
    if (declaredOctets !== null) fields.push('content-length', String(declaredOctets))
    try {
      this.#pool.dispatch(
        {
          method,
          path,
          headers: fields,
          body: content,
          upgrade,
          headersTimeout: this.#timeouts.responseMs,
          bodyTimeout: this.#timeouts.idleMs,
        },
        exchange,
      )
    } catch (error) {
      exchange.onResponseError(null, error instanceof Error ? error : new Error(String(error)))
    }
    return exchange
  }

  /** Ends all connections, whatever goes on in them. */
  async close(): Promise<void> {
    await this.#pool.destroy()
  }
}

class UpstreamExchange implements UnderWay, Dispatcher.DispatchHandler {
  readonly answer: Promise<UpstreamAnswer>
  begun = false
  readonly #request: UpstreamRequest
  readonly #resolve: (answer: UpstreamAnswer) => void
  readonly #reject: (error: UpstreamError) => void
  #controller: Dispatcher.DispatchController | null = null
  #givenUp = false
  /** The head, while it is not known whether all of the content came with it. */
  #head: Omit<UpstreamAnswer, 'content'> | null = null
  #early: Buffer[] = []
  #content: Readable | null = null
  #ended = false
  #failure: UpstreamError | null = null

  constructor(request: UpstreamRequest) {
    this.#request = request
    const { promise, resolve, reject } = Promise.withResolvers<UpstreamAnswer>()
    this.answer = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  giveUp(): void {
    this.#givenUp = true
    this.#controller?.abort(new UpstreamError('given-up', 'nobody wants the answer any more'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.begun = true
    this.#controller = controller
    if (this.#givenUp) this.giveUp()
    else beginning = this
  }

  /** A 100 came, which the engine does not see. */
  continued(): void {
    this.#request.interim(100, [])
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _fields: unknown, reason = ''): void {
    const fields = fieldsOf(controller)
    if (status < 200) return this.#request.interim(status, fields)
    const wrong = problemOf(status, fields)
    if (wrong !== null) return controller.abort(new UpstreamError('malformed', wrong))
    this.#head = { status, reason: reasonPhrase.test(reason) ? reason : '', fields }
    // Not before the packet has been read to its end: most answers are whole by then, and go on in one piece.
    process.nextTick(() => this.#tell())
  }

  onResponseData(controller: Dispatcher.DispatchController, octets: Buffer): void {
    if (this.#content === null) this.#early.push(octets)
    else if (!this.#content.push(octets)) controller.pause()
  }

  onResponseEnd(): void {
    this.#ended = true
    this.#content?.push(null)
  }

  onRequestUpgrade(controller: Dispatcher.DispatchController, status: number, _fields: unknown, stream: Duplex): void {
    this.#ended = true
    if (this.#givenUp) return void stream.destroy()
    this.#resolve({ status, reason: '', fields: fieldsOf(controller), content: { upgraded: stream } })
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const failure = failureOf(error)
    this.#failure = failure
    if (this.#content !== null) this.#content.destroy(failure)
    else this.#reject(failure)
  }

  #tell(): void {
    if (this.#head === null || this.#failure !== null) return
    const early = this.#early
    this.#early = []
    if (this.#ended) {
      const [only] = early
      return this.#resolve({ ...this.#head, content: early.length === 1 && only !== undefined ? only : Buffer.concat(early) })
    }
    const controller = this.#controller
    const content = new Readable({
      read: () => controller?.resume(),
      destroy: (error, done) => {
        if (!this.#ended) this.giveUp()
        done(error)
      },
    })
    // Whoever reads it hears of an error by itself; nobody may read at the moment.
    content.on('error', () => undefined)
    this.#content = content
    for (const octets of early) if (!content.push(octets)) controller?.pause()
    this.#resolve({ ...this.#head, content })
  }
}

const fieldsOf = ({ rawHeaders }: Dispatcher.DispatchController): string[] => {
  const fields: string[] = []
  if (!Array.isArray(rawHeaders)) return fields
  for (const text of rawHeaders) fields.push(Buffer.isBuffer(text) ? text.toString('latin1') : String(text))
  return fields
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** What is in no value: with it, a line of ours would be another than the one that was meant (RFC 9110 §5.5). */
const unsafe = /[\0-\x08\x0a-\x1f\x7f]/

/** It says nothing that the status does not; one that is read as UTF-8 by the engine and is none, nobody can pass on (RFC 9112 §4). */
const reasonPhrase = /^[\t\x20-\x7e\x80-\xff]*$/

/** What is wrong with the head of an answer; null: nothing. */
const problemOf = (status: number, fields: readonly string[]): string | null => {
  if (status > 599) return `a status of ${status}`
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    const value = fields[at + 1] ?? ''
    if (!token.test(name) || unsafe.test(value)) return 'a field that is none'
    // Its content would be passed on coded, and the client not told so.
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding' && value.trim().toLowerCase() !== 'chunked')
      return 'a transfer coding other than chunked'
  }
  return null
}

/** The system's codes for a connection that came to nothing. */
const unreachable: readonly string[] = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EACCES',
  'ERR_ACCESS_DENIED',
]

const codes: Readonly<Record<string, UpstreamErrorCode>> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  ETIMEDOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'malformed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'broken',
}

const failureOf = (error: Error): UpstreamError => {
  if (error instanceof UpstreamError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const told = unreachable.includes(code) ? 'unreachable' : (codes[code] ?? (code.startsWith('HPE_') ? 'malformed' : 'broken'))
  return new UpstreamError(told, error.message, { cause: error })
}
