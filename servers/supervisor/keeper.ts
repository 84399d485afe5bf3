/** Keeps one service served: owns its port, and a post for each of its workers. */
import { AdmissionTable } from '../../shared/limits/admission.ts'
import { type JournalHealth, together } from '../../shared/log/appender.ts'
import type { TlsMaterial } from '../../shared/tls/material.ts'
import type { AskMessage, Counters } from '../host/messages.ts'
import type { Birth, Child, Plan } from './child.ts'
import { type State, serviceState } from './lifecycle.ts'
import type { Port } from './ports.ts'
import { type Means, nothingCounted, Post, sumOf } from './post.ts'

/** What the keeper tells the supervisor. */
export interface KeeperEvents {
  changed(keeper: Keeper, from: State): void
  /** A child ended that should not have; null: there will be no next try. */
  died(keeper: Keeper, pid: number, why: string, nextTryMs: number | null): void
  asked(keeper: Keeper, child: Child, message: AskMessage): void
  /** One of its children is gone. */
  left(child: Child): void
  /** What its children need to speak TLS; null as long as there is nothing. */
  material(keeper: Keeper): TlsMaterial | null
}

/** Children that are ready to take over: one of both is to be called, at once. */
export interface Replacement {
  /** They take over; the old ones drain. */
  commit(): void
  /** They end; the old ones go on. */
  abort(): void
}

/** One of a service's workers, as `status` tells it. */
export interface WorkerStatus extends Counters {
  readonly pid: number | null
  readonly state: State
  readonly startedAt: Date | null
  readonly restarts: number
  readonly lastError: string | null
  /** When the next child is started, after a pause. */
  readonly nextTry: Date | null
}

/** One service of the configuration, kept. */
export class Keeper {
  plan: Plan
  port: Port
  state: State = 'starting'
  readonly #events: KeeperEvents
  readonly #means: Means
  /** Of all its workers together. */
  readonly #admission: AdmissionTable
  #posts: Post[] = []
  /** Posts that a reload made superfluous and that still drain. */
  readonly #leaving = new Set<Post>()
  /** Posts whose first child is to take over with those of the others. */
  #coming: Post[] = []
  /** Whether all its posts were ready once. */
  #begun = false
  #stopping = false
  /** By posts that are gone. */
  #before: Counters = nothingCounted

  constructor(plan: Plan, port: Port, events: KeeperEvents, means: Means) {
    this.plan = plan
    this.port = port
    this.#events = events
    this.#means = means
    this.#admission = new AdmissionTable(plan.service.limits)
  }

  get name(): string {
    return this.plan.service.name
  }

  /** Of its first child that serves or starts, or null. */
  get pid(): number | null {
    return this.#posts.find(({ pid }) => pid !== null)?.pid ?? null
  }

  /** Of all its children that serve or start. */
  get pids(): readonly number[] {
    return this.#posts.flatMap(({ pid }) => pid ?? [])
  }

  get startedAt(): Date | null {
    return this.#posts.find(({ startedAt }) => startedAt !== null)?.startedAt ?? null
  }

  /** Unplanned ones. */
  get restarts(): number {
    return this.#posts.reduce((sum, { restarts }) => sum + restarts, 0)
  }

