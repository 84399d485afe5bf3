/** The routes of a site: which of them a request meets, and what that comes to. */
import type { Handler } from '../handler.ts'
import type { Target } from '../target.ts'
import { type Cors, corsOf } from './cors.ts'
import { type Guard, guardOf } from './guard.ts'
import { covers, guards, type PathPattern, patternOf } from './path-pattern.ts'
import type { RouteOptions } from './route-options.ts'

/** Makes what answers a route; null for one that only says who may come, and how. */
export type RouteHandlers = (route: RouteOptions, pattern: PathPattern) => Handler | null

/** What answers a request, who may ask, and from which pages. */
export interface Plan {
  readonly handler: Handler
  readonly guards: readonly Guard[]
  readonly cors: Cors | null
}

interface Route {
  readonly pattern: PathPattern
  readonly guard: Guard | null
  readonly cors: Cors | null
  readonly handler: Handler | null
}

/** The routes of one site. */
export class Routes {
  readonly #routes: readonly Route[]
  readonly #rest: Plan

  /** @param rest what answers where no route does, and from which pages it may be asked */
  constructor(routes: readonly RouteOptions[], handlers: RouteHandlers, rest: Omit<Plan, 'guards'>) {
    this.#rest = { ...rest, guards: [] }
    this.#routes = routes.map((route) => {
      const pattern = patternOf(route.path)
      return {
        pattern,
        guard: route.auth === undefined ? null : guardOf(route.auth),
        cors: route.cors == null ? null : corsOf(route.cors),
        handler: handlers(route, pattern),
      }
    })
  }

  /**
   * The first route with an answer that covers the target answers. Those before it that have none add their guards and, the first of
   * them, whom they let read: they stand for what would be answered without them.
   */
  plan(target: Target): Plan {
    if (this.#routes.length === 0) return this.#rest
    const found: Guard[] = []
    let cors: Cors | null = null
    for (const route of this.#routes) {
      // Also where another route answers: an upstream server may take the address for one of this route.
      if (route.guard !== null && guards(route.pattern, target)) found.push(route.guard)
      if (!covers(route.pattern, target)) continue
      cors ??= route.cors
      if (route.handler !== null) return { handler: route.handler, guards: found, cors: cors ?? this.#rest.cors }
    }
    return found.length === 0 && cors === null ? this.#rest : { ...this.#rest, guards: found, cors: cors ?? this.#rest.cors }
  }
}
