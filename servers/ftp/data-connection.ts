import { connect, type Socket } from 'node:net'
import { type Endpoint, endpointText, localOf, plainAddress, remoteOf } from '../../shared/net/endpoint.ts'
import { IntroductionError } from '../../shared/net/proxy-header.ts'
import { readInto, type Sink } from './direct-reading.ts'
import type { PassivePort, PassivePorts } from './passive-ports.ts'

/** Why there is no data connection: nobody asked for one, it did not come about in time, or the wait was given up. */
export class DataConnectionError extends Error {
  override readonly name = 'DataConnectionError'
  readonly why: 'no-target' | 'failed' | 'given-up'
  constructor(why: 'no-target' | 'failed' | 'given-up', options?: ErrorOptions) {
    super(`no data connection: ${why}`, options)
    this.why = why
  }
}

/** There is a data connection, but it cannot be encrypted, or not with the session that it must have. */
export class DataTlsError extends Error {
  override readonly name = 'DataTlsError'
  readonly why: 'handshake' | 'not-resumed'
  constructor(why: 'handshake' | 'not-resumed', options?: ErrorOptions) {
    super(`no encrypted data connection: ${why}`, options)
    this.why = why
  }
}

/** Where the next data connection comes from. */
type Source =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'passive'
      readonly port: PassivePort
      readonly arrived: PromiseWithResolvers<Socket>
      /** Ends the wait where no command comes that needs the connection. */
      readonly tooLate: NodeJS.Timeout
    }
  | { readonly kind: 'active'; readonly target: Endpoint }

/** How data connections of one session are made. */
export interface DataChannelOptions {
  /** The client's own address: no other one is connected to or accepted from (RFC 2577 §3). */
  readonly client: string
  /** Who is at the other end of a socket that came. @throws {IntroductionError} a proxy does not say */
  readonly peerOf: (socket: Socket) => Promise<string>
  /** Our address of the control connection: data connections use the same. */
  readonly local: string
  readonly ports: PassivePorts
  readonly waitMs: number
  /** Encrypts a data connection as the session says now; the same socket where it stays in clear. @throws {DataTlsError} */
  readonly encrypt: (socket: Socket) => Promise<Socket>
  /** Somebody else came to the passive port. */
  readonly onStranger: (address: string) => void
}

/** A data connection, for the journal. */
export interface DataFacts {
  readonly mode: 'passive' | 'active'
  /** Whose end the other side connected to: ours when passive, the client's when active. */
  readonly address: string
}

const addressOf = (mode: DataFacts['mode'], socket: Socket): Endpoint => (mode === 'passive' ? localOf(socket) : remoteOf(socket))

const nothing: Source = { kind: 'none' }

/**
 * The data connection of a session: at most one, prepared by PASV or PORT, used once. Owns listener and socket; `close` releases both.
 */
export class DataChannel {
  readonly #options: DataChannelOptions
  #source: Source = nothing
  #socket: Socket | null = null
  #last: DataFacts | null = null

  constructor(options: DataChannelOptions) {
    this.#options = options
  }

  /** The connection that was made last, if there was one. */
  get last(): DataFacts | null {
    return this.#last
  }

