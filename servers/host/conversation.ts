import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { LimitName } from '../../shared/limits/limits.ts'
import type { Log } from '../../shared/log/log.ts'
import { type Endpoint, endpointText, isLoopback, localOf, remoteOf } from '../../shared/net/endpoint.ts'
import { IntroductionError } from '../../shared/net/proxy-header.ts'
import { type Connection, ConnectionEnd, type Ending } from '../../shared/service.ts'
import type { TlsFacts } from '../../shared/tls/material.ts'
import { HandshakeError, type Keys, type Secured, type ServiceTls } from '../../shared/tls/service-tls.ts'
import * as journal from './journal.ts'
import type { Proxies } from './proxies.ts'
import { Recorder } from './recorder.ts'

/** How long a conversation that was told to end may take over its goodbye. */
const goodbyeMs = 2_000

/** Tells processes apart, also over restarts; the counter tells connections of one process apart. */
const process36 = randomBytes(4).readUInt32BE().toString(36)
let counter = 0

/** What conversations need to be encrypted. */
export interface Security {
  readonly tls: ServiceTls
  readonly handshakeMs: number
}

/** What is the same for all conversations of a host. */
export interface Surroundings {
  /** null: they stay in clear. */
  readonly security: Security | null
  /** null: nobody hands on connections of others. */
  readonly proxies: Proxies | null
  /** Counts that a limit was met. */
  readonly overLimit: (limit: LimitName) => void
}

/** How long what may last in a conversation. */
export interface Deadlines {
  readonly idleMs: number
  readonly loginMs: number | null
  readonly totalMs: number | null
}

/** One client of the host: the connection that the protocol sees, with the host's own book-keeping beside it. */
export class Conversation implements Connection {
  readonly id = `${process36}-${(++counter).toString(36)}`
  /** What the client, or the proxy that hands it on, connected to; octets are counted here, encrypted or not. */
  readonly socket: Socket
  readonly probe: boolean
  /** Null where the journal does not keep what is said: then it costs nothing. */
  readonly transcript: Recorder | null
  readonly #proxies: Proxies | null
  readonly #serviceLog: Log
  /** Why it has to end. */
  #mustEnd: Ending | null = null
  /** Who is told of it: those who ask for no signal, and those who do. */
  #told: (() => void) | null = null
  #controller: AbortController | null = null
  readonly #security: Security | null
  #remote: Endpoint
  /** null: nobody has asked yet, and what the socket says holds. */
  #local: Endpoint | null = null
  /** null: nothing was written since it is known whose the connection is. */
  #log: Log | null = null
  #via: Endpoint | null = null
  #stream: Socket
  #keys: Keys | null = null
  #tls: TlsFacts | null = null
  #clientEnded = false
  readonly #openedAt = performance.now()
  readonly #overLimit: (limit: LimitName) => void
  #underWay = 0
  #stopping = false
  #loggedIn = false
  #activeAt = this.#openedAt
  #octets = 0
  #goodbye: NodeJS.Timeout | null = null
  #closed: () => void = () => undefined

  /**
   * Costs each connection what is made here: the rest is made for whoever asks for it.
   * @param probe  whether it is no client but the supervisor, which asks whether we are well
   * @param remote the other end of the socket, where it is known already
   */
  constructor(
    socket: Socket,
    log: Log,
    { security, proxies, overLimit }: Surroundings,
    probe = false,
    remote: Endpoint = remoteOf(socket),
  ) {
    this.socket = socket
    this.probe = probe
    this.#overLimit = overLimit
    this.#stream = socket
    this.#security = security
    this.#proxies = proxies
    this.#remote = remote
    this.#serviceLog = log
    this.transcript = log.keeps('debug') ? new Recorder(this) : null
    this.#watch(socket)
    socket.on('close', () => {
      if (this.#goodbye !== null) clearTimeout(this.#goodbye)
      this.#endFor('closed')
      this.#closed()
    })
  }

  /** Has this called once the socket is gone, after the protocol was told. In place of who asked before. */
  onClosed(closed: () => void): void {
    this.#closed = closed
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.#mustEnd !== null) this.#controller.abort(ConnectionEnd.of(this.#mustEnd))
    }
    return this.#controller.signal
  }

