/** Birth and death of one child, and what is said to it. When to have one is the keeper's decision. */
import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Cancel } from '../../shared/clock.ts'
import type { ConfiguredService, Settings } from '../../shared/config/settings.ts'
import { AdmissionShare, type AdmissionTable } from '../../shared/limits/admission.ts'
import type { JournalHealth } from '../../shared/log/appender.ts'
import { holdProbe, type Probe } from '../../shared/net/probe.ts'
import { exitCodes } from '../../shared/service.ts'
import { isStopped, killNow, type Root } from '../exec/processes.ts'
import { Joined } from '../host/joined.ts'
import { type AnswerMessage, type AskMessage, type Counters, isToSupervisor, type ToChild } from '../host/messages.ts'
import { isListenedOn } from './holder.ts'
import type { LocalConnections, Pair } from './local-connections.ts'
import type { Port } from './ports.ts'
import { runningTime } from './running-time.ts'
import { type Trouble, Watch, watching } from './watch.ts'

/** The program of every child, beside this one: `.ts` when run from the sources, `.js` from dist/. */
export const childProgram = fileURLToPath(new URL(`../host/main${extname(import.meta.filename)}`, import.meta.url))

/** The program beside a program of somebody else. */
export const runnerProgram = fileURLToPath(new URL(`../host/runner${extname(import.meta.filename)}`, import.meta.url))

/** How a child shows in the list of processes; an orphan is known by it. */
export const childArguments = (service: string, data: string): string[] => [service, `--data=${data}`]

/** One arena for glibc's malloc in place of one a thread: a child has few threads that allocate, and each arena keeps a MiB or more. */
const memoryVariables = { MALLOC_ARENA_MAX: '1' }

/** Of our own environment a child gets what says how to write times and to a terminal: it may hold secrets, and flags for a Node. */
const passedOn = /^(?:TZ|LANG|LC_.*|TERM|NO_COLOR|HAVRE_TEST_.*|SystemRoot)$/

const childVariables = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => passedOn.test(name)))

/** A child that is not ready by then is stuck, however busy the machine; of a program of somebody else its own settings say when. */
const ownStartMs = 60_000

/** How long after a child's end its channel is listened to at most. */
const lastWordsMs = 1_000

/** The trouble with a child that says nothing. */
const silent = 'did not answer'

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

/** Children that are processes of their own, each watched as long as it serves. @param connections on which they are asked */
export const forkChildren =
  (connections: LocalConnections): Fork =>
  (birth, events) =>
    new ForkedChild(birth, events, connections)

