/** All connections of a service that speak HTTP/2. Loaded with the first of them. */
import type { Connection } from '../../../shared/service.ts'
import { H2Session, type H2Shared } from './h2-session.ts'

/** How often deadlines are looked at, at most. */
const longestPauseMs = 1_000

/** Made by `service.ts`; the sessions end with their connections. */
export class H2Server {
  readonly #shared: H2Shared
  readonly #sessions = new Set<H2Session>()
  readonly #pauseMs: number
  /** Runs while there are sessions. */
  #timer: NodeJS.Timeout | null = null

  constructor(shared: H2Shared) {
    this.#shared = shared
    const { headersMs, keepAliveMs, requestMs } = shared.limits
    this.#pauseMs = Math.max(25, Math.min(longestPauseMs, headersMs / 4, keepAliveMs / 4, requestMs / 4))
  }

  /** Speaks HTTP/2 on a connection; resolves when it is over. */
  async serve(connection: Connection): Promise<void> {
    const session = new H2Session(connection, this.#shared)
    this.#sessions.add(session)
    this.#timer ??= setInterval(() => this.#check(), this.#pauseMs).unref()
    await session.over
    this.#sessions.delete(session)
    if (this.#sessions.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  /** Tells all clients that the end is near. */
  drain(): void {
    this.#shared.draining = true
    for (const session of this.#sessions) session.announceEnd()
  }

  #check(): void {
    const now = performance.now()
    for (const session of this.#sessions) session.check(now)
  }
}
