/** The settings of a service made into what answers its requests. */
import { join } from 'node:path'
import { HotFiles } from '../../../shared/files/hot-files.ts'
import type { Context } from '../../../shared/service.ts'
import { publicFolder } from '../../../shared/tls/public-files.ts'
import type { Companion, Handler } from '../handler.ts'
import type { HttpOptions } from '../options.ts'
import { ownPages } from '../pages/own-pages.ts'
import { Proxies } from '../proxy/proxies.ts'
import { Compression } from '../static/compression.ts'
import { Files } from '../static/files.ts'
import { Writers } from '../writing/writers.ts'
import { BasicLogin } from './basic-login.ts'
import { corsOf } from './cors.ts'
import { fixedAnswer, redirection } from './fixed.ts'
import type { PathPattern } from './path-pattern.ts'
import type { ProxyOptions, RouteOptions } from './route-options.ts'
import { Router, type Site } from './router.ts'
import { Routes } from './routes.ts'
import { Rules } from './rules.ts'
import type { SiteOptions } from './site-options.ts'
import { Sites } from './sites.ts'
import { Transport } from './transport.ts'
import type { Trust } from './trust.ts'

/** What answers, and what of it has a beginning and an end. */
export interface Assembled {
  readonly router: Router
  readonly companions: readonly Companion[]
}

/** Makes it, without any effect. */
export const assemble = (context: Context<HttpOptions>, trust: Trust): Assembled => new Assembly(context, trust).assembled()

class Assembly {
  readonly #context: Context<HttpOptions>
  readonly #trust: Trust
  readonly #writers: Writers | null
  #proxies: Proxies | null = null
  /** What all sites and routes compress shares one bounded memory. */
  #compression: Compression | null = null
  /** So does what they keep in memory as it is. */
  readonly #hot = new HotFiles()
  readonly #login: BasicLogin

  constructor(context: Context<HttpOptions>, trust: Trust) {
    this.#context = context
    this.#trust = trust
    this.#login = new BasicLogin(context.desk, context.service, trust)
    this.#writers = context.options.write ? new Writers(context, this.#login) : null
  }

  assembled(): Assembled {
    const { options, settings } = this.#context
    const { hsts, toHttps } = options
    const others = options.sites.map((site) => ({ hosts: site.hosts, site: this.#site(site) }))
    const sites = new Sites(this.#site(options.site), others)
    const transport = new Transport({ hsts, httpsPort: toHttps?.port ?? null, hostname: settings.hostname, trust: this.#trust })
    const router = new Router(sites, this.#login, transport)
    return { router, companions: [this.#writers, this.#proxies].filter((each) => each !== null) }
  }

  #site(options: SiteOptions): Site {
    const { data } = this.#context.settings
    const root = options.root ?? join(data, 'www')
    // The accounts' pages are the default site's: whoever gives a site a name of its own decides what is on it.
    const homes = options.hosts.length === 0 ? join(data, 'files') : null
    const folders = { site: root, homes, authority: publicFolder(data), mount: [] }
    const files = new Files({ ...folders, ...this.#shown(options), fallback: options.fallback })
    const handler = homes === null || this.#writers === null ? files : this.#writers.around(files, options.hide)
    const handlers = (route: RouteOptions, pattern: PathPattern) => this.#handler(route, pattern, options)
    const cors = options.cors === null ? null : corsOf(options.cors)
    return {
      routes: new Routes(options.routes, handlers, { handler, cors }),
      rules: new Rules(options.rules),
      pages: ownPages({ pages: options.pages, root }),
    }
  }

  /** Null for a route that only says who may come, and how. */
  #handler(
    { path, files, proxy, redirect, status, respond }: RouteOptions,
    pattern: PathPattern,
    options: SiteOptions,
  ): Handler | null {
    if (redirect !== undefined) return redirection(redirect, status ?? 302, pattern)
    if (respond !== undefined) return fixedAnswer(respond)
    if (proxy !== undefined) return this.#upstream(path, proxy)
    if (files === undefined) return null
    const folders = { site: files, homes: null, authority: null, mount: pattern.segments }
    return new Files({ ...folders, ...this.#shown(options), fallback: null })
  }

  #upstream(path: string, options: ProxyOptions): Handler {
    this.#proxies ??= new Proxies((connection) => this.#trust.has(connection), this.#context.log)
    return this.#proxies.handler(path, options)
  }

  #shown({ listing, cleanUrls, hide, compress }: SiteOptions) {
    if (compress) this.#compression ??= new Compression()
    return { listing, cleanUrls, hide, compression: compress ? this.#compression : null, hot: this.#hot }
  }
}
