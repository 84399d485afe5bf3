/** Keeps one service served: has a child, replaces it, restarts it after a pause, ends it. Owns its port. */
import type { ConfiguredService, Settings } from '../../shared/config/settings.ts'
import { type JournalHealth, together } from '../../shared/log/appender.ts'
import type { TlsMaterial } from '../../shared/tls/material.ts'
import type { AskMessage, Counters } from '../host/messages.ts'
import { Child, type ChildEvents } from './child.ts'
import { backoff, type Event, lifecycle, pauseMs, type State } from './lifecycle.ts'
import type { Port } from './ports.ts'

/** What a child is made of. */
export interface Plan {
  readonly service: ConfiguredService
  readonly settings: Settings
  readonly version: string
  readonly console: boolean
  /** Whether it may open connections once it listens. */
  readonly network: 'accept' | 'connect'
  /** Flags of its Node: the sandbox. */
  readonly flags: readonly string[]
}

/** What the keeper tells the supervisor. */
export interface KeeperEvents {
  changed(keeper: Keeper, from: State): void
  /** A child ended that should not have; null: there will be no next try. */
  died(keeper: Keeper, pid: number, why: string, nextTryMs: number | null): void
  asked(keeper: Keeper, child: Child, message: AskMessage): void
  /** What its children need to speak TLS; null as long as there is nothing. */
  material(keeper: Keeper): TlsMaterial | null
}

/** How long `status` waits for a child's own numbers. */
const countMs = 500

/** The child that takes over once it is ready. */
interface Successor {
  readonly child: Child
  readonly plan: Plan
  readonly port: Port
  readonly settle: Settle
}

/** Tells whoever waits for the next child: null, or why there is none. */
type Settle = (error: Error | null) => void

/** One service of the configuration, kept. */
export class Keeper {
  plan: Plan
  port: Port
  state: State = 'starting'
  /** Unplanned ones. */
  restarts = 0
  lastError: string | null = null
  /** Whether the last child that gave up found its port taken. */
  portTaken = false
  readonly #events: KeeperEvents
  #child: Child | null = null
  #successor: Successor | null = null
  /** Set while one child ends, or the next one starts, that cannot be there both at once. */
  #turn: Settle | null = null
  readonly #retiring = new Set<Child>()
  #failures = 0
  #servedBefore = 0
  #timer: NodeJS.Timeout | null = null
  #nextTryMs: number | null = null
  #stopMs = 0
  readonly #stopped = Promise.withResolvers<void>()

  constructor(plan: Plan, port: Port, events: KeeperEvents) {
    this.plan = plan
    this.port = port
    this.#events = events
  }

  get name(): string {
    return this.plan.service.name
  }

  /** The child that serves or starts, or null. */
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
   * Has a new child take over, from the old one or from none: the old one serves until the new one is ready, then drains. One at a
   * time. Rejects where the new one cannot start; then all goes on as it was. A program of somebody else cannot share its port: the
   * old one ends first, and where the new one does not start it is tried again, as after any death.
   * @param port another port for the new child; the old one is given free once its child drains
   */
  async replace(plan: Plan, port: Port = this.port): Promise<void> {
    if (plan.service.external !== null) return this.#takeTurns(plan, port)
    const error = await new Promise<Error | null>((settle) => {
      this.#successor = { child: this.#fork(plan, port), plan, port, settle }
    })
    if (error !== null) throw error
  }

