/** One connection that speaks HTTP/2: its requests side by side, what it may do, and its end. */
import type { LimitName } from '../../../shared/limits/limits.ts'
import { type Connection, endingOf } from '../../../shared/service.ts'
import * as journal from '../journal.ts'
import { type Answering, type Bearer, leaveUnanswered, respond } from '../respond.ts'
import { requestId } from '../routing/request-id.ts'
import { Allowance } from './allowance.ts'
import { H2Engine } from './h2-engine.ts'
import type { H2Exchange, Siblings } from './h2-exchange.ts'

/** What one connection may have and do. */
export interface H2Limits {
  readonly headOctets: number
  /** Requests at once. */
  readonly streams: number
  /** Requests at once of all connections; more are refused where one has a few already. */
  readonly allStreams: number
  /** Requests that are taken back: so many at once, and a tenth of it more each second. */
  readonly resets: number
  /** PING and SETTINGS frames: so many at once, and a tenth of it more each second. */
  readonly controlFrames: number
  /** Until its first request is there. */
  readonly headersMs: number
  /** For content that nobody takes or that does not go on, and without an octet of an answer being taken. */
  readonly requestMs: number
  /** Without a request. */
  readonly keepAliveMs: number
}

/** What all sessions of a service share. */
export interface H2Shared extends Answering {
  readonly limits: H2Limits
  /** Whether the service is being replaced or stopped. */
  draining: boolean
  /** Requests of all connections that are under way. */
  underWay: number
}

/**
 * Octets that a connection may send beside the heads and the content of requests: at once, each second, and for each octet of an answer
 * (a client tells of windows as it takes answers: 26 octets for a frame of 16 KiB, or of 1 KiB).
 */
const spareOctets = 1024 * 1024
const spareOctetsPerSecond = 4 * 1024
const spareForAnswers = 1 / 32
/** In a frame's head, around a request. */
const frameOctets = 64

/** How long the last octets may take to go out, before the connection is cut. */
const lastOctetsMs = 2_000
/**
 * How long an answer may stand still once its client has ended its side. Such a client is mostly gone, and nobody would tell: what waits
 * for its windows is nothing that could meet a reset.
 */
const endedMs = 3_000
/** How long a client has to hear that the end is near before it is the end (RFC 9113 §6.8: a round trip). */
const noticeMs = 1_000

/** Requests that a connection may have under way whatever others have: a little of a page, and one with a long download goes on. */
const fewStreams = 4

const noFields: readonly string[] = []

/**
 * `open`; `leaving`: the client was told that the end is near, and is still answered; `ending`: no further request is looked at;
 * `gone`: the connection is.
 */
type State = 'open' | 'leaving' | 'ending' | 'gone'

/** Made for a connection by `h2-server.ts`, ended by `over`. */
export class H2Session {
  /** Resolves when the conversation is over, all its requests are journalled and all their files are closed. */
  readonly over: Promise<void>
  readonly #connection: Connection
  readonly #shared: H2Shared
  readonly #engine: H2Engine
  readonly #bearer: Bearer
  readonly #siblings: Siblings
  readonly #open = new Set<H2Exchange>()
  readonly #beganAt = performance.now()
  readonly #resets: Allowance
  readonly #control: Allowance
  #state: State = 'open'
  #stateSince = this.#beganAt
  #requests = 0
  /** Requests and answers that are no longer under way. */
  #octetsIn = 0
  #octetsOut = 0
  #emptySince = this.#beganAt
  #kept: Buffer[] = []
  #busy: Disposable | null = null
  #written = false
  #resolve: () => void = () => undefined

