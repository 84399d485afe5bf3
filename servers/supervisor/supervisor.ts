/** The supervisor: owns the data folder, the ports, the children and the desk; carries out signals and the command line's wishes. */
import process from 'node:process'
import type { Configuration } from '../../shared/config/settings.ts'
import type { Journal } from '../../shared/log/journal.ts'
import type { Rotation } from '../../shared/log/rotation.ts'
import { exitCodes, PermanentError } from '../../shared/service.ts'
import type { AskMessage } from '../host/messages.ts'
import type { Certificates } from './certificates.ts'
import type { Child } from './child.ts'
import { type Control, openControl, type Request, type Response } from './control.ts'
import { answerQuestion, type FamilyDesk } from './desk.ts'
import { type Changes, Family } from './family.ts'
import { FileTurns } from './file-turns.ts'
import * as journal from './journal.ts'
import type { Keeper, WorkerStatus } from './keeper.ts'
import type { State } from './lifecycle.ts'
import { type Port, portTaken } from './ports.ts'
import { rotationOf } from './rotation.ts'

/** What the supervisor works with. */
export interface SupervisorOptions {
  readonly configuration: Configuration
  /** Reads the configuration anew, from the same places. @throws {PermanentError} when it is wrong */
  readonly reread: () => Promise<Configuration>
  readonly desk: FamilyDesk
  readonly certificates: Certificates
  readonly journal: Journal
  readonly rotation: Rotation
  readonly version: string
  /** Whether children show their records on stdout. */
  readonly console: boolean
  /** Told of every service that became ready, the first time and after changes. */
  readonly onReady: (keeper: Keeper) => void
  /** Told what an operator at a terminal should know. */
  readonly onTrouble: (text: string) => void
  /** Told of each reload of the running family as it begins; what it is given settles when the reload is over, however. */
  readonly onReload: (reload: Promise<Changes>) => void
  /** Told that the end has begun, and how long it may take. */
  readonly onStopping: (why: string, deadlineMs: number) => void
  /** Told that a service went from one state to another. */
  readonly onChange: () => void
}

/** Longer than any drain: a setTimeout takes no more. */
const longestMs = 2 ** 31 - 1