  async #takeTurns(plan: Plan, port: Port): Promise<void> {
    this.plan = plan
    this.port = port
    this.#failures = 0
    const error = await new Promise<Error | null>((settle) => {
      this.#turn = settle
      this.#happened('turn')
    })
    if (error !== null) throw error
  }

  /**
   * Somebody waits for another change: one who waits for a program of somebody else to be ready waits no longer, since that may take
   * minutes. The program goes on starting.
   */
  hurry(): void {
    this.#settleTurn(new Error('was not ready yet when another change was asked for'))
  }

  /** Ends the service; resolves when its last child is gone. Again: the children learn the new deadline. */
  stop(deadlineMs: number): Promise<void> {
    this.#stopMs = deadlineMs
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
    const sum = (of: (counters: Counters) => number) => all.reduce((total, counters) => total + of(counters), 0)
    return {
      open: sum(({ open }) => open),
      served: this.#servedBefore + sum(({ served }) => served),
      refused: sum(({ refused }) => refused),
      memoryOctets: sum(({ memoryOctets }) => memoryOctets),
    }
  }

  /** How the logs of all its children are, as last told. */
  get journal(): JournalHealth {
    return together([...this.#children()].map(({ journal }) => journal))
  }

  /** Has all its children go on in new logs; resolves when they do, or have not answered in time. */
  async reopenLogs(): Promise<void> {
    for (const child of this.#children()) child.tell({ type: 'reopen' })
    await this.count()
  }

  /** Gives all its children the keys for TLS as they are now. */
  shareKeys(): void {
    for (const child of this.#children()) this.#giveKeys(child)
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
    else if (action === 'retire') this.#retire()
    else if (action === 'drain') this.#drain()
    if (next !== from) this.#events.changed(this, from)
  }

  #spawn(): void {
    this.#cancelPause()
    this.#child = this.#fork(this.plan, this.port)
  }

  #fork({ service, settings, version, console, network, flags }: Plan, port: Port): Child {
    const events: ChildEvents = {
      ready: (child) => this.#ready(child),
      gone: (child, permanent, why) => this.#gone(child, permanent, why),
      asked: (child, message) => this.#events.asked(this, child, message),
    }
    // A program of somebody else binds the port itself: it has to know which the system chose.
    const start = { type: 'start', service: { ...service, port: port.port }, settings, version, console, network } as const
    const child = new Child({ start, port, flags, external: service.external }, events)
    this.#giveKeys(child, service)
    return child
  }

  #giveKeys(child: Child, { tls } = this.plan.service): void {
    const material = tls === 'off' ? null : this.#events.material(this)
    if (material !== null) child.tell({ type: 'tls', material })
  }

  #ready(child: Child): void {
    const successor = this.#successor
    // One that drains may still have had this to say.
    if (this.state === 'draining' || (child !== this.#child && child !== successor?.child)) return
    this.lastError = null
    if (child === successor?.child) this.#takeOver(successor)
    this.#happened('ready')
    this.#settleTurn(null)
    if (child === successor?.child) successor.settle(null)
  }

  #takeOver({ child, plan, port }: Successor): void {
    this.#successor = null
    // The old one may have died meanwhile: what is to come after it is here already.
    this.#cancelPause()
    this.#failures = 0
    const old = this.#child
    this.#child = child
    if (port !== this.port) this.port.close()
    this.port = port
    this.plan = plan
    if (old === null) return
    this.#retiring.add(old)
    old.end('replace', plan.settings.drainMs)
  }

  #retire(): void {
    const old = this.#child
    if (old === null) return
    this.#child = null
    this.#retiring.add(old)
    old.end('stop', this.plan.settings.drainMs)
  }

  #settleTurn(error: Error | null): void {
    this.#turn?.(error)
    this.#turn = null
  }

  #gone(child: Child, permanent: boolean, why: string): void {
    // Whoever was connected to it was served as far as it went.
    this.#servedBefore += child.counters.served + child.counters.open
    if (this.#retiring.delete(child)) return this.#checkEnded()
    if (this.#successor?.child === child) {
      const { settle, port } = this.#successor
      this.#successor = null
      if (port !== this.port) port.close()
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
    const servedWell = this.state === 'ready' && Date.now() - child.startedAt.getTime() >= backoff.resetAfterMs
    this.#failures = servedWell ? 1 : this.#failures + 1
    if (!permanent) this.restarts += 1
    this.#happened(permanent ? 'gave-up' : 'died')
    this.#events.died(this, child.pid, why, this.#nextTryMs)
    this.#settleTurn(new Error(why))
  }

  #pause(): void {
    this.#nextTryMs = pauseMs(this.#failures, Math.random())
    this.#timer = setTimeout(() => this.#happened('timer'), this.#nextTryMs)
  }

  #cancelPause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#nextTryMs = null
  }

  #drain(): void {
    this.#cancelPause()
    this.port.close()
    for (const child of this.#children()) child.end('stop', this.#stopMs)
  }

  #checkEnded(): void {
    if ([...this.#children()].length > 0) return
    const isOver = this.state === 'draining'
    this.#happened('ended')
    if (isOver) this.#stopped.resolve()
  }
}
