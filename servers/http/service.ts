/** HTTP as the child runs it. */
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Connection, Context, Refusal, Server, Service } from '../../shared/service.ts'
import { publicFolder } from '../../shared/tls/public-files.ts'
import { Engine } from './engine.ts'
import { type FileAnswers, Files } from './files.ts'
import type { HttpOptions } from './options.ts'
import { reasonOf } from './replies.ts'
import { Session, type Shared } from './session.ts'

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

/** One HTTP service in one child. */
export class HttpServer implements Server {
  readonly alpn = ['http/1.1']
  readonly #engine: Engine
  readonly #shared: Shared
  readonly #sessions = new WeakMap<Duplex, Session>()

  /** @param files what answers GET and HEAD */
  constructor({ options, journal }: Context<HttpOptions>, files: FileAnswers) {
    this.#shared = {
      rules: { files, maxTargetOctets: options.maxTargetOctets },
      access: journal.lines('access'),
      draining: false,
      waiting: 0,
    }
    const { headersMs, requestMs, keepAliveMs } = options.timeouts
    this.#engine = new Engine(
      { headersMs, requestMs, keepAliveMs, headOctets: options.maxHeadersOctets },
      {
        request: (stream, exchange) => this.#sessions.get(stream)?.request(exchange),
        problem: (stream, problem) => this.#sessions.get(stream)?.problem(problem),
        last: (stream) => this.#sessions.get(stream)?.last(),
      },
    )
  }

  start(): Promise<void> {
    this.#engine.start()
    return Promise.resolve()
  }

  async serve(connection: Connection): Promise<void> {
    const session = new Session(connection, this.#shared)
    this.#sessions.set(connection.stream, session)
    this.#engine.adopt(connection.stream)
    await session.over
  }

  refuse(refusal: Refusal): string {
    const { status, text: why } = refusals[refusal]
    const title = `${status} ${reasonOf(status)}`
    const text = `${title}\n\n${why}\n`
    return [
      `HTTP/1.1 ${title}`,
      `Date: ${new Date().toUTCString()}`,
      'Server: Havre',
      'Retry-After: 5',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(text)}`,
      'Cache-Control: no-store',
      'Connection: close',
      '',
      text,
    ].join('\r\n')
  }

  drain(): void {
    this.#shared.draining = true
  }

  stop(): Promise<void> {
    this.#engine.stop()
    return Promise.resolve()
  }
}

/** HTTP/1.1 from the folder of the site and the accounts' web folders. */
export const service: Service<HttpOptions> = {
  protocol: 'http',
  create: (context) => {
    const { settings, options } = context
    const site = join(settings.data, 'www')
    const homes = join(settings.data, 'files')
    return new HttpServer(context, new Files({ site, homes, authority: publicFolder(settings.data), listing: options.listing }))
  },
}
