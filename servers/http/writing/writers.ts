/** What the writing of all sites of a service shares: the homes, kept clean, and the logins. */
import { join } from 'node:path'
import { Homes } from '../../../shared/files/homes.ts'
import { Sweeper } from '../../../shared/files/sweeper.ts'
import { type Context, PermanentError } from '../../../shared/service.ts'
import type { Handler } from '../handler.ts'
import type { HttpOptions } from '../options.ts'
import type { BasicLogin } from '../routing/basic-login.ts'
import { matcherOf } from '../static/files.ts'
import { Writing } from './writing.ts'

/** Made once a service; `start` before the first request, `stop` behind the last. */
export class Writers {
  readonly #context: Context<HttpOptions>
  readonly #homes: Homes
  readonly #sweeper: Sweeper
  readonly #login: Pick<BasicLogin, 'identify'>

  constructor(context: Context<HttpOptions>, login: Pick<BasicLogin, 'identify'>) {
    const { settings, desk, log } = context
    this.#context = context
    this.#homes = new Homes(join(settings.data, 'files'), settings.files, (path) => desk.sync(path))
    this.#sweeper = new Sweeper(this.#homes, log)
    this.#login = login
  }

  /**
   * What changes files, around what reads them.
   * @param hide the setting: patterns of names that are never served there
   */
  around(reading: Handler, hide: readonly string[]): Handler {
    const { settings, options, journal } = this.#context
    return new Writing({
      reading,
      identify: (request) => this.#login.identify(request),
      home: (account) => this.#homes.open(account),
      turn: (file) => this.#context.desk.turn(file),
      settings: settings.files,
      maxContentOctets: options.maxContentOctets,
      journal,
      isHidden: matcherOf(hide),
    })
  }

  /** @throws {PermanentError} where the folder of the homes cannot be used */
  async start(): Promise<void> {
    try {
      await this.#homes.check()
    } catch (error) {
      const folder = join(this.#context.settings.data, 'files')
      throw new PermanentError(`the folder of the homes cannot be opened (${folder})`, { cause: error })
    }
    this.#sweeper.start()
  }

  stop(): Promise<void> {
    return this.#sweeper.stop()
  }
}
