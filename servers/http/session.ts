/** One connection: its requests in their order, one after the other, from the first to the end that somebody makes. */
import type { LimitName } from '../../shared/limits/limits.ts'
import type { LineFile } from '../../shared/log/journal.ts'
import { type Connection, endingOf } from '../../shared/service.ts'
import { allow } from './commands.ts'
import { type Delivery, deliver } from './delivery.ts'
import type { Problem } from './engine.ts'
import type { Exchange } from './exchange.ts'
import * as journal from './journal.ts'
import { type Asker, failure, type Reply, reasonOf } from './replies.ts'
import { answer, type Rules } from './request.ts'

/** What all sessions of a service share. */
export interface Shared {
  readonly rules: Rules
  readonly access: LineFile
  /** Whether each answer is to be its connection's last. A kept one waits for its next request: closing it could cross that. */
  draining: boolean
  /** Pipelined requests that wait, of all connections. */
  waiting: number
}

interface Job {
  readonly exchange: Exchange
  readonly arrivedAt: number
}

/**
 * `open`: between requests, or in one; `ending`: nothing more is answered, what was answered is out or on its way;
 * `gone`: the stream is closed.
 */
type State = 'open' | 'ending' | 'gone'

/** Waiting requests of one connection from which on no more are read. One packet may bring more. */
const pausedAt = 16

/** Waiting requests of all connections: each costs some 5 KiB, and a packet of 64 KiB holds up to 3,600. */
const maxWaiting = 10_000

/** Limits of requests, by what is answered at them. */
const limitsMet: { readonly [status: number]: LimitName } = { 408: 'headers', 414: 'maxTarget', 431: 'maxHeaders' }

/** The outcome of a request that got no answer. */
const unanswered = { status: null, octets: 0, complete: false } as const

/** Content of a request that is read past to come to the next one; with more of it, the connection ends with the answer. */
const skippedOctets = 64 * 1024

/** Made for a connection by `service.ts`, ended by `over`. */
export class Session {
  /** Resolves when the conversation is over, all its requests are journalled and all its files are closed. */
  readonly over: Promise<void>
  readonly #connection: Connection
  readonly #shared: Shared
  readonly #queue: Job[] = []
  #state: State = 'open'
  #problem: Problem | null = null
  /** The last request that came. */
  #latest: Exchange | null = null
  #answered = 0
  #running = false
  #paused = false
  #halfClosed = false
  #resolve: () => void = () => undefined
  #reject: (error: unknown) => void = () => undefined

