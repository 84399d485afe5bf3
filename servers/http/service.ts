/** HTTP as the child runs it. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { firstOctets } from '../../shared/net/first-octets.ts'
import type { Connection, Context, Refusal, Server, Service } from '../../shared/service.ts'
import { dateNow } from './dates.ts'
import { Engine, keepAliveGraceMs } from './engine.ts'
import type { H2Server } from './h2/h2-server.ts'
import type { H2Shared } from './h2/h2-session.ts'
import { versionIn } from './h2/preface.ts'
import type { Companion } from './handler.ts'
import type { HttpOptions } from './options.ts'
import { type Adopt, Intake, type Patience } from './replay/intake.ts'
import { KnownAnswers, scopeOf } from './replay/known-answers.ts'
import { Newcomers } from './replay/newcomers.ts'
import type { Rules } from './request.ts'
import { assemble } from './routing/assembly.ts'
import { Trust } from './routing/trust.ts'
import { Session, type Shared } from './session.ts'
import { reasonOf } from './statuses.ts'

/** What it is about: the server (RFC 9110 §15.6.4), or the one who asks (RFC 6585 §4). */
const refusals: Record<Refusal, { readonly status: 503 | 429; readonly text: string }> = {
  connections: { status: 503, text: 'The server has as many connections as it takes. Try again in a moment.' },
  connectionsPerAddress: {
    status: 429,
    text: 'Your address has as many connections as the server takes from one. Close some, or try again in a moment.',
  },
  connectionsPerSecond: {
    status: 429,
    text: 'Your address has opened as many connections in a short time as the server takes. Try again in a moment.',
  },
  stopping: { status: 503, text: 'The server is being stopped. Try again in a moment.' },
}

/** An answer before any request is read. @param fields lines of the head */
const lastWord = (status: 400 | 429 | 503, why: string, fields: readonly string[]): string => {
  const title = `${status} ${reasonOf(status)}`
  const text = `${title}\n\n${why}\n`
  return [
    `HTTP/1.1 ${title}`,
    `Date: ${dateNow()}`,
    'Server: Havre',
    ...fields,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    text,
  ].join('\r\n')
}

/** One HTTP service in one child. */
export class HttpServer implements Server {
  readonly alpn: readonly string[]
  readonly #engine: Engine
  readonly #options: HttpOptions
  readonly #connections: number
  #http2Server: Promise<H2Server> | null = null
  readonly #shared: Shared
  readonly #patience: Patience
  readonly #sessions = new WeakMap<Duplex, Session>()
  readonly #companions: readonly Companion[]

