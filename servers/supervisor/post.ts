/** One place with a child: has one, restarts it after a pause, has another take over, ends it. A service has as many as workers. */

import type { Cancel, Clock } from '../../shared/clock.ts'
import type { AdmissionTable } from '../../shared/limits/admission.ts'
import { sumOfCounts } from '../../shared/limits/limits.ts'
import { type JournalHealth, together } from '../../shared/log/appender.ts'
import type { TlsMaterial } from '../../shared/tls/material.ts'
import type { AskMessage, Counters, ToChild } from '../host/messages.ts'
import type { Birth, Child, ChildEvents, Fork } from './child.ts'
import { backoff, type Event, lifecycle, pauseMs, type State } from './lifecycle.ts'

/** What a post tells its keeper. */
export interface PostEvents {
  changed(): void
  /** A child ended that should not have; null: there will be no next try. */
  died(pid: number, why: string, nextTryMs: number | null): void
  asked(child: Child, message: AskMessage): void
  /** One of its children is gone. */
  left(child: Child): void
  /** Where the service's connections are counted. */
  readonly admission: AdmissionTable
  /** What its children need to speak TLS; null as long as there is nothing. */
  material(): TlsMaterial | null
}

/** What it works with; a test has its own. */
export interface Means {
  readonly fork: Fork
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
}

/** Who serves those that wait at the port of a child that is to accept no more: somebody else does, or it does so itself, first. */
export type Queue = 'leave' | 'serve'

/** How long `status` waits for a child's own numbers. */
const countMs = 500

/** Tells whoever waits for the next child: null, or why there is none. */
type Settle = (error: Error | null) => void

/** The child that is to take over. */
interface Successor {
  readonly child: Child
  readonly settle: Settle
}

/** One child after the other, or one beside the other while one takes over. `stop` ends it. */
export class Post {
  state: State = 'starting'
  /** Unplanned ones. */
  restarts = 0
  /** Why the last child ended that should not have; forgotten when another one was asked for and is ready. */
  lastError: string | null = null
  /** Whether the last child that gave up found its port taken. */
  portTaken = false
  /** When the next child is started, after a pause. */
  nextTryAt: Date | null = null
  readonly #events: PostEvents
  readonly #means: Means
  #duty: Birth
  #child: Child | null = null
  #successor: Successor | null = null
  /** Set while one child ends, or the next one starts, that cannot be there both at once. */
  #turn: Settle | null = null
  readonly #retiring = new Set<Child>()
  #failures = 0
  #readyAtMs = 0
  #before: Counters = nothingCounted
  #cancelPause: Cancel = () => undefined
  #nextTryMs: number | null = null
  #stop: { readonly deadlineMs: number; readonly how: 'replace' | 'stop'; readonly queue: Queue } | null = null
  readonly #stopped = Promise.withResolvers<void>()

  /** @param duty what its children are made of, until another one takes over */
  constructor(duty: Birth, events: PostEvents, means: Means) {
    this.#duty = duty
    this.#events = events
    this.#means = means
  }

  /** Its next children are made of this. */
  adjust(duty: Birth): void {
    this.#duty = duty
  }

  /** Of the child that serves or starts, or null. */
  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  get startedAt(): Date | null {
    return this.#child?.startedAt ?? null
  }

  /** Starts the first child. */
  start(): void {
    this.#spawn()
  }

  /**
   * Starts a child that is to take over, and resolves when it is ready: it serves from then on, beside the old one, and `takeOver` or
   * `discard` is to be called. Rejects where it cannot start; then all goes on as it was. One at a time.
   */
  async prepare(duty: Birth): Promise<void> {
    const error = await new Promise<Error | null>((settle) => {
      this.#successor = { child: this.#fork(duty), settle }
    })
    if (error !== null) throw error
  }