  /** Of the post that is worst off. */
  get lastError(): string | null {
    const worst = [...this.#posts].sort((one, other) => Number(one.state === 'ready') - Number(other.state === 'ready'))
    return worst.find(({ lastError }) => lastError !== null)?.lastError ?? null
  }

  /** Whether the last child that gave up found its port taken. */
  get portTaken(): boolean {
    return this.#posts.some(({ portTaken }) => portTaken)
  }

  /** When the next child is started, where one waits for that. */
  get nextTry(): Date | null {
    const times = this.#posts.flatMap(({ nextTryAt }) => nextTryAt ?? [])
    return times.reduce<Date | null>((soonest, time) => (soonest === null || time < soonest ? time : soonest), null)
  }

  /** Whether every one of its workers serves, or is about to. */
  get whole(): boolean {
    return this.#posts.every(({ state }) => state === 'ready' || state === 'starting')
  }

  /** Starts the first children. */
  start(): void {
    this.#posts = this.#newPosts(this.#duty, this.plan.service.workers)
    for (const post of this.#posts) post.start()
  }

  /**
   * Starts a new child for each worker, and resolves when all of them are ready: from then on they serve beside the old ones. One
   * at a time. Rejects where one cannot start; then all goes on as it was. A program of somebody else cannot share its port: the
   * old one ends first, and where the new one does not start it is tried again, as after any death.
   * @param port another port for the new children; the old one is given free once its children drain
   */
  async prepare(plan: Plan, port: Port = this.port): Promise<Replacement> {
    const duty = { plan, port }
    if (plan.service.external !== null) return this.#takeTurns(duty)
    const { workers } = plan.service
    const staying = this.#posts.slice(0, workers)
    this.#coming = this.#newPosts(duty, workers - staying.length)
    const preparing = [...staying, ...this.#coming]
    const outcomes = await Promise.allSettled(preparing.map((post) => post.prepare(duty)))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    const replacement = { commit: () => this.#takeOver(duty, preparing), abort: () => this.#abort(duty, preparing) }
    if (failed === undefined && !this.#stopping) return replacement
    replacement.abort()
    throw failed?.reason ?? new Error('the service is being stopped')
  }

  /** Has new children take over, all of them or none. Rejects as `prepare` does. */
  async replace(plan: Plan, port?: Port): Promise<void> {
    const replacement = await this.prepare(plan, port)
    replacement.commit()
  }

  /**
   * Somebody waits for another change: one who waits for a program of somebody else to be ready waits no longer, since that may take
   * minutes. The program goes on starting.
   */
  hurry(): void {
    for (const post of this.#posts) post.hurry()
  }

  /** Ends the service; resolves when its last child is gone. Again: the children learn the new deadline. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true
    const queue = this.port.close() ? 'serve' : 'leave'
    await Promise.all([...this.#all()].map((post) => post.stop(deadlineMs, 'stop', queue)))
  }

  /** Ends all its processes at once. */
  kill(): void {
    for (const post of this.#all()) post.kill()
  }

  /** Numbers over all its children, dead ones included, and of each worker. */
  async count(): Promise<{ readonly all: Counters; readonly workers: readonly WorkerStatus[] }> {
    const workers = await Promise.all(
      this.#posts.map(async (post) => {
        const { pid, state, startedAt, restarts, lastError, nextTryAt } = post
        return { pid, state, startedAt, restarts, lastError, nextTry: nextTryAt, ...(await post.count()) }
      }),
    )
    const others = await Promise.all([...this.#leaving, ...this.#coming].map((post) => post.count()))
    return { all: sumOf([this.#before, ...workers, ...others]), workers }
  }

  /** How the logs of all its children are, as last told. */
  get journal(): JournalHealth {
    return together([...this.#all()].map(({ journal }) => journal))
  }

  /** Takes over a plan that differs in the journal's level at most: its children learn that one. */
  adjust(plan: Plan): void {
    const before = this.plan.service.log.level
    const { level } = plan.service.log
    this.plan = plan
    for (const post of this.#posts) post.adjust(this.#duty)
    if (level === before) return
    for (const post of this.#all()) post.tell({ type: 'level', level })
  }

  /** Has all its children go on in new logs; resolves when they do, or have not answered in time. */
  async reopenLogs(): Promise<void> {
    for (const post of this.#all()) post.tell({ type: 'reopen' })
    await this.count()
  }

  /** Gives all its children the keys for TLS as they are now. */
  shareKeys(): void {
    for (const post of this.#all()) post.shareKeys()
  }

  get #duty(): Birth {
    return { plan: this.plan, port: this.port }
  }

  *#all(): Generator<Post> {
    yield* this.#posts
    yield* this.#coming
    yield* this.#leaving
  }

  #newPosts(duty: Birth, count: number): Post[] {
    const events = {
      changed: () => this.#changed(),
      died: (pid: number, why: string, nextTryMs: number | null) => this.#events.died(this, pid, why, nextTryMs),
      asked: (child: Child, message: AskMessage) => this.#events.asked(this, child, message),
      left: (child: Child) => this.#events.left(child),
      material: () => this.#events.material(this),
      admission: this.#admission,
    }
    return Array.from({ length: Math.max(0, count) }, () => new Post(duty, events, this.#means))
  }

  async #takeTurns(duty: Birth): Promise<Replacement> {
    this.#adopt(duty)
    await Promise.all(this.#posts.map((post) => post.takeTurns(duty)))
    return { commit: () => undefined, abort: () => undefined }
  }

  #takeOver(duty: Birth, posts: Post[]): void {
    const queue = this.#adopt(duty) ? 'serve' : 'leave'
    const superfluous = this.#posts.filter((post) => !posts.includes(post))
    this.#posts = posts
    this.#coming = []
    for (const post of posts) post.takeOver(duty, queue)
    for (const post of superfluous) this.#dismiss(post, post.stop(duty.plan.settings.drainMs, 'replace', queue))
    this.#changed()
  }

  #abort({ plan, port }: Birth, posts: readonly Post[]): void {
    if (port !== this.port) port.close()
    for (const post of posts) post.discard()
    const superfluous = this.#coming
    this.#coming = []
    for (const post of superfluous) this.#dismiss(post, post.stop(plan.settings.drainMs, 'replace', 'leave'))
  }

  /** @returns whether the old port is gone now */
  #adopt({ plan, port }: Birth): boolean {
    const left = port !== this.port && this.port.close()
    this.port = port
    this.plan = plan
    this.#admission.limits = plan.service.limits
    return left
  }

  #dismiss(post: Post, stopped: Promise<void>): void {
    this.#leaving.add(post)
    void stopped.then(async () => {
      this.#before = sumOf([this.#before, await post.count()])
      this.#leaving.delete(post)
    })
  }

  #changed(): void {
    const from = this.state
    const states = this.#posts.map(({ state }) => state)
    this.state = serviceState(states, this.#begun)
    if (states.every((state) => state === 'ready')) this.#begun = true
    if (this.state !== from) this.#events.changed(this, from)
  }
}
