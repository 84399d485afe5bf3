/** One connection: its requests in their order, one after the other, from the first to the end that somebody makes. */
import type { LimitName } from '../../shared/limits/limits.ts'
import type { Connection } from '../../shared/service.ts'
import { allow } from './commands.ts'
import { skippedOctets } from './content.ts'
import { dateNow } from './dates.ts'
import type { Exchange } from './exchange.ts'
import * as journal from './journal.ts'
import type { Problem } from './problem.ts'
import type { KnownAnswer, KnownAnswers } from './replay/known-answers.ts'
import { failure, type Reply } from './replies.ts'
import { type Answering, type Arrival, type Bearer, leaveUnanswered, respond } from './respond.ts'
import { ownId, requestId } from './routing/request-id.ts'
import { reasonOf } from './statuses.ts'
import { tellHead, tellLine } from './transcript.ts'

/** What all sessions of a service share. */
export interface Shared extends Answering {
  /** Whether each answer is to be its connection's last. A kept one waits for its next request: closing it could cross that. */
  draining: boolean
  /** Pipelined requests that wait, of all connections. */
  waiting: number
  /** Answers to requests that are all the same. */
  readonly known: KnownAnswers
}

/** What became of an answer that was known. */
export interface Replayed {
  readonly id: string
  readonly complete: boolean
  readonly durationMs: number
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

/** Limits that the engine keeps, by the status of what it refuses. @param inContent whether the head was there in time and short enough */
const limitMet = (status: number, inContent: boolean): LimitName | null => {
  if (status === 408) return inContent ? 'request' : 'headers'
  return status === 414 ? 'maxTarget' : status === 431 ? 'maxHeaders' : null
}

/** Made for a connection by `service.ts`, ended by `over`. */
export class Session {
  /** Resolves when the conversation is over, all its requests are journalled and all its files are closed. */
  readonly over: Promise<void>
  readonly #connection: Connection
  readonly #shared: Shared
  /** Made with the first request that needs it. */
  #bearer: Bearer | null = null
  readonly #queue: Arrival[] = []
  #state: State = 'open'
  #problem: Problem | null = null
  /** The last request that came. */
  #latest: Arrival | null = null
  /** Whether the answer under way says that it is the last. */
  #closing = false
  #requests = 0
  /** What keeps a stop waiting. */
  #busy: Disposable | null = null
  #running = false
  #paused = false
  /** Whether we hear that the stream flows again. */
  #listening = false
  #resolve: () => void = () => undefined
  #reject: (error: unknown) => void = () => undefined