  constructor(connection: Connection, shared: H2Shared) {
    this.#connection = connection
    this.#shared = shared
    this.over = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#resets = new Allowance(shared.limits.resets, this.#beganAt)
    this.#control = new Allowance(shared.limits.controlFrames, this.#beganAt)
    this.#bearer = {
      connection,
      answering: shared,
      gone: (exchange) => this.#state === 'gone' || !('over' in exchange) || exchange.over === true,
      connectionFields: () => noFields,
    }
    this.#siblings = {
      maxHeadOctets: shared.limits.headOctets,
      written: (octets) => {
        this.#octetsOut += octets
        if (this.#kept.length > 0) this.#kept = []
      },
      keep: (octets) => void this.#kept.push(octets),
      takenBack: () => this.#takenBack(),
    }
    this.#engine = new H2Engine(connection.stream, shared.limits, {
      request: (exchange) => this.#request(exchange),
      control: () => this.#controlled(),
      broken: (code) => this.#broken(code),
      over: () => this.#isOver(),
    })
    connection.signal.addEventListener('abort', () => this.#told(), { once: true })
    if (shared.draining) this.announceEnd()
  }

  /** The service drains: further requests should go elsewhere. */
  announceEnd(): void {
    if (this.#state !== 'open') return
    this.#go('leaving')
    this.#engine.announceEnd()
  }

  /** Looks at the deadlines; called now and again. */
  check(now: number): void {
    if (this.#state === 'gone') return
    const { headersMs, keepAliveMs } = this.#shared.limits
    for (const exchange of this.#open) this.#checkRequest(exchange, now)
    if (this.#spare(now) < 0) return this.#cutOff('maxControlFrames', 'octets')
    if (this.#state === 'leaving' && now - this.#stateSince >= noticeMs) return this.#end()
    if (this.#state === 'ending') {
      if (this.#open.size === 0 && now - this.#emptySince >= lastOctetsMs && now - this.#stateSince >= lastOctetsMs) this.#destroy()
      return
    }
    if (this.#open.size > 0) return
    if (this.#requests === 0 && now - this.#beganAt >= headersMs) {
      // A connection that was opened in advance and never used is nothing to count.
      if (this.#engine.octetsIn > 0) this.#connection.overLimit('headers')
      this.#end()
    } else if (now - this.#emptySince >= keepAliveMs) this.#end()
  }

  #checkRequest(exchange: H2Exchange, now: number): void {
    const { requestMs } = this.#shared.limits
    const patienceMs = this.#engine.ended && exchange.waits ? Math.min(endedMs, requestMs) : requestMs
    if (exchange.movedAt(now) > now - patienceMs) return
    if (exchange.answerable) {
      // Who waits for its content tells the client so. What else an answer waits for is no fault of the client's.
      if (exchange.contentTaken) exchange.breakOff(408)
      return
    }
    // An answer of which nothing waits to be taken is slow by itself: whoever makes it has a deadline of its own.
    if (!exchange.waits) return
    this.#connection.overLimit('request')
    exchange.reset()
  }

  /** Octets that the connection may still spend on nothing. */
  #spare(now: number): number {
    let content = 0
    for (const exchange of this.#open) content += exchange.contentOctets
    const allowed =
      spareOctets +
      ((now - this.#beganAt) / 1_000) * spareOctetsPerSecond +
      this.#octetsOut * spareForAnswers +
      this.#octetsIn +
      content
    return allowed - this.#engine.octetsIn
  }

  #request(exchange: H2Exchange): void {
    this.#requests += 1
    exchange.join(this.#siblings)
    this.#octetsIn += exchange.headOctets + frameOctets
    if (this.#shared.underWay >= this.#shared.limits.allStreams && this.#open.size >= fewStreams) return this.#refuse(exchange)
    const arrival = {
      exchange,
      id: requestId(exchange, this.#connection, this.#shared.trust, this.#requests),
      arrivedAt: performance.now(),
    }
    if (exchange.over || this.#state === 'gone') {
      leaveUnanswered(arrival, this.#bearer)
      return exchange.countAsTakenBack()
    }
    this.#open.add(exchange)
    this.#shared.underWay += 1
    // A stop waits for a request from its arrival to the end of its answer.
    this.#busy ??= this.#connection.busy()
    respond(arrival, this.#bearer).then(
      (outcome) => this.#answered(exchange, outcome === 'sent'),
      (error: unknown) => {
        journal.failed(this.#connection, exchange, error)
        this.#answered(exchange, false)
      },
    )
  }

  /** Each may hold a file or a connection to elsewhere, and those are as few as connections are. Nobody has looked at it. */
  #refuse(exchange: H2Exchange): void {
    this.#connection.overLimit('maxStreams')
    exchange.refuse()
    exchange.countAsTakenBack()
  }

  #answered(exchange: H2Exchange, sent: boolean): void {
    this.#open.delete(exchange)
    this.#shared.underWay -= 1
    this.#octetsIn += exchange.contentOctets
    if (!sent) {
      // Where it was us who could not go on, only the end of the stream tells the client so (RFC 9113 §8.1), and it is no reset of its own.
      if (exchange.over) exchange.countAsTakenBack()
      else exchange.fail()
    }
    if (this.#open.size > 0) return
    this.#emptySince = performance.now()
    this.#busy?.[Symbol.dispose]()
    this.#busy = null
    if (this.#connection.signal.aborted && this.#state !== 'ending') this.#end()
    if (this.#written) this.#resolve()
  }

  #takenBack(): void {
    if (this.#engine.breaksOff) return
    if (this.#state !== 'gone' && !this.#resets.take(performance.now())) this.#cutOff('maxResets', 'resets')
  }

  #controlled(): void {
    if (this.#state !== 'gone' && !this.#control.take(performance.now())) this.#cutOff('maxControlFrames', 'frames')
  }

  #cutOff(limit: LimitName, what: string): void {
    if (this.#state === 'gone') return
    this.#go('gone')
    this.#connection.overLimit(limit)
    journal.http2Flooded(this.#connection, what)
    this.#engine.cutOff()
    // The word that explains goes out, or it does not.
    setTimeout(() => this.#destroy(), lastOctetsMs).unref()
  }

  #broken(code: string): void {
    if (this.#state === 'gone') return
    this.#go('gone')
    journal.http2Broken(this.#connection, code)
  }

  /** The host says that the conversation has to end. */
  #told(): void {
    const why = endingOf(this.#connection.signal)
    // A client that takes nothing of its answers for so long gets no more of them.
    if (why === 'idle' && this.#open.size > 0) this.#destroy()
    else this.#end()
  }

  #end(): void {
    if (this.#state === 'ending' || this.#state === 'gone') return
    this.#go('ending')
    this.#engine.close()
  }

  #isOver(): void {
    this.#go('gone')
    this.#written = true
    for (const exchange of this.#open) exchange.abandon()
    if (this.#open.size === 0) this.#resolve()
  }

  #destroy(): void {
    this.#go('gone')
    this.#connection.stream.destroy()
  }

  #go(state: State): void {
    if (this.#state === state) return
    this.#state = state
    this.#stateSince = performance.now()
  }
}
