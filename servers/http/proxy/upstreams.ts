/** The upstream servers of a route: which of them a request goes to, and how they are. */
import type { UpstreamAnswer, UpstreamEngine, UpstreamTimeouts } from './upstream-engine.ts'
import { UpstreamError } from './upstream-error.ts'

/** How a route asks whether its upstream servers are well. */
export interface HealthCheck {
  /** What is asked for; any answer but 5xx says that the server is well. */
  readonly path: string
  readonly everyMs: number
}

/** Who is told how they are. */
export interface UpstreamEvents {
  /** A check went otherwise than the last one. @param why what was wrong; null: nothing is any more */
  changed(origin: string, why: string | null): void
}

/** One upstream server. */
export interface Upstream {
  /** Scheme, host and port. */
  readonly origin: string
  /** Host and port as they stand in `Host`. */
  readonly host: string
  readonly engine: UpstreamEngine
}

/** How long a check waits for its answer, at least, however often there is one. */
const leastWaitMs = 5_000

/** How long an upstream server that failed comes last in turn; with checks, until the next one. */
const restMs = 5_000

interface Member extends Upstream {
  underWay: number
  /** Until then it comes last: it failed. */
  restsUntil: number
  /** What the last check said. */
  sick: boolean
  /** Of the next check. */
  timer?: NodeJS.Timeout
}

/** Made for a route, between `start` and `close`. */
export class Upstreams {
  readonly #origins: readonly string[]
  readonly #timeouts: UpstreamTimeouts
  readonly #check: HealthCheck | null
  readonly #events: UpstreamEvents
  #members: readonly Member[] = []
  #turn = 0

  constructor(origins: readonly string[], timeouts: UpstreamTimeouts, check: HealthCheck | null, events: UpstreamEvents) {
    this.#origins = [...new Set(origins)]
    this.#timeouts = timeouts
    this.#check = check
    this.#events = events
  }

  /** Loads the engine, and begins to ask how they are; until the first answer all count as well. */
  async start(): Promise<void> {
    const { UpstreamEngine: Engine } = await import('./upstream-engine.ts')
    this.#members = this.#origins.map((origin) => ({
      origin,
      host: new URL(origin).host,
      engine: new Engine(origin, this.#timeouts),
      underWay: 0,
      restsUntil: 0,
      sick: false,
    }))
    const check = this.#check
    if (check !== null) for (const member of this.#members) void this.#keepChecking(member, check)
  }

  async close(): Promise<void> {
    const members = this.#members
    this.#members = []
    for (const { timer } of members) clearTimeout(timer)
    await Promise.all(members.map(({ engine }) => engine.close()))
  }

  /** Whether there is only one, so that there is none to go to in its place. */
  get alone(): boolean {
    return this.#origins.length === 1
  }

  /**
   * The one with the least to do, in turn, of those that did not fail lately.
   * @param tried those that are out of the question
   * @returns null: none is left, or the checks say that none is well
   */
  choose(tried: ReadonlySet<Upstream>): Upstream | null {
    const members = this.#members
    const now = performance.now()
    let best: Member | null = null
    this.#turn += 1
    for (let at = 0; at < members.length; at += 1) {
      const member = members[(this.#turn + at) % members.length]
      if (member === undefined || member.sick || tried.has(member)) continue
      if (best === null || before(member, best, now)) best = member
    }
    return best
  }

  /** A request goes to it, until disposed. */
  busy(upstream: Upstream): Disposable {
    const member = this.#memberOf(upstream)
    if (member !== null) member.underWay += 1
    return {
      [Symbol.dispose]: () => {
        if (member !== null) member.underWay -= 1
      },
    }
  }

  /** It could not be reached, or broke off. */
  failed(upstream: Upstream): void {
    const member = this.#memberOf(upstream)
    if (member !== null) member.restsUntil = performance.now() + (this.#check?.everyMs ?? restMs)
  }

  #memberOf({ origin }: Upstream): Member | null {
    return this.#members.find((member) => member.origin === origin) ?? null
  }

  /** One check after the other, so that none overtakes another. */
  async #keepChecking(member: Member, check: HealthCheck): Promise<void> {
    const why = await sicknessOf(member, check.path, Math.max(check.everyMs, leastWaitMs))
    // Closed meanwhile: nobody asks any more.
    if (!this.#members.includes(member)) return
    this.#learn(member, why)
    member.timer = setTimeout(() => void this.#keepChecking(member, check), check.everyMs)
    member.timer.unref()
  }

  #learn(member: Member, why: string | null): void {
    if (why === null) member.restsUntil = 0
    if (member.sick === (why !== null)) return
    member.sick = why !== null
    this.#events.changed(member.origin, why)
  }
}

const before = (one: Member, other: Member, now: number): boolean => {
  const rests = one.restsUntil > now
  if (rests !== other.restsUntil > now) return !rests
  return one.underWay < other.underWay
}

/** What is wrong with it; null: nothing. */
const sicknessOf = async ({ engine, host }: Upstream, path: string, waitMs: number): Promise<string | null> => {
  const fields = ['Host', host, 'User-Agent', 'Havre (health check)', 'Accept', '*/*']
  const underWay = engine.ask({
    method: 'GET',
    path,
    fields,
    declaredOctets: null,
    content: null,
    upgrade: null,
    interim: () => undefined,
  })
  // A server that hangs may take as long for requests as the route says, but is not well.
  const late = setTimeout(() => underWay.giveUp(), waitMs)
  try {
    const { status, content } = await underWay.answer
    drop(content)
    return status < 500 ? null : `status ${status}`
  } catch (error) {
    if (error instanceof UpstreamError && error.code === 'given-up') return `no answer within ${waitMs} ms`
    return error instanceof Error ? error.message : String(error)
  } finally {
    clearTimeout(late)
  }
}

/** What a check has no use for. */
const drop = (content: UpstreamAnswer['content']): void => {
  if (Buffer.isBuffer(content)) return
  if ('upgraded' in content) content.upgraded.destroy()
  else content.destroy()
}
