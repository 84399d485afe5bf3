/**
 * TLS on the sockets of one service, with what the supervisor sent of keys. `node:tls` is loaded when the first client asks for it: a
 * service that nobody speaks TLS with does not pay for it.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import { awaitHello } from './client-hello.ts'
import { certificateFor, isNamed, type TlsFacts, type TlsMaterial } from './material.ts'

type Tls = typeof import('node:tls')

/** RFC 9325 §4.2: for TLS 1.2 only suites with forward secrecy and authenticated encryption; TLS 1.3 has no others. */
const suites = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':')

/**
 * Seconds: one transfer may take longer than OpenSSL's own two hours. No whole day: testers (testssl.sh) take a longer one for keys that
 * are never changed, though these die with their conversation.
 */
const longestSessionS = 23 * 60 * 60

/** Why no encrypted conversation came about. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError'
  /** `timeout`; `closed`: the client went away; else what OpenSSL calls it. */
  readonly code: string
  constructor(code: string, options?: ErrorOptions) {
    super(`no TLS: ${code}`, options)
    this.code = code
  }
}

/** The newest version that a handshake may agree on. */
type Version = 'TLSv1.2' | 'TLSv1.3'

/** What a protocol says of its TLS. */
export interface TlsOptions {
  /** Protocols within TLS (RFC 7301), the preferred one first; none: clients are not asked. */
  readonly alpn?: readonly string[]
  /** Sessions can be resumed on sockets of the same conversation only: what a data connection proves to belong to it with. */
  readonly ownTickets?: boolean
  /** TLS 1.3 is spoken only with clients that know nothing older. */
  readonly prefersOlderTls?: boolean
  /** What a client is told, in clear, that speaks HTTP instead; absent: nothing. */
  inClear?(): string
}

/** Certificates and tickets of one conversation, or of all of a service. */
export interface Keys {
  readonly material: TlsMaterial
  readonly contexts: Readonly<Record<Version, (SecureContext | null)[]>>
  readonly ticketKeys: Buffer
  /** Sessions of TLS 1.2 clients that take no tickets (curl); null: they are not kept. */
  readonly sessions: Server | null
}

/** A session in memory is for a conversation's other sockets: the newest few will do. */
const maxSessions = 4

/** A server that listens nowhere: node:tls asks it for sessions by their ids. */
const sessionCache = (): Server => {
  const sessions = new Map<string, Buffer>()
  const cache = createServer()
  cache.on('newSession', (id: Buffer, session: Buffer, done: () => void) => {
    sessions.set(id.toString('hex'), session)
    const [oldest] = sessions.keys()
    if (sessions.size > maxSessions && oldest !== undefined) sessions.delete(oldest)
    done()
  })
  cache.on('resumeSession', (id: Buffer, done: (error: null, session: Buffer | null) => void) => {
    done(null, sessions.get(id.toString('hex')) ?? null)
  })
  return cache
}

const keysOf = (material: TlsMaterial, ticketKeys: Buffer, sessions: Server | null): Keys => ({
  material,
  contexts: { 'TLSv1.2': [], 'TLSv1.3': [] },
  ticketKeys,
  sessions,
})

/** A socket that is encrypted now. */
export interface Secured {
  readonly stream: TLSSocket
  readonly facts: TlsFacts
  /** Whether the client went on with a session of before. */
  readonly resumed: boolean
}

/** TLS for one service in one process. */
export class ServiceTls {
  readonly #options: TlsOptions
  readonly #service: string
  #keys: Keys | null = null
  #tls: Tls | null = null
  readonly #first = Promise.withResolvers<void>()

  /** @param service sessions of other services are not resumed */
  constructor(service: string, options: TlsOptions = {}) {
    this.#service = service
    this.#options = options
  }

  /** Goes on with other certificates and ticket keys; conversations that are encrypted stay as they are. */
  use(material: TlsMaterial): void {
    this.#keys = keysOf(material, Buffer.from(material.ticketKeys, 'base64'), null)
    this.#first.resolve()
  }

  /** Whether one of its certificates, as they are now, is for a host. */
  certifies(host: string): boolean {
    return this.#keys?.material.certificates.some(({ names }) => isNamed(names, host)) ?? false
  }

  /** The keys for a new conversation; waits for the first ones. */
  async keys(): Promise<Keys> {
    await this.#first.promise
    const keys = this.#keys
    if (keys === null) throw new Error('no keys')
    return this.#options.ownTickets === true ? keysOf(keys.material, randomBytes(48), sessionCache()) : keys
  }