  get mustEnd(): Ending | null {
    return this.#mustEnd
  }

  onMustEnd(told: () => void): void {
    this.#told = told
  }

  get remote(): Endpoint {
    return this.#remote
  }

  get local(): Endpoint {
    // Asked of the system: what few ask for.
    this.#local ??= localOf(this.socket)
    return this.#local
  }

  get withinMachine(): boolean {
    return isLoopback(this.#remote.address) && (this.#via === null || isLoopback(this.#via.address))
  }

  get log(): Log {
    this.#log ??= this.#serviceLog.with({ connection: this.id, remote: endpointText(this.#remote) })
    return this.#log
  }

  /** The proxy that handed it on, or null. */
  get via(): Endpoint | null {
    return this.#via
  }

  /** Who ended the connection and, where that is known here, why. */
  get ending(): { readonly by: 'client' | 'server'; readonly why?: Exclude<Ending, 'closed'> } {
    const why = this.#mustEnd
    return why === null || why === 'closed' ? { by: this.#clientEnded ? 'client' : 'server' } : { by: 'server', why }
  }

  get stream(): Socket {
    return this.#stream
  }

  get secure(): boolean {
    return this.#tls !== null
  }

  get tls(): TlsFacts | null {
    return this.#tls
  }

  /** Whether it comes from a proxy, and nobody knows yet whose it is. */
  get needsIntroduction(): boolean {
    return this.#proxies?.has(this.#remote) ?? false
  }

  /** Learns from the proxy whose it is. @throws {IntroductionError} */
  async beIntroduced(): Promise<void> {
    if (this.#proxies === null) return
    const via = this.#remote
    const { remote, local } = await this.#proxies.endsOf(this.socket, this.signal)
    // Nobody would hear of the end any more: who shuts his side before his first word has nothing to ask.
    if (this.socket.readableEnded) throw new IntroductionError('closed')
    // Its own, a health check: served as any client.
    if (remote.address === via.address && remote.port === via.port) return
    this.#via = via
    this.#remote = remote
    this.#local = local
    this.#log = null
  }

  async peerOf(socket: Socket): Promise<Endpoint> {
    return this.#proxies === null ? remoteOf(socket) : (await this.#proxies.endsOf(socket, this.signal)).remote
  }

  async startTls(): Promise<void> {
    // At once: what arrives from now on may belong to the handshake, and waits in the socket's buffer until it is read as such.
    const dropped = dropUnread(this.socket)
    if (dropped > 0) journal.clearOctetsDropped(this, dropped)
    await this.encrypt()
  }

  /** TLS from the first octet. @throws {HandshakeError} */
  async encrypt(): Promise<void> {
    const { tls } = this.#needSecurity()
    if (this.#keys !== null) throw new Error('the connection is encrypted already')
    const keys = await tls.keys()
    this.#keys = keys
    const { stream, facts, resumed } = await this.#handshake(this.socket, keys, 'conversation')
    this.#stream = stream
    this.#watch(stream)
    this.#tls = facts
    // The one is not without the other.
    stream.once('close', () => this.socket.destroy())
    this.socket.once('close', () => stream.destroy())
    journal.encrypted(this, facts, resumed)
  }

  async secureOther(socket: Socket): Promise<{ readonly stream: Socket; readonly resumed: boolean }> {
    if (this.#keys === null) throw new Error('the connection is not encrypted')
    return this.#handshake(socket, this.#keys, 'data')
  }

  certifies(host: string): boolean {
    return this.#security?.tls.certifies(host) ?? false
  }

  busy(): Disposable {
    this.#underWay += 1
    return new Work(() => this.#over())
  }

  #over(): void {
    this.#underWay -= 1
    // On the next turn: the reply to what was under way is written before the goodbye, and a pipelined command goes on.
    if (this.#stopping && this.#underWay === 0) setImmediate(() => this.#stopWhenFree())
  }

  touch(): void {
    this.#activeAt = performance.now()
  }

  loggedIn(): void {
    this.#loggedIn = true
  }

  overLimit(limit: LimitName): void {
    this.#overLimit(limit)
  }

  /** Milliseconds since it began. */
  get ageMs(): number {
    return performance.now() - this.#openedAt
  }

  /** Octets that wait in memory: those that the client does not take, and those of it that nobody has read. */
  get waitingOctets(): number {
    const held = ({ writableLength, readableLength }: Socket) => writableLength + readableLength
    return this.#stream === this.socket ? held(this.socket) : held(this.socket) + held(this.#stream)
  }

  /** Ends the conversation when it is silent or lasts for too long; called now and again. @returns the limit that it met just now */
  checkDeadlines(now: number, { idleMs, loginMs, totalMs }: Deadlines): 'idle' | 'login' | 'total' | null {
    if (this.#mustEnd !== null) return null
    const octets = this.socket.bytesRead + this.socket.bytesWritten
    if (octets !== this.#octets) {
      this.#octets = octets
      this.#activeAt = now
    }
    const age = now - this.#openedAt
    const met =
      totalMs !== null && age >= totalMs
        ? 'total'
        : loginMs !== null && !this.#loggedIn && age >= loginMs
          ? 'login'
          : now - this.#activeAt >= idleMs
            ? 'idle'
            : null
    if (met !== null) this.end(met)
    return met
  }

  /** Ends the conversation as soon as nothing is under way in it. */
  stopWhenFree(): void {
    this.#stopping = true
    this.#stopWhenFree()
  }

  /** Tells the protocol that the conversation has to end now; after two seconds it is cut off. */
  end(why: Ending): void {
    if (this.#mustEnd !== null) return
    this.#goodbye ??= setTimeout(() => this.destroy(), goodbyeMs)
    this.#endFor(why)
  }

  #endFor(why: Ending): void {
    if (this.#mustEnd !== null) return
    this.#mustEnd = why
    this.#told?.()
    this.#controller?.abort(ConnectionEnd.of(why))
  }

  /** Ends what the protocol left open when it was done with the conversation. */
  close(): void {
    if (this.socket.destroyed) return
    this.stream.end()
    // What the client still sends is read and dropped: unread octets would turn our close into a reset that eats the last reply.
    this.stream.resume()
    this.#goodbye ??= setTimeout(() => this.destroy(), goodbyeMs)
  }

  /** Cuts it off. */
  destroy(): void {
    this.#stream.destroy()
    this.socket.destroy()
  }

  /** Whoever says first that nothing more comes, has ended it. */
  #watch(stream: Socket): void {
    const ended = () => {
      this.#clientEnded ||= !stream.writableEnded
    }
    stream.on('end', ended)
    stream.on('error', (error: NodeJS.ErrnoException) => {
      ended()
      journal.broken(this, error.code ?? error.name)
    })
  }

  #needSecurity(): Security {
    if (this.#security === null) throw new Error('the service has no TLS')
    return this.#security
  }

  async #handshake(socket: Socket, keys: Keys, what: 'conversation' | 'data'): Promise<Secured> {
    const { tls, handshakeMs } = this.#needSecurity()
    try {
      return await tls.secure(socket, keys, handshakeMs, this.signal)
    } catch (error) {
      if (error instanceof HandshakeError) journal.notEncrypted(this, what, error.code)
      if (error instanceof HandshakeError && error.code === 'timeout') this.#overLimit('handshake')
      throw error
    }
  }

  #stopWhenFree(): void {
    if (this.#underWay === 0) this.end('stopping')
  }
}

/** Work under way, once over. */
class Work implements Disposable {
  #over: (() => void) | null

  constructor(over: () => void) {
    this.#over = over
  }

  [Symbol.dispose](): void {
    const over = this.#over
    this.#over = null
    over?.()
  }
}

/** Reads what has arrived and was not read, for nobody. @returns its octets */
const dropUnread = (socket: Socket): number => {
  socket.pause()
  let octets = 0
  for (;;) {
    const chunk: unknown = socket.read()
    if (!Buffer.isBuffer(chunk)) return octets
    octets += chunk.length
  }
}
