import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Log } from '../../shared/log/log.ts'
import { type Endpoint, endpointText, localOf, remoteOf } from '../../shared/net/endpoint.ts'
import { type Connection, ConnectionEnd, type Ending } from '../../shared/service.ts'

/** How long a conversation that was told to end may take over its goodbye. */
const goodbyeMs = 2_000

/** Tells processes apart, also over restarts; the counter tells connections of one process apart. */
const process36 = randomBytes(4).readUInt32BE().toString(36)
let counter = 0

/** One client of the host: the connection that the protocol sees, with the host's own book-keeping beside it. */
export class Conversation implements Connection {
  readonly id = `${process36}-${(++counter).toString(36)}`
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly secure = false
  readonly stream: Socket
  readonly signal: AbortSignal
  readonly log: Log
  readonly #controller = new AbortController()
  #underWay = 0
  #stopping = false
  #activeAt = performance.now()
  #octets = 0
  #goodbye: NodeJS.Timeout | null = null

  constructor(socket: Socket, log: Log) {
    this.stream = socket
    this.remote = remoteOf(socket)
    this.local = localOf(socket)
    this.signal = this.#controller.signal
    this.log = log.with({ connection: this.id, remote: endpointText(this.remote) })
    socket.once('close', () => {
      if (this.#goodbye !== null) clearTimeout(this.#goodbye)
      this.#controller.abort(new ConnectionEnd('closed'))
    })
  }

  busy(): Disposable {
    this.#underWay += 1
    let over = false
    return {
      [Symbol.dispose]: () => {
        if (over) return
        over = true
        this.#underWay -= 1
        // On the next turn: the reply to what was under way is written before the goodbye, and a pipelined command goes on.
        if (this.#stopping && this.#underWay === 0) setImmediate(() => this.#stopWhenFree())
      },
    }
  }

  touch(): void {
    this.#activeAt = performance.now()
  }

  /** Ends the conversation as idle when nothing came or went for so long; called now and again. */
  checkIdle(now: number, idleMs: number): void {
    const octets = this.stream.bytesRead + this.stream.bytesWritten
    if (octets !== this.#octets) {
      this.#octets = octets
      this.#activeAt = now
    } else if (now - this.#activeAt >= idleMs) this.end('idle')
  }

  /** Ends the conversation as soon as nothing is under way in it. */
  stopWhenFree(): void {
    this.#stopping = true
    this.#stopWhenFree()
  }

  /** Tells the protocol that the conversation has to end now; after two seconds it is cut off. */
  end(why: Ending): void {
    if (this.signal.aborted) return
    this.#goodbye ??= setTimeout(() => this.stream.destroy(), goodbyeMs)
    this.#controller.abort(new ConnectionEnd(why))
  }

  /** Ends what the protocol left open when it was done with the conversation. */
  close(): void {
    if (this.stream.destroyed) return
    this.stream.end()
    // What the client still sends is read and dropped: unread octets would turn our close into a reset that eats the last reply.
    this.stream.resume()
    this.#goodbye ??= setTimeout(() => this.stream.destroy(), goodbyeMs)
  }

  #stopWhenFree(): void {
    if (this.#underWay === 0) this.end('stopping')
  }
}