  /**
   * The server's side of a handshake.
   * @param socket   nobody else reads it any more; what is in its buffer belongs to the handshake
   * @param signal   gives up
   * @throws {HandshakeError} the socket is destroyed by then
   */
  async secure(socket: Socket, keys: Keys, waitMs: number, signal: AbortSignal): Promise<Secured> {
    this.#tls ??= await import('node:tls')
    const tls = this.#tls
    const began = performance.now()
    const newest = await this.#newestFor(socket, waitMs, signal)
    if (socket.destroyed || socket.readableEnded) {
      socket.destroy()
      throw new HandshakeError('closed')
    }
    const { alpn } = this.#options
    const context = (at: number) => this.#context(tls, keys, at, newest)
    const stream = new tls.TLSSocket(socket, {
      isServer: true,
      ...(keys.sessions === null ? {} : { server: keys.sessions }),
      secureContext: context(0),
      SNICallback: (host, done) => done(null, context(certificateFor(keys.material.certificates, host))),
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
    })
    await handshake(stream, socket, { waitMs: Math.max(0, waitMs - (performance.now() - began)), signal, options: this.#options })
    const facts = {
      version: stream.getProtocol() ?? 'unknown',
      cipher: stream.getCipher().standardName,
      alpn: stream.alpnProtocol || null,
      names: keys.material.certificates[shownTo(stream, keys.material)]?.names ?? [],
    }
    return { stream, facts, resumed: stream.isSessionReused() }
  }

  async #newestFor(socket: Socket, waitMs: number, signal: AbortSignal): Promise<Version> {
    if (this.#options.prefersOlderTls !== true) return 'TLSv1.3'
    return (await awaitHello(socket, waitMs, signal)) === 'newer-only' ? 'TLSv1.3' : 'TLSv1.2'
  }

  #context(tls: Tls, { material, contexts: all, ticketKeys }: Keys, at: number, newest: Version): SecureContext {
    const contexts = all[newest]
    const made = contexts[at]
    const pair = material.certificates[at]
    if (made != null) return made
    if (pair === undefined) throw new RangeError('no such certificate')
    const context = tls.createSecureContext({
      cert: pair.certificate,
      key: pair.key,
      minVersion: 'TLSv1.2',
      maxVersion: newest,
      ciphers: suites,
      honorCipherOrder: true,
      // A client that begins again in the middle of a conversation costs much and gains nothing (TLS 1.2).
      secureOptions: noRenegotiation,
      sessionIdContext: this.#service,
      ticketKeys,
      // A conversation goes on with its own session as long as it lasts: after a transfer of many hours too.
      ...(this.#options.ownTickets === true ? { sessionTimeout: longestSessionS } : {}),
    })
    contexts[at] = context
    return context
  }
}

/** Which certificate the client got, in this handshake or in the one whose session it goes on with: no callback tells of that one. */
const shownTo = ({ servername }: TLSSocket, { certificates }: TlsMaterial): number =>
  typeof servername === 'string' && servername !== '' ? certificateFor(certificates, servername) : 0

/** SSL_OP_NO_RENEGOTIATION of OpenSSL, which Node's constants may lack. */
const noRenegotiation = 2 ** 30

/** How long a handshake is waited for, and what it goes by. */
interface Patience {
  readonly waitMs: number
  readonly signal: AbortSignal
  readonly options: TlsOptions
}

const handshake = async (stream: TLSSocket, socket: Socket, { waitMs, signal, options }: Patience): Promise<void> => {
  const done = Promise.withResolvers<void>()
  const fail = (code: string, cause?: unknown) => done.reject(new HandshakeError(code, { cause }))
  const failed = (error: NodeJS.ErrnoException) => fail(error.code ?? error.name, error)
  const spoken = ({ code }: NodeJS.ErrnoException) => {
    // Now or never: Node takes the socket from us on the next turn. So short a word the system takes at once, or it is lost.
    if (code === 'ERR_SSL_HTTP_REQUEST' && options.inClear !== undefined) socket.write(options.inClear())
  }
  const closed = () => fail('closed')
  const aborted = () => fail('ended')
  const timer = setTimeout(() => fail('timeout'), waitMs)
  // These two are what a server's TLSSocket emits; node:tls itself and its users rely on them.
  stream.once('secure', done.resolve)
  stream.once('_tlsError', spoken)
  stream.once('_tlsError', failed)
  stream.once('error', failed)
  stream.once('close', closed)
  // The client shut its side in the middle: nobody reads yet who would notice.
  stream.once('end', closed)
  socket.once('close', closed)
  signal.addEventListener('abort', aborted)
  if (signal.aborted) aborted()
  try {
    await done.promise
  } catch (error) {
    // An alert that explains is on its way already; what comes after it is nobody's.
    stream.on('error', () => undefined)
    stream.destroy()
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', aborted)
    stream.off('close', closed)
    stream.off('end', closed)
    socket.off('close', closed)
    stream.off('error', failed)
    stream.off('_tlsError', spoken)
    stream.off('_tlsError', failed)
  }
  // Later errors too end the conversation: Node tells them this way only.
  stream.on('_tlsError', (error: Error) => stream.destroy(error))
}
