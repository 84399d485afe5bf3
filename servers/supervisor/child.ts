/** Birth and death of one child, and what is said to it. When to have one is the keeper's decision. */
import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { ConfiguredService, Settings } from '../../shared/config/settings.ts'
import { AdmissionShare, type AdmissionTable } from '../../shared/limits/admission.ts'
import type { JournalHealth } from '../../shared/log/appender.ts'
import { exitCodes } from '../../shared/service.ts'
import { killNow, type Root } from '../exec/processes.ts'
import { type AskMessage, type Counters, isToSupervisor, type ToChild } from '../host/messages.ts'
import type { Port } from './ports.ts'
import { type Cancel, runningTime } from './running-time.ts'

/** The program of every child, beside this one: `.ts` when run from the sources, `.js` from dist/. */
export const childProgram = fileURLToPath(new URL(`../host/main${extname(import.meta.filename)}`, import.meta.url))

/** The program beside a program of somebody else. */
export const runnerProgram = fileURLToPath(new URL(`../host/runner${extname(import.meta.filename)}`, import.meta.url))

/** How a child shows in the list of processes; an orphan is known by it. */
export const childArguments = (service: string, data: string): string[] => [service, `--data=${data}`]

/** One arena for glibc's malloc in place of one a thread: a child has few threads that allocate, and each arena keeps a MiB or more. */
const memoryVariables = { MALLOC_ARENA_MAX: '1' }

/** A child that is not ready by then is stuck; of a program of somebody else its own settings say when. */
const ownStartMs = 20_000

/** What a child may take beyond its own deadline before it is killed. */
const overtimeMs = 5_000

/** What happens to a child. */
export interface ChildEvents {
  ready(child: Child): void
  /** It is gone. `permanent`: trying again cannot help; `why` is for people. */
  gone(child: Child, permanent: boolean, why: string): void
  asked(child: Child, message: AskMessage): void
  /** Where the service's connections are counted. */
  readonly admission: AdmissionTable
}

/** What a child is to be. */
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

/** What a child is made of. */
export interface Birth {
  readonly plan: Plan
  readonly port: Port
}

/** One process that serves one service, or that looks after the program that does. */
export interface Child {
  readonly startedAt: Date
  /** Of the process that serves: where that is a program of somebody else, of the program. */
  readonly pid: number
  /** As last told. */
  readonly counters: Counters
  /** How its logs are, as last told. */
  readonly journal: JournalHealth
  /** What it said before it gave up. */
  readonly failure: { readonly message: string; readonly portTaken: boolean } | null
  /** Puts a message on its channel; a child that is gone misses it. */
  tell(message: ToChild): void
  /** Tells it to finish: see `Host.end`. */
  end(how: 'replace' | 'stop', deadlineMs: number, queue: 'leave' | 'serve'): void
  kill(): void
  /** The counters as they are now, or as last told where the child does not answer in time. */
  count(waitMs: number): Promise<Counters>
}

/** Gives birth to a child; `gone` is told last, and always. */
export type Fork = (birth: Birth, events: ChildEvents) => Child

/** A child that is a process of its own. */
export const forkChild: Fork = (birth, events) => new ForkedChild(birth, events)

class ForkedChild implements Child {
  readonly startedAt = new Date()
  counters: Counters = { open: 0, served: 0, refused: {}, memoryOctets: 0 }
  journal: JournalHealth = { ok: true, error: null, dropped: 0 }
  failure: { readonly message: string; readonly portTaken: boolean } | null = null
  readonly #process: ChildProcess
  /** The program that it looks after. */
  #program: Root | null = null
  #cancelDeadline: Cancel
  #late = ''
  #counted: (() => void)[] = []
  readonly #admitted: AdmissionShare

  constructor({ plan, port }: Birth, events: ChildEvents) {
    const { service, settings, version, console, network, flags } = plan
    const { external } = service
    this.#admitted = new AdmissionShare(events.admission)
    const fd = port.fd()
    this.#process = fork(external === null ? childProgram : runnerProgram, childArguments(service.name, settings.data), {
      execArgv: [...flags],
      env: { ...process.env, ...memoryVariables },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(fd === null ? [] : [fd])],
    })
    const startMs = external?.startMs ?? ownStartMs
    this.#cancelDeadline = this.#killAfter(startMs, `was not ready within ${startMs / 1_000} s`)
    this.#process.on('message', (message) => this.#heard(message, events))
    this.#process.on('error', (error) => {
      // A child that was never born has no exit; one that was tells by it.
      if (this.#process.pid === undefined) this.#gone(events, false, error.message)
    })
    this.#process.once('exit', (code, signal) => this.#gone(events, code === exitCodes.permanent, this.#whyGone(code, signal)))
    // A program of somebody else binds the port itself: it has to know which the system chose.
    this.tell({ type: 'start', service: { ...service, port: port.port }, settings, version, console, network })
  }

  get pid(): number {
    return this.#program?.pid ?? this.#process.pid ?? 0
  }

  tell(message: ToChild): void {
    if (!this.#process.connected) return
    // A child that dies at this moment makes the write fail: its exit tells the same.
    this.#process.send(message, () => undefined)
  }

  end(how: 'replace' | 'stop', deadlineMs: number, queue: 'leave' | 'serve'): void {
    this.tell({ type: 'end', how, deadlineMs, queue })
    this.#cancelDeadline()
    this.#cancelDeadline = this.#killAfter(deadlineMs + overtimeMs, 'did not end in time')
  }

  kill(): void {
    this.#process.kill('SIGKILL')
    this.#killProgram()
  }

  async count(waitMs: number): Promise<Counters> {
    if (!this.#process.connected) return this.counters
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs)
      this.#counted.push(() => {
        clearTimeout(timer)
        resolve()
      })
      this.tell({ type: 'count' })
    })
    return this.counters
  }

  #heard(message: unknown, events: ChildEvents): void {
    if (!isToSupervisor(message)) return
    switch (message.type) {
      case 'ready':
        this.#cancelDeadline()
        return events.ready(this)
      case 'failed':
        this.failure = message
        return
      case 'program':
        this.#program = message.program
        return
      case 'ask':
        return events.asked(this, message)
      case 'admit':
        return this.tell({ type: 'admission', id: message.id, verdict: this.#admitted.admit(message.group) })
      case 'release':
        return this.#admitted.release(message.group)
      case 'counters':
        this.counters = message.counters
        this.journal = message.journal
        return this.#answerCounts()
    }
  }

  #answerCounts(): void {
    for (const counted of this.#counted.splice(0)) counted()
  }

  #gone(events: ChildEvents, permanent: boolean, why: string): void {
    this.#cancelDeadline()
    this.#admitted.end()
    this.#answerCounts()
    // Whoever looked after it is gone; where that was by its own will, the program was gone before.
    this.#killProgram()
    events.gone(this, permanent, why)
  }

  #killProgram(): void {
    if (this.#program !== null) killNow(this.#program)
  }

  #killAfter(ms: number, why: string): Cancel {
    return runningTime.after(ms, () => {
      this.#late = why
      this.kill()
    })
  }

  #whyGone(code: number | null, signal: NodeJS.Signals | null): string {
    if (this.failure !== null) return this.failure.message
    if (this.#late !== '') return this.#late
    return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
  }
}