  constructor(connection: Connection, shared: Shared) {
    this.#connection = connection
    this.#shared = shared
    this.over = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { stream, signal } = connection
    stream.once('close', () => this.#gone())
    stream.once('end', () => {
      this.#halfClosed = true
    })
    // Node resumes its sockets by itself when an answer has drained.
    stream.on('resume', () => this.#holdBack())
    signal.addEventListener('abort', () => this.#told(), { once: true })
  }

  /** A request came. After the last answer nothing is expected any more, and nothing is answered (RFC 9112 §9.6). */
  request(exchange: Exchange): void {
    if (this.#state !== 'open') return
    this.#latest = exchange
    this.#queue.push({ exchange, arrivedAt: performance.now() })
    this.#shared.waiting += 1
    if (!this.#running) this.#start()
    else if (this.#queue.length === pausedAt) process.nextTick(() => this.#holdBack())
    if (this.#shared.waiting > maxWaiting && this.#queue.length > pausedAt) {
      journal.flooded(this.#connection, this.#queue.length)
      this.#state = 'ending'
      this.#connection.stream.destroy()
    }
  }

  /** Something came that is no request: told once what was asked before it is answered. */
  problem(problem: Problem): void {
    if (this.#state !== 'open' || this.#problem !== null) return
    this.#problem = problem
    if (!this.#running) this.#start()
  }

  /** The last answer is out. So it is told too when the client has shut its side, and then a problem that waits is told all the same. */
  last(): void {
    const told = this.#halfClosed && this.#problem !== null && this.#queue.length === 0
    if (this.#state === 'open' && !told) this.#state = 'ending'
  }

  #end(): void {
    if (this.#state === 'open') this.#state = 'ending'
    this.#resolve()
  }

  #start(): void {
    this.#running = true
    this.#run().catch(this.#reject)
  }

  async #run(): Promise<void> {
    // A stop waits for a request from its arrival to the end of its answer.
    using _busy = this.#connection.busy()
    for (;;) {
      const job = this.#queue.shift()
      if (job === undefined) break
      this.#shared.waiting -= 1
      if (this.#state === 'open') await this.#tryToAnswer(job)
      else this.#record(job, unanswered)
      if (this.#paused && this.#queue.length < pausedAt / 2) this.#goOn()
    }
    if (this.#problem !== null && this.#state === 'open') {
      this.#state = 'ending'
      this.#refuse(this.#problem)
    }
    this.#running = false
    if (this.#state !== 'open' || this.#connection.signal.aborted) this.#end()
  }

  async #tryToAnswer(job: Job): Promise<void> {
    try {
      await this.#answer(job)
    } catch (error) {
      // Not even the way out worked, whatever it is: this connection fails, the server goes on.
      journal.failed(this.#connection, job.exchange, error)
      this.#record(job, unanswered)
      this.#connection.stream.destroy()
    }
  }

  async #answer(job: Job): Promise<void> {
    const { exchange } = job
    const reply = await this.#reply(exchange)
    if (this.#state === 'gone') {
      await reply.opened?.close()
      this.#record(job, unanswered)
      return
    }
    this.#countLimit(reply.status)
    const isLast = this.#isLast(exchange)
    const fields = isLast ? [...reply.fields, 'Connection', 'close'] : reply.fields
    const head = { status: reply.status, reason: reasonOf(reply.status), fields }
    const delivery = await deliver(exchange, head, reply, exchange.method !== 'HEAD')
    this.#answered += 1
    if ((isLast || !exchange.keepsAlive) && this.#state === 'open') this.#state = 'ending'
    this.#record(job, { status: reply.status, octets: delivery.octets, complete: delivery.complete })
    if (!delivery.complete) this.#cut(exchange, delivery)
  }

  async #reply(exchange: Exchange): Promise<Reply> {
    try {
      const reply = await answer(exchange, this.#connection.id, this.#shared.rules)
      if (reply.cause !== undefined) journal.failed(this.#connection, exchange, reply.cause)
      return reply
    } catch (error) {
      // Whatever it is: this request fails, the server goes on.
      journal.failed(this.#connection, exchange, error)
      return failure(500, this.#asker(exchange))
    }
  }

  #asker(exchange: Exchange | null): Asker {
    return {
      asked: exchange === null ? null : { method: exchange.method, target: exchange.target },
      accept: exchange?.field('accept'),
      connection: this.#connection.id,
    }
  }

  /** Whether the connection ends with the answer to this request. */
  #isLast(exchange: Exchange): boolean {
    if (this.#shared.draining || this.#connection.signal.aborted || this.#state !== 'open') return true
    // What was pipelined behind a request that asks for another protocol is lost (see engine.ts).
    if (exchange.field('upgrade') !== undefined) return true
    // Content that nobody here wants is read past when it is short; of chunks nobody knows how many follow.
    return exchange.field('transfer-encoding') !== undefined || Number(exchange.field('content-length') ?? 0) > skippedOctets
  }

  /** An answer that could not be finished: only the end of the connection tells the client so (RFC 9112 §8). */
  #cut(exchange: Exchange, { failure: reason, error }: Delivery): void {
    if (reason !== null) journal.cutShort(this.#connection, exchange, reason, error)
    this.#connection.stream.destroy()
  }

  /** Answers what is no request, unless it belongs to a request that has its answer already. */
  #refuse(problem: Problem): void {
    const ofAnswered = this.#latest !== null && !this.#latest.complete
    const { stream } = this.#connection
    // A connection that was opened in advance and never used needs no word (RFC 9110 §15.5.9 leaves it open).
    const unused = problem.status === 408 && 'bytesRead' in stream && stream.bytesRead === 0
    if (!unused) this.#countLimit(problem.status, ofAnswered)
    if (ofAnswered || unused || !stream.writable) return
    const reply = failure(problem.status, this.#asker(null), problem.status === 405 ? { fields: ['Allow', allow] } : {})
    const octets = reply.body.kind === 'octets' ? reply.body.octets : Buffer.alloc(0)
    const fields = [...reply.fields, 'Date', new Date().toUTCString(), 'Connection', 'close']
    const lines = [`HTTP/1.1 ${reply.status} ${reasonOf(reply.status)}`]
    for (let at = 0; at < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`)
    stream.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), octets]))
    journal.malformed(this.#connection, this.#shared.access, { ...problem, octets: octets.length })
  }

  /** @param inContent whether its head was there in time and short enough */
  #countLimit(status: number, inContent = false): void {
    const limit = inContent && status === 408 ? 'request' : limitsMet[status]
    if (limit !== undefined) this.#connection.overLimit(limit)
  }

  #record({ exchange, arrivedAt }: Job, outcome: { status: number | null; octets: number; complete: boolean }): void {
    if (this.#connection.probe) return
    const durationMs = performance.now() - arrivedAt
    journal.request(this.#connection, this.#shared.access, exchange, { ...outcome, durationMs })
  }

  /** The host says that the conversation has to end. */
  #told(): void {
    const why = endingOf(this.#connection.signal)
    // A client that takes nothing of its answer for so long gets no more of it.
    if (why === 'idle' && this.#running) this.#connection.stream.destroy()
    else if (!this.#running) this.#end()
  }

  #gone(): void {
    this.#state = 'gone'
    if (!this.#running) this.#resolve()
  }

  #holdBack(): void {
    if (this.#queue.length < pausedAt || this.#state === 'gone') return
    this.#paused = true
    this.#connection.stream.pause()
  }

  #goOn(): void {
    this.#paused = false
    this.#connection.stream.resume()
  }
}