/** A family of processes under one supervisor. `start`, then `stop`, which resolves `ended` when the last child is gone, then `close`. */
export class Supervisor {
  readonly startedAt = new Date()
  readonly #options: SupervisorOptions
  readonly #family: Family
  #configuration: Configuration
  #state: State = 'starting'
  #control: Control | null = null
  /** Set while the first start goes on. */
  #starting: { resolve: () => void; reject: (error: Error) => void } | null = null
  /** Changes of the family that were asked for, one after the other. */
  #changes: Promise<unknown> = Promise.resolve()
  /** A reload that has not begun yet: whoever wishes one meanwhile shares it. */
  #nextReload: Promise<Changes> | null = null
  #ending: Promise<void> | null = null
  readonly #turns = new FileTurns()
  #settleEnded: () => void = () => undefined
  /** Resolves when the family has ended. */
  readonly ended: Promise<void>

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#configuration = options.configuration
    this.#family = new Family({
      version: options.version,
      console: options.console,
      events: {
        changed: (keeper, from) => this.#changed(keeper, from),
        died: (keeper, pid, why, nextTryMs) => this.#died(keeper, pid, why, nextTryMs),
        asked: (_keeper, child, message) => void this.#answer(child, message),
        left: (child) => this.#turns.left(child),
        material: ({ name }) => options.certificates.material(name),
      },
    })
    options.certificates.onChange = () => {
      for (const keeper of this.#family.keepers.values()) keeper.shareKeys()
    }
    this.ended = new Promise((resolve) => {
      this.#settleEnded = resolve
    })
  }

  /**
   * Starts all services on their bound ports; resolves when all of them are ready.
   * @throws {PermanentError} when one cannot start for good; the others are ended by then
   */
  async start(ports: ReadonlyMap<string, Port>): Promise<void> {
    const { settings } = this.#configuration
    journal.started(this.#log, this.#options.version, settings.data)
    this.#control = await openControl(settings.data, (request) => this.#carryOut(request))
    // Told to end before there was anything to end.
    if (this.stopping) throw new Error('stopped before the start')
    const allReady = new Promise<void>((resolve, reject) => {
      this.#starting = { resolve, reject }
    })
    for (const service of this.#enabled) {
      const port = ports.get(service.name)
      if (port !== undefined) this.#family.add(service, settings, port)
    }
    this.#checkStarted()
    try {
      await allReady
    } catch (error) {
      await this.stop('a service cannot start', 0)
      throw error
    }
  }

  /** Reads the configuration anew and goes over to it. @throws {PermanentError} and nothing changed */
  reload(): Promise<Changes> {
    this.#nextReload ??= this.#inTurn(() => {
      this.#nextReload = null
      const reload = this.#reload()
      if (this.#state === 'ready') this.#options.onReload(reload)
      return reload
    })
    return this.#nextReload
  }

  /** Ends all services and resolves when the last child is gone. */
  stop(why: string, deadlineMs = this.#configuration.settings.drainMs): Promise<void> {
    this.#ending ??= this.#stop(why, deadlineMs)
    return this.#ending
  }

  /** Whether the end has begun. */
  get stopping(): boolean {
    return this.#ending !== null
  }

  /** Ends all children at once. */
  kill(): void {
    this.#family.kill()
  }

  get #enabled() {
    return this.#configuration.services.filter(({ enabled }) => enabled)
  }

  get #log() {
    return this.#options.journal.log
  }

  /** Changes the family once the changes before are made; none is begun any more when the end has. */
  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const turn = async () => {
      this.#checkNotStopping()
      return change()
    }
    this.#family.hurry()
    // Whether the change before was made or failed is the affair of who asked for it.
    const result = this.#changes.then(turn, turn)
    this.#changes = result
    return result
  }

  #checkNotStopping(): void {
    if (this.stopping) throw new Error('Havre is being stopped: nothing was changed')
  }

  async #stop(why: string, deadlineMs: number): Promise<void> {
    this.#state = 'draining'
    journal.stopping(this.#log, why)
    this.#options.onStopping(why, deadlineMs)
    this.#starting?.reject(new Error(why))
    await this.#family.stop(Math.min(deadlineMs, longestMs))
    this.#state = 'stopped'
    journal.stopped(this.#log)
    this.#settleEnded()
  }

  /** Closes the control socket, once nothing is left to end: `havre stop` returns when it is gone. */
  close(): void {
    this.#control?.close()
  }

  async #reload(): Promise<Changes> {
    // Whatever comes of it: who has moved the logs away asks for no more.
    this.#options.journal.reopen()
    await this.#family.reopenLogs()
    try {
      const configuration = await this.#options.reread()
      this.#checkNotStopping()
      this.#checkReload(configuration)
      const takeCertificates = await this.#options.certificates.prepare(configuration)
      const changes = await this.#become(configuration, takeCertificates)
      journal.reloaded(
        this.#log,
        Object.entries(changes).map(([what, names]) => `${what}: ${names.join(' ') || '-'}`),
      )
      return changes
    } catch (error) {
      journal.notReloaded(this.#log, messageOf(error))
      throw error
    }
  }

  async #become(configuration: Configuration, takeCertificates: () => void): Promise<Changes> {
    const adopt = () => {
      this.#configuration = configuration
      takeCertificates()
      this.#options.desk.configure(configuration.settings)
      this.#options.journal.moveTo(configuration.settings.logs)
      this.#options.journal.keepFrom(configuration.settings.log.level)
      this.#options.rotation.configure(rotationOf(configuration))
    }
    try {
      const changes = await this.#family.become(configuration)
      adopt()
      return changes
    } catch (error) {
      // It holds for all services but those that could not go over to it.
      if (error instanceof AggregateError) adopt()
      throw error
    }
  }

  /** What holds for the life of a process cannot change under it. */
  #checkReload({ settings }: Configuration): void {
    const before = this.#configuration.settings
    for (const setting of ['data', 'user'] as const) {
      if (settings[setting] === before[setting]) continue
      throw new PermanentError(`${setting} cannot change while Havre runs: stop it and start it again. Nothing was changed`)
    }
  }

  #changed(keeper: Keeper, from: State): void {
    journal.serviceChanged(this.#log, keeper.name, from, keeper.state)
    if (keeper.state === 'ready') this.#options.onReady(keeper)
    this.#options.onChange()
    this.#checkStarted()
  }

  /** The states of all services, for people: `ready: http, ftp; waiting: smtp`. */
  get summary(): string {
    const keepers = [...this.#family.keepers.values()]
    const states = [...new Set(keepers.map(({ state }) => state))]
    const namesIn = (wanted: State) => keepers.filter(({ state }) => state === wanted).map(({ name }) => name)
    return states.map((state) => `${state}: ${namesIn(state).join(', ')}`).join('; ')
  }

  #checkStarted(): void {
    if (this.#starting === null) return
    const keepers = [...this.#family.keepers.values()]
    const failed = keepers.find(({ state }) => state === 'failed')
    if (failed !== undefined) {
      const { service } = failed.plan
      const taken = failed.portTaken ? portTaken({ service: service.name, host: service.host, port: failed.port.port }) : null
      this.#starting.reject(taken ?? new PermanentError(`${failed.name}: ${failed.lastError ?? 'cannot start'}`))
      this.#starting = null
    } else if (keepers.every(({ state }) => state === 'ready')) {
      this.#state = 'ready'
      this.#starting.resolve()
      this.#starting = null
    }
  }

  #died(keeper: Keeper, pid: number, why: string, nextTryMs: number | null): void {
    journal.childDied(this.#log, keeper.name, pid, why, nextTryMs)
    const next = nextTryMs === null ? 'it stays down until the next reload' : `next try in ${(nextTryMs / 1_000).toFixed(1)} s`
    this.#options.onTrouble(`${keeper.name} (pid ${pid}) ${why}; ${next}`)
  }

  async #answer(child: Child, message: AskMessage): Promise<void> {
    const { id, call } = message
    if (message.call === 'turnOver') return this.#turns.over(child, message.question)
    try {
      if (message.call === 'turn') {
        await this.#turns.take(child, message.question.token, message.question.file)
        child.tell({ type: 'answer', id, answer: null })
      } else child.tell({ type: 'answer', id, answer: await answerQuestion(this.#options.desk, message) })
    } catch (error) {
      // Whatever failed, the child must hear of it: it keeps a client waiting.
      journal.deskFailed(this.#log, `${child.pid}`, call, error)
      child.tell({ type: 'failure', id, message: 'the supervisor could not answer' })
    }
  }

  async #carryOut(request: Request): Promise<Response> {
    switch (request.command) {
      case 'status':
        return { ok: true, result: await this.status() }
      case 'reload':
        return this.#respond(() => this.reload())
      case 'restart':
        return this.#respond(() => this.#inTurn(() => this.#restart(request.name)))
      case 'stop':
        void this.stop('asked by havre stop')
        return { ok: true, result: null }
    }
  }

  async #respond(work: () => Promise<unknown>): Promise<Response> {
    try {
      return { ok: true, result: await work() }
    } catch (error) {
      const exitCode = error instanceof PermanentError ? exitCodes.permanent : exitCodes.temporary
      return { ok: false, exitCode, message: messageOf(error) }
    }
  }

  async #restart(name: string): Promise<void> {
    const keeper = this.#family.keepers.get(name)
    if (keeper !== undefined) return keeper.replace(keeper.plan)
    const names = [...this.#family.keepers.keys()].join(', ')
    throw new PermanentError(`no service is called ${name}; there are: ${names}`)
  }

  /** What `havre status --json` prints. */
  async status() {
    const services = [...this.#family.keepers.values()].map(async (keeper) => {
      const { all, workers } = await keeper.count()
      const { name, plan, port } = keeper
      const place = { protocol: plan.service.protocol, host: port.host, port: port.port }
      const { journal: health } = keeper
      return { name, ...place, ...rowOf({ ...workerOf(keeper), ...all }), journal: health, workers: workers.map(rowOf) }
    })
    const { version } = this.#options
    const startedAt = this.startedAt.toISOString()
    const supervisor = { pid: process.pid, version, state: this.#state, startedAt, journal: this.#options.journal.health }
    return { supervisor, services: await Promise.all(services) }
  }
}

const workerOf = ({ pid, state, startedAt, restarts, lastError, nextTry }: Keeper) => ({
  ...{ pid, state, startedAt, restarts, lastError, nextTry },
})

/** Numbers as `status --json` tells them. */
const rowOf = ({ pid, state, startedAt, restarts, open, served, refused, memoryOctets, lastError, nextTry }: WorkerStatus) => ({
  ...{ pid, state, startedAt: startedAt?.toISOString() ?? null, restarts },
  ...{ connections: open, served, refused, memory: memoryOctets, lastError, nextTry: nextTry?.toISOString() ?? null },
})

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