  constructor(connection: Connection, shared: Shared) {
    this.#connection = connection
    this.#shared = shared
    this.over = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Each listener costs a connection with one request more than all that is decided here: in clear, the host tells of its end.
    if (connection.secure || connection.mustEnd !== null) connection.stream.on('close', () => this.#gone())
    connection.onMustEnd(() => this.#told())
  }

  /** A request came. After the last answer nothing is expected any more, and nothing is answered (RFC 9112 §9.6). */
  request(exchange: Exchange): void {
    if (this.#state !== 'open') return
    this.#requests += 1
    const id = requestId(exchange, this.#connection, this.#shared.trust, this.#requests)
    this.#latest = { exchange, id, arrivedAt: performance.now() }
    this.#queue.push(this.#latest)
    this.#shared.waiting += 1
    if (!this.#running) this.#start()
    else if (this.#queue.length === pausedAt) process.nextTick(() => this.#holdBack())
    if (this.#shared.waiting > maxWaiting && this.#queue.length > pausedAt) {
      journal.flooded(this.#connection, this.#queue.length)
      this.#state = 'ending'
      this.#connection.stream.destroy()
    }
  }

  /** Requests that came so far. */
  get requests(): number {
    return this.#requests
  }

  /** Whether the last request is here with all of its content. */
  get isRead(): boolean {
    return this.#latest?.exchange.complete ?? true
  }

  /** Whether a request that comes now would be answered at once, and another one behind it. */
  get isFree(): boolean {
    return (
      this.#state === 'open' &&
      !this.#running &&
      this.#problem === null &&
      !this.#shared.draining &&
      this.#connection.mustEnd === null
    )
  }

  /** Whether nothing is answered any more. */
  get isOver(): boolean {
    return this.#state !== 'open'
  }

  /** The last request came alone, in these octets. */
  cameAs(known: string): void {
    if (this.#latest !== null) this.#latest.known = known
  }

  /** The name of a request that gets an answer which is known. */
  nameNext(): string {
    this.#requests += 1
    return ownId(this.#connection, this.#requests)
  }

  /** Such an answer is out, or its client gone. */
  replayed({ asked, status, octets, last }: KnownAnswer, { id, complete, durationMs }: Replayed): void {
    const finished = { status, octets: complete ? octets : 0, complete, id, durationMs, received: 0, client: null }
    journal.request(this.#connection, this.#shared.access, asked, finished)
    if (last || !complete) this.#end()
  }

  /** What comes from now on waits, and a stop does too, until the returned function is called. */
  occupy(): () => void {
    this.#running = true
    const busy = this.#connection.busy()
    return () => {
      busy[Symbol.dispose]()
      this.#start()
    }
  }

  /** Something came that is no request: told once what was asked before it is answered. */
  problem(problem: Problem): void {
    // Whoever reads the content in which it came would wait for the rest.
    this.#latest?.exchange.breakOff(problem.status)
    if (this.#state !== 'open' || this.#problem !== null) return
    this.#problem = problem
    if (!this.#running) this.#start()
  }

  /** The last answer is out. So it is told too when the client has shut its side, and then a problem that waits is told all the same. */
  last(): void {
    const told = this.#connection.stream.readableEnded && this.#problem !== null && this.#queue.length === 0
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
    using busy = this.#connection.busy()
    this.#busy = busy
    for (;;) {
      const job = this.#queue.shift()
      if (job === undefined) break
      this.#shared.waiting -= 1
      this.#bearer ??= this.#makeBearer()
      if (this.#state === 'open') await this.#answer(job, this.#bearer)
      else leaveUnanswered(job, this.#bearer)
      if (this.#paused && this.#queue.length < pausedAt / 2) this.#goOn()
    }
    if (this.#problem !== null && this.#state === 'open') {
      this.#state = 'ending'
      this.#refuse(this.#problem)
    }
    this.#running = false
    if (this.#state !== 'open' || this.#connection.mustEnd !== null) this.#end()
  }

  #makeBearer(): Bearer {
    return {
      connection: this.#connection,
      answering: this.#shared,
      gone: () => this.#state === 'gone',
      answered: (arrival, reply) => this.#learn(arrival, reply),
      connectionFields: (exchange, { body, ends }) => {
        this.#closing = ends === true || this.#isLast(exchange)
        if (body.kind !== 'upgraded') return this.#closing ? ['Connection', 'close'] : []
        // It may go on for days: a stop does not wait for its end.
        this.#busy?.[Symbol.dispose]()
        return []
      },
    }
  }

  async #answer(job: Arrival, bearer: Bearer): Promise<void> {
    const { exchange } = job
    const outcome = await respond(job, bearer)
    if (outcome === 'none') return
    if ((this.#closing || !exchange.keepsAlive) && this.#state === 'open') this.#state = 'ending'
    if (outcome === 'cut') this.#connection.stream.destroy()
  }

  #learn({ exchange, id, known }: Arrival, reply: Reply): void {
    // While it is being stopped, the server tells all clients to go.
    if (known === undefined || this.#shared.draining || this.#connection.mustEnd !== null) return
    this.#shared.known.learn(known, exchange, reply, { id, last: this.#closing || !exchange.keepsAlive })
  }

  /** Whether the connection ends with the answer to this request. */
  #isLast(exchange: Exchange): boolean {
    if (this.#shared.draining || this.#connection.mustEnd !== null || this.#state !== 'open') return true
    if (exchange.final === true) return true
    // Somebody reads it, or has read enough of it: what is left is of no known length.
    if (exchange.contentTaken) return !exchange.complete
    // Content that nobody here wants is read past when it is short; of chunks nobody knows how many follow.
    return exchange.field('transfer-encoding') !== undefined || Number(exchange.field('content-length') ?? 0) > skippedOctets
  }

  /** Answers what is no request, unless it belongs to a request that has its answer already. */
  #refuse(problem: Problem): void {
    const ofAnswered = this.#latest !== null && !this.#latest.exchange.complete
    const { stream } = this.#connection
    // A connection that was opened in advance and never used needs no word (RFC 9110 §15.5.9 leaves it open).
    const unused = problem.status === 408 && 'bytesRead' in stream && stream.bytesRead === 0
    const limit = limitMet(problem.status, ofAnswered)
    if (!unused && limit !== null) this.#connection.overLimit(limit)
    if (ofAnswered || unused || !stream.writable) return
    const reply = failure(
      problem.status,
      { asked: null, accept: undefined, connection: this.#connection.id, request: null },
      problem.status === 405 ? { fields: ['Allow', allow] } : {},
    )
    const octets = reply.body.kind === 'octets' ? reply.body.octets : Buffer.alloc(0)
    const fields = [...reply.fields, 'Date', dateNow(), 'Connection', 'close']
    const { transcript } = this.#connection
    if (transcript !== null) {
      tellLine(transcript, problem.line)
      tellHead(transcript, { version: '1.1' }, { status: reply.status, reason: reasonOf(reply.status), fields })
      transcript.content('server', octets.length)
    }
    const lines = [`HTTP/1.1 ${reply.status} ${reasonOf(reply.status)}`]
    for (let at = 0; at < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`)
    stream.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), octets]))
    journal.malformed(this.#connection, this.#shared.access, { ...problem, octets: octets.length })
  }

  /** The host says that the conversation has to end. */
  #told(): void {
    const { mustEnd, stream } = this.#connection
    if (mustEnd === 'closed') return this.#gone()
    // It is told once why, and not of the end that follows.
    stream.on('close', () => this.#gone())
    // A client that takes nothing of its answer for so long gets no more of it.
    if (mustEnd === 'idle' && this.#running) stream.destroy()
    else if (!this.#running) this.#end()
  }

  #gone(): void {
    this.#state = 'gone'
    if (!this.#running) this.#resolve()
  }

  #holdBack(): void {
    if (this.#queue.length < pausedAt || this.#state === 'gone') return
    const { stream } = this.#connection
    // Node resumes its sockets by itself when an answer has drained.
    if (!this.#listening) stream.on('resume', () => this.#holdBack())
    this.#listening = true
    this.#paused = true
    stream.pause()
  }

  #goOn(): void {
    this.#paused = false
    const { stream } = this.#connection
    // Where the parser has left, and nobody has come back yet, what flows is lost: whoever comes lets it flow.
    if (stream.listenerCount('data') > 0) stream.resume()
  }
}
