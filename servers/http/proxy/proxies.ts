/** All routes with `proxy` of a service: what is made for them, and ended with them. */
import type { Log } from '../../../shared/log/log.ts'
import type { Handler } from '../handler.ts'
import * as journal from '../journal.ts'
import { targetOf } from '../routing/path-pattern.ts'
import type { ProxyOptions } from '../routing/route-options.ts'
import { pathOf } from '../target.ts'
import { ProxyHandler, type Trusts } from './proxy-handler.ts'
import { Upstreams } from './upstreams.ts'

/** Made with the service: a `Companion` of it. */
export class Proxies {
  readonly #trusts: Trusts
  readonly #log: Log
  readonly #upstreams: Upstreams[] = []

  constructor(trusts: Trusts, log: Log) {
    this.#trusts = trusts
    this.#log = log
  }

  /** Any upstream server may speak another protocol: where there is a route with `proxy`. */
  get upgrades(): boolean {
    return this.#upstreams.length > 0
  }

  /** What answers the requests of a route. @param path the route's, as in the settings */
  handler(path: string, { to, timeouts, health, host, maxContentOctets }: ProxyOptions): Handler {
    const urls = to.map((text) => new URL(text))
    const origins = urls.map(({ origin }) => origin)
    const check = health === null ? null : { ...health, path: asSent(health.path) }
    const upstreams = new Upstreams(origins, timeouts, check, {
      changed: (origin, why) => journal.upstreamChanged(this.#log, origin, why),
    })
    this.#upstreams.push(upstreams)
    const here = asSent(path)
    const map = { here, there: thereOf(to[0] ?? '', here) }
    return new ProxyHandler({ upstreams, path: map, host, idleMs: timeouts.idleMs, maxContentOctets }, this.#trusts)
  }

  async start(): Promise<void> {
    await Promise.all(this.#upstreams.map((upstreams) => upstreams.start()))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#upstreams.map((upstreams) => upstreams.close()))
  }
}

/** A path of the settings as it stands in a request. */
const asSent = (path: string): string => {
  const target = targetOf(path)
  return target === null ? path : pathOf(target.segments, target.folder)
}

/**
 * What stands for a route's path at its upstream servers: the path of their URL, where it says one (`http://127.0.0.1:3000/` does); null where
 * the path stays as it is (`http://127.0.0.1:3000`).
 */
export const thereOf = (url: string, here: string): string | null => {
  if (!/^[a-z]+:\/\/[^/?#]*\//i.test(url)) return null
  const { pathname } = new URL(url)
  return here.endsWith('/') && !pathname.endsWith('/') ? `${pathname}/` : pathname
}