  /**
   * Waits on a port for the client, instead of whatever was prepared before.
   * @param signal ends the wait for a free port
   * @returns the port
   * @throws {NoFreePortError} and what the system says where it cannot listen
   */
  async listen(signal: AbortSignal): Promise<number> {
    this.close()
    const { ports, local, waitMs } = this.#options
    const port = await ports.listen(local, signal)
    const arrived = Promise.withResolvers<Socket>()
    // Nobody may be waiting when it fails.
    arrived.promise.catch(() => undefined)
    const source: Source = { kind: 'passive', port, arrived, tooLate: setTimeout(() => this.#giveUp(source), waitMs) }
    port.listener.on('connection', (socket) => void this.#accept(socket, source))
    // Accepting fails, as where no descriptor is left.
    port.listener.on('error', () => this.#giveUp(source))
    this.#source = source
    return port.port
  }

  /** Connects to the client when a transfer begins, instead of whatever was prepared before. */
  aim(target: Endpoint): void {
    this.close()
    this.#source = { kind: 'active', target }
  }

  /**
   * The connection, made or awaited now; what was prepared is used up.
   * @param signal gives up the wait
   * @throws {DataConnectionError}
   */
  async connect(signal: AbortSignal): Promise<Socket> {
    const source = this.#source
    this.#last = null
    if (source.kind === 'none') throw new DataConnectionError('no-target')
    const given = Promise.withResolvers<never>()
    const giveUp = () => given.reject(new DataConnectionError('given-up'))
    const tooLate = setTimeout(() => given.reject(new DataConnectionError('failed')), this.#options.waitMs)
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
    try {
      if (source.kind === 'passive') clearTimeout(source.tooLate)
      const made = source.kind === 'passive' ? source.arrived.promise : this.#connectTo(source.target)
      this.#socket = await Promise.race([made, given.promise])
      this.#socket.setNoDelay(true)
      this.#last = { mode: source.kind, address: endpointText(addressOf(source.kind, this.#socket)) }
      return this.#socket
    } finally {
      clearTimeout(tooLate)
      signal.removeEventListener('abort', giveUp)
    }
  }

  /**
   * The connection as the session wants it: encrypted or in clear.
   * @throws {DataTlsError} it is gone then
   */
  async encrypt(socket: Socket): Promise<Socket> {
    const stream = await this.#options.encrypt(socket)
    // It was ended meanwhile.
    if (this.#socket !== socket) stream.destroy()
    else this.#socket = stream
    return stream
  }

  /**
   * Has what the client sends on this connection put right into a sink, where that can be.
   * @returns the socket that is the connection from then on; null: nothing has changed
   */
  readInto(socket: Socket, sink: Sink): Socket | null {
    const direct = this.#socket === socket ? readInto(socket, sink) : null
    if (direct === null) return null
    // An error is an event, as on any connection; who uses it sees it too.
    direct.on('error', () => undefined)
    this.#socket = direct
    return direct
  }

  /** Ends the connection at once, if there is one. */
  cut(): void {
    this.#socket?.destroy()
  }

  /** Ends listener and connection at once. What was sent on a connection that `finish` ended still arrives. */
  close(): void {
    this.#giveUp(this.#source)
    this.#source = nothing
    this.#socket?.destroy()
    this.#socket = null
  }

  /** Leaves a connection that was used to its end to itself: it closes when the client has closed, at the latest after a while. */
  finish(): void {
    const socket = this.#socket
    this.#socket = null
    this.close()
    if (socket === null || socket.destroyed) return
    // Ended by who sent: a second time costs Node an error that nobody gets.
    if (!socket.writableEnded) socket.end()
    // Octets that nobody reads would turn the close into a reset.
    socket.resume()
    const tooLate = setTimeout(() => socket.destroy(), this.#options.waitMs)
    socket.once('close', () => clearTimeout(tooLate))
  }

  /** Awaits nobody any more. Without effect on a connection that came. */
  #giveUp(source: Source): void {
    if (source.kind !== 'passive' || source.port.closed) return
    clearTimeout(source.tooLate)
    source.port.close(false)
    source.arrived.reject(new DataConnectionError('failed'))
  }

  async #accept(socket: Socket, source: Extract<Source, { kind: 'passive' }>): Promise<void> {
    // An error is an event even when nobody uses the connection yet; who uses it sees it again.
    socket.on('error', () => undefined)
    // It may be gone before it is known who it was.
    const came = plainAddress(socket.remoteAddress ?? '')
    const peer = await this.#peerOf(socket)
    // Whoever came first is waited for no longer, and after `close` nobody is.
    const wanted = this.#source === source && this.#socket === null
    if (!wanted || peer !== this.#options.client) {
      if (peer !== this.#options.client) this.#options.onStranger(peer ?? came)
      socket.destroy()
      return
    }
    // As it came: a header that was read has begun the reading.
    socket.pause()
    this.#socket = socket
    clearTimeout(source.tooLate)
    source.port.close(true)
    source.arrived.resolve(socket)
  }

  /** @returns null where a proxy does not say */
  async #peerOf(socket: Socket): Promise<string | null> {
    try {
      return await this.#options.peerOf(socket)
    } catch (error) {
      if (error instanceof IntroductionError) return null
      throw error
    }
  }

  async #connectTo({ address, port }: Endpoint): Promise<Socket> {
    const socket = connect({ host: address, port, localAddress: this.#options.local, allowHalfOpen: true })
    this.#socket = socket
    // Before it is there: nothing is read then until somebody does.
    socket.pause()
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.on('error', (cause) => reject(new DataConnectionError('failed', { cause })))
      socket.once('close', () => reject(new DataConnectionError('failed')))
    })
    return socket
  }
}