class ForkedChild implements Child {
  readonly startedAt = new Date()
  counters: Counters = { open: 0, served: 0, refused: {}, memoryOctets: 0 }
  journal: JournalHealth = { ok: true, error: null, dropped: 0 }
  failure: { readonly message: string; readonly portTaken: boolean } | null = null
  readonly #process: ChildProcess
  /** The program that it looks after. */
  #program: Root | null = null
  readonly #birth: Birth
  readonly #connections: LocalConnections
  #cancelDeadline: Cancel
  #watch: Watch | null = null
  /** A probe was sent that it has not taken yet. */
  #untaken = false
  #late = ''
  #counted: (() => void)[] = []
  readonly #admitted: AdmissionShare
  readonly #joined = new Joined<AnswerMessage>((first, more) =>
    this.#send(more.length === 0 ? first : { type: 'answers', answers: [first, ...more] }),
  )

  constructor({ plan, port }: Birth, events: ChildEvents, connections: LocalConnections) {
    this.#birth = { plan, port }
    this.#connections = connections
    const { service, settings, version, console, network, flags } = plan
    const { external } = service
    this.#admitted = new AdmissionShare(events.admission)
    const fd = port.fd()
    this.#process = fork(external === null ? childProgram : runnerProgram, childArguments(service.name, settings.data), {
      execArgv: [...flags],
      env: { ...(external === null ? childVariables() : process.env), ...memoryVariables },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(fd === null ? [] : [fd])],
    })
    const startMs = external?.startMs ?? ownStartMs
    this.#cancelDeadline = this.#killAfter(startMs, `was not ready within ${startMs / 1_000} s`)
    this.#process.on('message', (message) => this.#heard(message, events))
    this.#process.on('error', (error) => {
      // A child that was never born has no exit; one that was tells by it.
      if (this.#process.pid === undefined) this.#gone(events, false, error.message)
    })
    this.#process.once('exit', (code, signal) => {
      const gone = () => this.#gone(events, code === exitCodes.permanent, this.#whyGone(code, signal))
      if (!this.#process.connected) return gone()
      // What it said last may still be on the channel: its counters, mostly.
      const late = setTimeout(() => this.#process.disconnect(), lastWordsMs)
      this.#process.once('disconnect', () => {
        clearTimeout(late)
        gone()
      })
    })
    // A program of somebody else binds the port itself: it has to know which the system chose.
    this.tell({ type: 'start', service: { ...service, port: port.port }, settings, version, console, network })
  }

  get pid(): number {
    return this.#program?.pid ?? this.#process.pid ?? 0
  }

  tell(message: ToChild): void {
    if (message.type === 'answer' || message.type === 'failure') return this.#joined.add(message)
    this.#joined.flush()
    this.#send(message)
  }

  #send(message: ToChild): void {
    if (!this.#process.connected) return
    // A child that dies at this moment makes the write fail: its exit tells the same.
    this.#process.send(message, () => undefined)
  }

  end(how: 'replace' | 'stop', deadlineMs: number, queue: 'leave' | 'serve'): void {
    this.tell({ type: 'end', how, deadlineMs, queue })
    this.#watch?.close()
    this.#cancelDeadline()
    this.#cancelDeadline = this.#killAfter(deadlineMs + overtimeMs, 'did not end in time')
  }

  kill(): void {
    this.#process.kill('SIGKILL')
    this.#killProgram()
  }

  async count(waitMs: number): Promise<Counters> {
    await this.#answers(waitMs)
    return this.counters
  }

  /** Whether it tells its counters in time. */
  #answers(waitMs: number): Promise<boolean> {
    if (!this.#process.connected) return Promise.resolve(false)
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), waitMs)
      this.#counted.push(() => {
        clearTimeout(timer)
        resolve(true)
      })
      this.tell({ type: 'count' })
    })
  }

  #heard(message: unknown, events: ChildEvents): void {
    if (!isToSupervisor(message)) return
    switch (message.type) {
      case 'ready':
        this.#cancelDeadline()
        this.#beWatched()
        return events.ready(this)
      case 'failed':
        this.failure = message
        return
      case 'program':
        this.#program = message.program
        return
      case 'ask':
        return events.asked(this, message)
      case 'asks':
        for (const ask of message.asks) events.asked(this, ask)
        return
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

  #beWatched(): void {
    const stuck = (trouble: string) => {
      this.#late = `${trouble} for ${watching.patienceMs / 1_000} s and was killed; conversations that it was in are lost`
      this.kill()
    }
    this.#watch = new Watch((signal) => this.#ask(signal), stuck, runningTime)
  }

  async #ask(signal: AbortSignal): Promise<Trouble> {
    const { service } = this.#birth.plan
    if (service.external !== null) return this.#askRunner(service.external.listens)
    return service.probe === null ? null : this.#askInItsProtocol(service.probe, signal)
  }

  async #askInItsProtocol(probe: Probe, signal: AbortSignal): Promise<Trouble> {
    // Asked already, and the question waits to be taken: another one would only wait behind it.
    if (this.#untaken || !this.#process.connected) return silent
    let pair: Pair
    try {
      pair = await this.#connections.pair()
    } catch {
      // Whatever is missing is missing here (descriptors, mostly): it tells nothing about the child.
      return null
    }
    const { ours, theirs } = pair
    const taken = () => {
      this.#untaken = false
    }
    ours.once('data', taken).once('close', taken)
    this.#untaken = true
    try {
      this.#process.send({ type: 'probe' } satisfies ToChild, theirs, () => undefined)
      const outcome = await holdProbe(ours, probe, signal)
      if (outcome.outcome === 'well') return null
      if (outcome.heard !== null) return `answered \`${outcome.heard.slice(0, 80)}\` to a probe`
      // A crowded child may have no descriptor left to take it with; it can still say so by its channel.
      return !signal.aborted && (await this.#answers(watching.againMs)) ? null : silent
    } finally {
      ours.destroy()
    }
  }

  /** What a program of somebody else speaks is not ours to know, and some count connections that say nothing: they are looked at only. */
  async #askRunner(listens: boolean): Promise<Trouble> {
    if (!(await this.#answers(watching.againMs))) return silent
    if (this.#program !== null && isStopped(this.#program)) return 'was stopped (SIGSTOP)'
    return listens && !isListenedOn(this.#birth.port.port) ? 'did not listen on its port' : null
  }

  #gone(events: ChildEvents, permanent: boolean, why: string): void {
    this.#watch?.close()
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
