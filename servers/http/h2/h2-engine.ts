/**
 * HTTP/2 by `node:http2`, on a connection that speaks it from its first octet; the only file that imports it. Frames, HPACK and the
 * rules of RFC 9113 are nghttp2's. What had to be worked round, in Node 26.10, each with a test in `test/http/h2`:
 * - The end of the client's side is told to nobody: the socket is read beside the session, which takes all octets.
 * - A session tells of its end only when its socket is closed, which a client can put off: `over` is told when all is written.
 * - A socket on which a server made the handshake by itself says for ever that it is at it, and the session waits.
 * - A stream that nobody has read is reset once its answer is given, with the last octets still on their way: `h2-exchange.ts` reads all.
 * - A write of a stream that was reset may be reported while a part of its octets is still on the way: `h2-exchange.ts` keeps them.
 */
import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Duplex } from 'node:stream'
import { H2Exchange } from './h2-exchange.ts'

/** What a connection may have and do. */
export interface H2EngineLimits {
  /** Of a request, names and values with 32 octets for each field (RFC 9113 §6.5.2). */
  readonly headOctets: number
  readonly streams: number
}

/** Who is told what happens on a connection. */
export interface H2Events {
  request(exchange: H2Exchange): void
  /** A PING or SETTINGS frame came, which was answered. */
  control(): void
  /** The client broke the rules, or what one connection may do: the connection ends. @param code as Node or nghttp2 name it */
  broken(code: string): void
  /** Nothing more is answered, and all that was is written or lost. */
  over(): void
}

/** Octets of a request's content that may come before anybody reads it. */
const streamWindow = 128 * 1024
const connectionWindow = 1024 * 1024

/** Field lines that are taken; request.ts says what is wrong with fewer. */
const maxPairs = 256

/** The highest number of a stream: a GOAWAY with it says that the end is near, and that nothing was refused yet (RFC 9113 §6.8). */
const anyStream = 2 ** 31 - 1

/** One connection that speaks HTTP/2. */
export class H2Engine {
  readonly #session: ServerHttp2Session
  readonly #stream: Duplex
  #over = false

  constructor(stream: Duplex, limits: H2EngineLimits, events: H2Events) {
    this.#stream = stream
    if ('secureConnecting' in stream) Object.assign(stream, { secureConnecting: false })
    this.#session = performServerHandshake(stream, {
      settings: {
        maxConcurrentStreams: limits.streams,
        maxHeaderListSize: limits.headOctets,
        initialWindowSize: streamWindow,
        enablePush: false,
      },
      maxHeaderListPairs: maxPairs,
      maxSettings: 32,
      maxSessionInvalidFrames: 100,
      maxSessionRejectedStreams: 100,
      // Our own count of what is taken back is stricter, and told in the journal.
      streamResetBurst: 1_000,
      streamResetRate: 100,
    })
    const session = this.#session
    session.on('connect', () => session.setLocalWindowSize(connectionWindow))
    session.on('stream', (opened: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
      const exchange = new H2Exchange(opened, headers, raw)
      // Taken back in the packet that it came in: nothing is to be done for it, but it counts.
      events.request(exchange)
    })
    session.on('ping', () => events.control())
    session.on('remoteSettings', () => events.control())
    session.on('error', (error: NodeJS.ErrnoException) => events.broken(error.code ?? error.name))
    const over = () => {
      if (this.#over) return
      this.#over = true
      events.over()
    }
    stream.once('finish', over)
    stream.once('close', over)
    // The client sends nothing more; what it asked for is answered. Only somebody who reads is told, and nobody else reads here; what came
    // before the session was there, it takes on the next tick.
    stream.once('end', () => this.close())
    setImmediate(() => stream.resume())
  }

  /** Whether the client has ended its side: nothing of it comes any more, no word that its windows have grown either. */
  get ended(): boolean {
    return this.#stream.readableEnded
  }

  /** Whether it ends with all its streams, and at once: they close, though no client has taken them back. */
  get breaksOff(): boolean {
    return this.#session.destroyed
  }

  /** Octets that came in. */
  get octetsIn(): number {
    return 'bytesRead' in this.#stream && typeof this.#stream.bytesRead === 'number' ? this.#stream.bytesRead : 0
  }

  /** Tells the client that no further request should come here; those that do are answered. */
  announceEnd(): void {
    if (!this.#session.destroyed && !this.#session.closed) this.#session.goaway(constants.NGHTTP2_NO_ERROR, anyStream)
  }

  /** Answers what was asked and then ends; a request that comes from now on was never looked at (RFC 9113 §6.8). */
  close(): void {
    this.#session.close()
  }

  /**
   * Ends it for too much of something; nothing more is answered. Not at once: who counts is called while Node reads frames, and a session
   * that is destroyed inside of that, with answers under way, has Node (26.10) free memory of nghttp2 that is none: it aborts.
   */
  cutOff(): void {
    // Told first: what else is read until then may be too much for nghttp2 as well, which calls it an error of ours.
    if (!this.#session.destroyed) this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    // The code counts only beside an error.
    const tooMuch = new Error('too much')
    setImmediate(() => this.#session.destroy(tooMuch, constants.NGHTTP2_ENHANCE_YOUR_CALM))
  }
}
