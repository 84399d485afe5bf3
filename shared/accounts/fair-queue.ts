/** Too much is waiting: try later. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError'
}

/** The queue was closed before it came to this work. */
export class QueueClosedError extends Error {
  override readonly name = 'QueueClosedError'
}

export interface FairQueueLimits {
  /** Works under way at once, each of another key. */
  readonly atOnce: number
  /** Works that may wait under one key. */
  readonly waitingPerKey: number
  /** Works that may wait in all. */
  readonly waiting: number
}

type Job = { readonly run: () => Promise<void>; readonly refuse: (error: Error) => void }

/**
 * Runs costly works a few at a time. Keys take turns, one work of each at once: however much waits under one key, the work of
 * another waits for at most one work of each key that is ahead of it. Works of one key run in the order in which they came.
 */
export class FairQueue {
  readonly #limits: FairQueueLimits
  /** In the order of their turns; no list is empty. */
  readonly #waiting = new Map<string, Job[]>()
  readonly #running = new Map<string, Promise<void>>()
  #waitingCount = 0
  #closed = false

  constructor(limits: FairQueueLimits) {
    this.#limits = limits
  }

  /** Works that wait for their turn. */
  get waiting(): number {
    return this.#waitingCount
  }

  /**
   * Resolves or rejects as the work does.
   *
   * @throws {QueueFullError} @throws {QueueClosedError} the work was never begun
   */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new QueueClosedError('the queue is closed'))
    const line = this.#waiting.get(key) ?? []
    if (line.length >= this.#limits.waitingPerKey || this.#waitingCount >= this.#limits.waiting) {
      return Promise.reject(new QueueFullError(`${this.#waitingCount} are waiting`))
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    line.push({ run: () => Promise.try(work).then(resolve, reject), refuse: reject })
    this.#waiting.set(key, line)
    this.#waitingCount += 1
    this.#next()
    return promise
  }

  /** What waits is refused; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true
    const lines = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#waitingCount = 0
    for (const { refuse } of lines.flat()) refuse(new QueueClosedError('the queue is closed'))
    await Promise.all(this.#running.values())
  }

  #next(): void {
    while (this.#running.size < this.#limits.atOnce) {
      const key = this.#nextKey()
      if (key === undefined) return
      this.#begin(key)
    }
  }

  #nextKey(): string | undefined {
    for (const key of this.#waiting.keys()) if (!this.#running.has(key)) return key
    return undefined
  }

  #begin(key: string): void {
    const line = this.#waiting.get(key)
    const job = line?.shift()
    // The key goes to the end, or away.
    this.#waiting.delete(key)
    if (line === undefined || job === undefined) return
    if (line.length > 0) this.#waiting.set(key, line)
    this.#waitingCount -= 1
    const ended = job.run().then(() => {
      this.#running.delete(key)
      this.#next()
    })
    this.#running.set(key, ended)
  }
}