  /** Has the prepared child take over from the old one, or from none: the old one drains. */
  takeOver(duty: Birth, queue: Queue): void {
    if (this.#stop !== null) return this.discard()
    const successor = this.#successor
    this.#successor = null
    this.#duty = duty
    this.#failures = 0
    this.lastError = null
    // It died after it was ready.
    if (successor === null) return this.#happened('turn')
    // The old one may have died meanwhile: what is to come after it is here already.
    this.#endPause()
    const old = this.#child
    this.#child = successor.child
    if (old !== null) this.#retire(old, 'replace', queue)
    this.#isReady()
  }

  /** Ends the prepared child, ready or not; the old one goes on. */
  discard(): void {
    const successor = this.#successor
    this.#successor = null
    if (successor !== null) this.#retire(successor.child, 'replace', 'leave')
  }

  /**
   * Has another child come after the old one, since they cannot be there both at once. Rejects where it does not start; it is tried
   * again then, as after any death.
   */
  async takeTurns(duty: Birth): Promise<void> {
    this.#duty = duty
    this.#failures = 0
    const error = await new Promise<Error | null>((settle) => {
      this.#turn = settle
      this.#happened('turn')
    })
    if (error !== null) throw error
  }

  /** Whoever waits for a turn waits no longer; the child goes on starting. */
  hurry(): void {
    this.#settleTurn(new Error('was not ready yet when another change was asked for'))
  }

  /** Ends its children; resolves when the last one is gone. Again: they learn the new deadline. */
  stop(deadlineMs: number, how: 'replace' | 'stop', queue: Queue): Promise<void> {
    this.#stop = { deadlineMs, how, queue }
    this.#happened('stop')
    this.#settleTurn(new Error('the service is being stopped'))
    this.#checkEnded()
    return this.#stopped.promise
  }

  /** Ends all its processes at once. */
  kill(): void {
    for (const child of this.#children()) child.kill()
  }

  /** Numbers over all its children, dead ones included. */
  async count(): Promise<Counters> {
    const all = await Promise.all([...this.#children()].map((child) => child.count(countMs)))
    return sumOf([this.#before, ...all])
  }

  /** How the logs of all its children are, as last told. */
  get journal(): JournalHealth {
    return together([...this.#children()].map(({ journal }) => journal))
  }

  /** Puts a message on the channel of each of its children. */
  tell(message: ToChild): void {
    for (const child of this.#children()) child.tell(message)
  }

  /** Gives all its children the keys for TLS as they are now. */
  shareKeys(): void {
    for (const child of this.#children()) this.#giveKeys(child, this.#duty)
  }

  *#children(): Generator<Child> {
    if (this.#child !== null) yield this.#child
    if (this.#successor !== null) yield this.#successor.child
    yield* this.#retiring
  }

  #happened(event: Event): void {
    const from = this.state
    const [next, action] = lifecycle[from][event]
    this.state = next
    if (action === 'spawn') this.#spawn()
    else if (action === 'pause') this.#pause()
    else if (action === 'retire') this.#retireOld()
    else if (action === 'drain') this.#drain()
    if (next !== from) this.#events.changed()
  }

  #spawn(): void {
    this.#endPause()
    this.#child = this.#fork(this.#duty)
  }

  #fork(duty: Birth): Child {
    const events: ChildEvents = {
      ready: (child) => this.#ready(child),
      gone: (child, permanent, why) => {
        this.#events.left(child)
        this.#gone(child, permanent, why)
      },
      asked: (child, message) => this.#events.asked(child, message),
      admission: this.#events.admission,
    }
    const child = this.#means.fork(duty, events)
    this.#giveKeys(child, duty)
    return child
  }

  #giveKeys(child: Child, { plan }: Birth): void {
    const material = plan.service.tls === 'off' ? null : this.#events.material()
    if (material !== null) child.tell({ type: 'tls', material })
  }

  #ready(child: Child): void {
    // One that drains may still have had this to say.
    if (this.state === 'draining') return
    if (child === this.#successor?.child) return this.#successor.settle(null)
    if (child !== this.#child) return
    this.#isReady()
    this.#settleTurn(null)
  }

  #isReady(): void {
    this.#readyAtMs = this.#means.clock.nowMs()
    this.#happened('ready')
  }

  #retire(child: Child, how: 'replace' | 'stop', queue: Queue): void {
    this.#retiring.add(child)
    child.end(how, this.#duty.plan.settings.drainMs, queue)
  }

  #retireOld(): void {
    const old = this.#child
    if (old === null) return
    this.#child = null
    this.#retire(old, 'stop', 'serve')
  }

  #settleTurn(error: Error | null): void {
    this.#turn?.(error)
    this.#turn = null
  }

  #gone(child: Child, permanent: boolean, why: string): void {
    // Whoever was connected to it was served as far as it went.
    const { served, open, refused } = child.counters
    this.#before = sumOf([this.#before, { ...nothingCounted, served: served + open, refused }])
    if (this.#retiring.delete(child)) return this.#checkEnded()
    if (this.#successor?.child === child) {
      const { settle } = this.#successor
      this.#successor = null
      settle(new Error(why))
      return this.#checkEnded()
    }
    this.#child = null
    if (this.state === 'draining') return this.#checkEnded()
    this.#lost(child, permanent, why)
  }

  #lost(child: Child, permanent: boolean, why: string): void {
    this.lastError = why
    this.portTaken = child.failure?.portTaken ?? false
    const servedWell = this.state === 'ready' && this.#means.clock.nowMs() - this.#readyAtMs >= backoff.resetAfterMs
    this.#failures = servedWell ? 1 : this.#failures + 1
    if (!permanent) this.restarts += 1
    this.#happened(permanent ? 'gave-up' : 'died')
    this.#events.died(child.pid, why, this.#nextTryMs)
    this.#settleTurn(new Error(why))
  }

  #pause(): void {
    this.#nextTryMs = pauseMs(this.#failures, this.#means.random())
    this.nextTryAt = new Date(Date.now() + this.#nextTryMs)
    this.#cancelPause = this.#means.clock.after(this.#nextTryMs, () => this.#happened('timer'))
  }

  #endPause(): void {
    this.#cancelPause()
    this.#nextTryMs = null
    this.nextTryAt = null
  }

  #drain(): void {
    this.#endPause()
    if (this.#stop === null) return
    const { deadlineMs, how, queue } = this.#stop
    for (const child of this.#children()) child.end(how, deadlineMs, queue)
  }

  #checkEnded(): void {
    if ([...this.#children()].length > 0) return
    const isOver = this.state === 'draining'
    this.#happened('ended')
    if (isOver) this.#stopped.resolve()
  }
}

export const nothingCounted: Counters = { open: 0, served: 0, refused: {}, memoryOctets: 0 }

/** The numbers of several processes as those of one. */
export const sumOf = (all: readonly Counters[]): Counters => {
  const sum = (of: (counters: Counters) => number) => all.reduce((total, counters) => total + of(counters), 0)
  return {
    open: sum(({ open }) => open),
    served: sum(({ served }) => served),
    refused: sumOfCounts(all.map(({ refused }) => refused)),
    memoryOctets: sum(({ memoryOctets }) => memoryOctets),
  }
}
