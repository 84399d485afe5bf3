/** From a request to what answers it: the site by its host, the route by its path, and what all answers of the site say. */
import { answerBy, type Handler, type HttpRequest } from '../handler.ts'
import type { OwnPages } from '../pages/own-pages.ts'
import type { Reply } from '../replies.ts'
import type { BasicLogin } from './basic-login.ts'
import { isPreflight, preflight, withCors } from './cors.ts'
import { passed } from './guard.ts'
import type { Plan, Routes } from './routes.ts'
import type { Rules } from './rules.ts'
import type { Sites } from './sites.ts'
import type { Transport } from './transport.ts'

/** One site: what answers where, and what answers say. */
export interface Site {
  readonly routes: Routes
  readonly rules: Rules
  /** Failures in the words of the site; null where it has none of its own. */
  readonly pages: OwnPages | null
}

const after = (reply: Reply | Promise<Reply>, next: (reply: Reply) => Reply | Promise<Reply>): Reply | Promise<Reply> =>
  reply instanceof Promise ? reply.then(next) : next(reply)

/** All sites of a service. Nothing of one request is kept in it. */
export class Router implements Pick<Handler, 'answer'> {
  readonly #sites: Sites<Site>
  readonly #login: Pick<BasicLogin, 'identify'>
  readonly #transport: Transport

  constructor(sites: Sites<Site>, login: Pick<BasicLogin, 'identify'>, transport: Transport) {
    this.#sites = sites
    this.#login = login
    this.#transport = transport
  }

  answer(request: HttpRequest): Reply | Promise<Reply> {
    const misplaced = this.#transport.refusal(request)
    if (misplaced !== null) return misplaced
    const site = this.#sites.of(request.authority)
    const plan = site.routes.plan(request.target)
    // Without a promise where there is none: this is the path of every request.
    const told = after(this.#planned(plan, request), (reply) => site.pages?.told(request, reply) ?? reply)
    return after(told, (reply) => this.#finished(reply, request, site, plan))
  }

  #planned(plan: Plan, request: HttpRequest): Reply | Promise<Reply> {
    // A browser asks without a login, even where one is needed for what it asks about.
    if (plan.cors !== null && isPreflight(request)) return preflight(plan.cors, request, plan.handler.allow(request))
    return plan.guards.length === 0 ? answerBy(plan.handler, request) : this.#guarded(plan, request)
  }

  async #guarded({ handler, guards }: Plan, request: HttpRequest): Promise<Reply> {
    const identity = await passed(request, guards, this.#login)
    if ('reply' in identity) return identity.reply
    const { account } = identity.request
    // Who may come is asked each time.
    const { again: _, ...reply } = await answerBy(handler, identity.request)
    return account === null ? reply : { ...reply, account }
  }

  #finished(reply: Reply, request: HttpRequest, { rules }: Site, { cors }: Plan): Reply {
    const ruled = rules.applied(reply, request)
    const readable = cors === null || isPreflight(request) ? ruled : withCors(cors, request, ruled)
    return this.#transport.finished(readable, request)
  }
}
