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
  /** Works of all lanes but the first that may be under way at once. */
  readonly laterAtOnce: number
  /** Works that may wait under one key in one lane. */
  readonly waitingPerKey: number
  /** Works that may wait in one lane. */
  readonly waiting: number
  /** A lane that was passed over so many times in a row, with work to do, has the next turn. */
  readonly passedOver: number
}

/** The lanes of the queue, the one that goes first at the front. */
export const lanes = ['first', 'second', 'last'] as const
export type Lane = (typeof lanes)[number]

interface Job {
  readonly key: string
  /** Asked when it comes, and again at its turn: it may have to fall back meanwhile, and never comes forward. */
  readonly lane: () => Lane
  readonly run: () => Promise<void>
  readonly refuse: (error: Error) => void
}

/** What waits in one lane: keys take turns, works of one key keep their order. */
class Line {
  readonly #limits: FairQueueLimits
  /** In the order of their turns; no list is empty. */
  readonly #jobs = new Map<string, Job[]>()
  #waiting = 0
  /** Turns of other lanes since its own last one. */
  passed = 0

  constructor(limits: FairQueueLimits) {
    this.#limits = limits
  }

  get waiting(): number {
    return this.#waiting
  }

  /** @throws {QueueFullError} */
  add(job: Job): void {
    const ofKey = this.#jobs.get(job.key) ?? []
    if (ofKey.length >= this.#limits.waitingPerKey || this.#waiting >= this.#limits.waiting) {
      throw new QueueFullError(`${this.#waiting} are waiting`)
    }
    ofKey.push(job)
    this.#jobs.set(job.key, ofKey)
    this.#waiting += 1
  }

  /** The work whose turn it is, of a key that has none under way; the key goes to the end, or away. */
  take(running: ReadonlyMap<string, unknown>): Job | undefined {
    for (const [key, ofKey] of this.#jobs) {
      if (running.has(key)) continue
      const job = ofKey.shift()
      this.#jobs.delete(key)
      if (ofKey.length > 0) this.#jobs.set(key, ofKey)
      this.#waiting -= 1
      return job
    }
    return undefined
  }

  /** Whether `take` would find one. */
  hasTurn(running: ReadonlyMap<string, unknown>): boolean {
    for (const key of this.#jobs.keys()) if (!running.has(key)) return true
    return false
  }

  /** All that waits, which waits no more. */
  clear(): readonly Job[] {
    const jobs = [...this.#jobs.values()].flat()
    this.#jobs.clear()
    this.#waiting = 0
    return jobs
  }
}

/**
 * Runs costly works a few at a time, in lanes. A work of a better lane goes before all of worse ones, and what is not in the first lane
 * never takes all the places: for whoever is in it one is free at once, or with the next work that ends. So that nothing waits for
 * ever, a lane that was passed over for long has a turn. Within a lane keys take turns, one work of each at once: however much waits
 * under one key, the work of another waits for at most one work of each key that is ahead of it. Works of one key in one lane run in
 * the order in which they came.
 */
export class FairQueue {
  readonly #limits: FairQueueLimits
  readonly #lines: Readonly<Record<Lane, Line>>
  /** By key: the lane it came from, and its end. */
  readonly #running = new Map<string, { readonly lane: Lane; readonly ended: Promise<void> }>()
  #closed = false

  constructor(limits: FairQueueLimits) {
    this.#limits = limits
    this.#lines = { first: new Line(limits), second: new Line(limits), last: new Line(limits) }
  }

  /** Works that wait for their turn. */
  get waiting(): number {
    return lanes.reduce((sum, lane) => sum + this.#lines[lane].waiting, 0)
  }

  /**
   * Resolves or rejects as the work does.
   *
   * @param lane asked now, and again at its turn: a work may fall back while it waits
   * @throws {QueueFullError} @throws {QueueClosedError} the work was never begun
   */
  run<T>(key: string, work: () => Promise<T>, lane: () => Lane = () => 'first'): Promise<T> {
    if (this.#closed) return Promise.reject(new QueueClosedError('the queue is closed'))
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#add({ key, lane, run: () => Promise.try(work).then(resolve, reject), refuse: reject }, lane())
    this.#next()
    return promise
  }

  /** What waits is refused; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true
    for (const lane of lanes) {
      for (const { refuse } of this.#lines[lane].clear()) refuse(new QueueClosedError('the queue is closed'))
    }
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }

  #add(job: Job, lane: Lane): void {
    try {
      this.#lines[lane].add(job)
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error
      job.refuse(error)
    }
  }

  #next(): void {
    while (this.#running.size < this.#limits.atOnce) {
      const lane = this.#nextLane()
      const job = lane && this.#lines[lane].take(this.#running)
      if (lane === undefined || job === undefined) return
      const now = job.lane()
      if (lanes.indexOf(now) > lanes.indexOf(lane)) this.#add(job, now)
      else this.#begin(job, lane)
    }
  }

  #nextLane(): Lane | undefined {
    const later = [...this.#running.values()].filter(({ lane }) => lane !== 'first').length
    const ready = lanes.filter(
      (lane) => (lane === 'first' || later < this.#limits.laterAtOnce) && this.#lines[lane].hasTurn(this.#running),
    )
    return ready.find((lane) => this.#lines[lane].passed >= this.#limits.passedOver) ?? ready[0]
  }

  #begin(job: Job, lane: Lane): void {
    for (const other of lanes) if (this.#lines[other].waiting > 0) this.#lines[other].passed += 1
    this.#lines[lane].passed = 0
    const ended = job.run().then(() => {
      this.#running.delete(job.key)
      this.#next()
    })
    this.#running.set(job.key, { lane, ended })
  }
}