  /** @param answers what answers requests that are well-formed */
  constructor(
    { options, journal, connections }: Context<HttpOptions>,
    answers: Rules['answers'],
    companions: readonly Companion[] = [],
    trust = new Trust([]),
  ) {
    this.#companions = companions
    this.alpn = options.http2 === 'off' ? ['http/1.1'] : ['h2', 'http/1.1']
    this.#options = options
    this.#connections = connections
    this.#shared = {
      rules: { answers, maxTargetOctets: options.maxTargetOctets },
      access: journal.lines('access'),
      trust,
      draining: false,
      waiting: 0,
      known: new KnownAnswers(),
    }
    const { headersMs, requestMs, keepAliveMs } = options.timeouts
    this.#patience = { newcomers: new Newcomers(headersMs), keepAliveMs: keepAliveMs + keepAliveGraceMs }
    this.#engine = new Engine(
      {
        headersMs,
        requestMs,
        keepAliveMs,
        headOctets: options.maxHeadersOctets,
        upgrades: companions.some(({ upgrades }) => upgrades === true),
      },
      {
        request: (stream, exchange) => this.#sessions.get(stream)?.request(exchange),
        problem: (stream, problem) => this.#sessions.get(stream)?.problem(problem),
        last: (stream) => this.#sessions.get(stream)?.last(),
      },
    )
  }

  async start(): Promise<void> {
    for (const companion of this.#companions) await companion.start()
    this.#engine.start()
  }

  serve(connection: Connection): Promise<void> {
    const http2 = this.#speaksHttp2(connection)
    // Without a wait where it is known at once: the host listens to the connection's end from now on.
    return http2 === false ? this.#converse(connection) : this.#serveWhenKnown(connection, http2)
  }

  async #serveWhenKnown(connection: Connection, speaks: true | Promise<boolean | null>): Promise<void> {
    const http2 = await speaks
    if (http2 === null) return
    await (http2 ? (await this.#http2()).serve(connection) : this.#converse(connection))
  }

  #converse(connection: Connection): Promise<void> {
    const session = new Session(connection, this.#shared)
    this.#read(connection, session)
    return session.over
  }

  readonly #adopt: Adopt = (stream, session, reader) => {
    this.#sessions.set(stream, session)
    return this.#engine.adopt(stream, reader)
  }

  #read(connection: Connection, session: Session): void {
    const { stream, transcript, probe } = connection
    if (!(stream instanceof Socket)) return void this.#adopt(stream, session)
    // Whoever takes down what is said wants to see it made, and a listed proxy has a word in what the answer says.
    const same = transcript === null && !probe && !this.#shared.trust.has(connection)
    const known = same ? { answers: this.#shared.known, scope: scopeOf(connection), inClear: !connection.secure } : null
    new Intake(stream, session, this.#adopt, known, this.#patience).begin()
  }

  /** Whether a client begins with HTTP/2: it was agreed on, or, in clear where that is taken, the client just does. */
  #speaksHttp2(connection: Connection): boolean | Promise<boolean | null> {
    const { tls, probe } = connection
    if (tls !== null || probe || this.#options.http2 !== 'prior-knowledge') return tls?.alpn === 'h2'
    return this.#beginsWithHttp2(connection)
  }

  /** @returns null where nothing came that tells, and nothing will */
  async #beginsWithHttp2({ stream, signal }: Connection): Promise<boolean | null> {
    const first = await firstOctets(stream, versionIn, this.#options.timeouts.headersMs, signal)
    return first.state === 'told' ? first.value === '2' : null
  }

  /** Loads it with the first client that speaks it. */
  #http2(): Promise<H2Server> {
    this.#http2Server ??= import('./h2/h2-server.ts').then(({ H2Server }) => new H2Server(this.#h2Shared()))
    return this.#http2Server
  }

  #h2Shared(): H2Shared {
    const { timeouts, maxHeadersOctets, maxStreams, maxResets, maxControlFrames } = this.#options
    const limits = {
      ...timeouts,
      headOctets: maxHeadersOctets,
      streams: maxStreams,
      allStreams: this.#connections,
      resets: maxResets,
      controlFrames: maxControlFrames,
    }
    const { rules, access, trust, draining } = this.#shared
    return { rules, access, trust, draining, limits, underWay: 0 }
  }

  refuse(refusal: Refusal): string {
    const { status, text } = refusals[refusal]
    return lastWord(status, text, ['Retry-After: 5'])
  }

  inClear(): string {
    return lastWord(400, 'This service is encrypted: its addresses begin with https:// instead of http://.', [])
  }

  carriesMany(remote: Connection['remote']): boolean {
    return this.#shared.trust.has({ remote })
  }

  drain(): void {
    this.#shared.draining = true
    void this.#http2Server?.then((server) => server.drain())
  }

  async stop(): Promise<void> {
    this.#engine.stop()
    for (const companion of this.#companions) await companion.stop()
  }
}

/** HTTP for all sites of a service. */
export const service: Service<HttpOptions> = {
  protocol: 'http',
  create: (context) => {
    const trust = new Trust(context.options.trust)
    const { router, companions } = assemble(context, trust)
    return new HttpServer(context, router, companions, trust)
  },
}
