import type { Log } from '../log/log.ts'
import type { Homes } from './homes.ts'
import * as journal from './sweep-journal.ts'

/** How often is looked for what dead uploads left behind. */
const sweepEveryMs = 24 * 60 * 60 * 1000

/** Sweeps the homes at its start and each day, in a service that writes there. `stop` ends it. */
export class Sweeper {
  readonly #homes: Homes
  readonly #log: Log
  readonly #stopping = new AbortController()
  #sweeping: Promise<void> = Promise.resolve()
  #next: NodeJS.Timeout | null = null

  constructor(homes: Homes, log: Log) {
    this.#homes = homes
    this.#log = log
  }

  start(): void {
    const { signal } = this.#stopping
    const swept = this.#homes.sweep(signal).then(
      (files) => files > 0 && journal.swept(this.#log, files),
      (error: unknown) => journal.sweepFailed(this.#log, error),
    )
    this.#sweeping = swept.then(() => {
      if (!signal.aborted) this.#next = setTimeout(() => this.start(), sweepEveryMs).unref()
    })
  }

  /** Resolves when nothing is swept any more. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    if (this.#next !== null) clearTimeout(this.#next)
    await this.#sweeping
  }
}
