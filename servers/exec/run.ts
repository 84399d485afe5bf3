/** One life of a service's program: left-overs, preparation, start, readiness, service, end. */
import { BoundSocket } from 'node:net'
import type { ServiceSettings, Settings } from '../../shared/config/settings.ts'
import type { Journal } from '../../shared/log/journal.ts'
import { escapeControls } from '../../shared/log/render.ts'
import { exitCodes, PermanentError } from '../../shared/service.ts'
import * as journal from './journal.ts'
import { makeFolder, type Plan, planOf } from './launch.ts'
import { endLeftover, forgetProgram, noteProgram } from './leftover.ts'
import type { ExecOptions } from './options.ts'
import { type OutputLine, Rate } from './output.ts'
import { prepare } from './preparation.ts'
import type { Root } from './processes.ts'
import { type Ending, endingText, type OutputTaking, Program } from './program.ts'
import { Readiness } from './readiness.ts'

/** What a run works with. */
export interface RunOptions {
  /** With the port that it really has. */
  readonly service: ServiceSettings
  /** The service's own, checked. */
  readonly options: ExecOptions
  readonly settings: Settings
  readonly journal: Journal
  /** Told as soon as the program runs, long before it is ready; and of its preparation before it. */
  readonly onProgram: (program: Root) => void
}

/** The program ended, or did not become ready, by itself. `permanent`: trying again cannot help. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError'
  readonly permanent: boolean
  constructor(message: string, permanent: boolean) {
    super(message)
    this.permanent = permanent
  }
}

/** Another program has the port. */
export class PortTakenError extends PermanentError {
  override readonly name = 'PortTakenError'
}

/** What of a program's last words is told with its end. */
const lastWordsCharacters = 300

/** However soon it has to be, a program is given so long to end in order. */
const leastStopMs = 1_000

/** A program's life. `start`, then await `over`; `stop` ends it at any time. */
export class Run {
  readonly #options: RunOptions
  readonly #stopping = new AbortController()
  readonly #rate: Rate
  readonly #output: OutputTaking
  #program: Program | null = null
  #readiness: Readiness | null = null
  #lastLine = ''
  #starting: Promise<void> = Promise.resolve()
  #ending: Promise<void> | null = null

  constructor(options: RunOptions) {
    this.#options = options
    this.#output = { maxLineOctets: options.options.output.line, take: (line) => this.#take(line) }
    this.#rate = new Rate(options.options.output.linesPerSecond, (lines) => journal.outputDropped(this.#log, lines))
  }

  get #log() {
    return this.#options.journal.log
  }

  /** Resident memory of the program with all that belongs to it, in octets. */
  get memoryOctets(): number {
    return this.#program?.memoryOctets ?? 0
  }

  /**
   * Resolves when the program serves, or when it was stopped before.
   * @throws {PermanentError} when it cannot be started this way. @throws {ProgramError} when it ended or was too slow.
   * @throws {PreparationError}
   */
  start(): Promise<void> {
    this.#starting = this.#start()
    return this.#starting
  }

  /** Resolves when the program ended by itself, with what to say of it; never when it was stopped. */
  async over(): Promise<ProgramError> {
    const program = this.#program
    if (program === null) return new Promise(() => undefined)
    const ending = await program.ended
    if (this.#stopping.signal.aborted) return new Promise(() => undefined)
    await this.#clean(program, ending)
    return this.#failure(ending)
  }

  /** Ends the program; resolves when nothing of it is left. Again: it has no longer than the new deadline. */
  stop(deadlineMs: number): Promise<void> {
    if (this.#ending === null) this.#ending = this.#stop(deadlineMs)
    else setTimeout(() => void this.#program?.kill(), Math.max(leastStopMs, deadlineMs)).unref()
    return this.#ending
  }

  async #start(): Promise<void> {
    const { service, options, settings } = this.#options
    const left = await endLeftover(settings.data, service.name)
    if (left !== null) journal.leftoverEnded(this.#log, left)
    const plan = planOf(service, options, settings)
    await prepare(plan.preparation, {
      output: this.#output,
      log: this.#log,
      signal: this.#stopping.signal,
      onProgram: (command) => this.#note(command),
      saying: () => this.#saying(),
    })
    forgetProgram(settings.data, service.name)
    if (this.#stopping.signal.aborted) return
    makeFolder(plan.launch.folder, plan.launch.user)
    checkPort(service)
    await this.#launch(plan)
  }

  async #launch({ launch, ready }: Plan): Promise<void> {
    const { service, options } = this.#options
    const startedAt = performance.now()
    const readiness = new Readiness(ready, service)
    this.#readiness = readiness
    const program = await Program.start(launch, this.#output, this.#log)
    this.#program = program
    this.#note(program.mark)
    journal.started(this.#log, launch.program, program.pid)
    // It may have been stopped while the system started it.
    if (this.#stopping.signal.aborted) return
    const outcome = await this.#await(readiness, program, options.readyWithin)
    if (outcome === 'stopped') return
    if (outcome === 'ready') return journal.ready(this.#log, program.pid, performance.now() - startedAt)
    if (outcome === 'late') await program.stop(options.stopSignal, leastStopMs)
    const ending = await program.ended
    await this.#clean(program, ending)
    if (outcome === 'late') throw new ProgramError(`was not ready within ${options.readyWithin / 1_000} s${this.#saying()}`, false)
    throw this.#failure(ending, ' before it was ready')
  }

  /** Whoever is left can end it now, whatever happens to this process. */
  #note(program: Root): void {
    const { service, settings } = this.#options
    noteProgram(settings.data, service.name, program)
    this.#options.onProgram(program)
  }

  /** Whatever comes first. */
  async #await(readiness: Readiness, program: Program, withinMs: number): Promise<'ready' | 'ended' | 'late' | 'stopped'> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), withinMs)
    const over = new AbortController()
    const ended = program.ended.then(() => 'ended' as const)
    const wait = readiness.wait(AbortSignal.any([late.signal, this.#stopping.signal, over.signal])).then(() => {
      if (this.#stopping.signal.aborted) return 'stopped' as const
      return late.signal.aborted ? ('late' as const) : ('ready' as const)
    })
    try {
      const first = await Promise.race([ended, wait])
      return first === 'ended' && this.#stopping.signal.aborted ? 'stopped' : first
    } finally {
      clearTimeout(timer)
      over.abort()
    }
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#stopping.abort()
    // What the start throws is told to whoever started; here only its end matters.
    await this.#starting.catch(() => undefined)
    const program = this.#program
    if (program === null) return
    const { stopSignal, stopWithin } = this.#options.options
    await program.stop(stopSignal, Math.max(leastStopMs, Math.min(stopWithin, deadlineMs)))
    await this.#clean(program, await program.ended)
  }

  /** Nothing of it is left after this. */
  async #clean(program: Program, ending: Ending): Promise<void> {
    await program.clean()
    forgetProgram(this.#options.settings.data, this.#options.service.name)
    this.#rate.tell()
    journal.ended(this.#log, program.pid, endingText(ending))
  }

  #take(line: OutputLine): void {
    this.#readiness?.take(line)
    if (line.text.trim() !== '') this.#lastLine = line.text
    if (this.#rate.takes(performance.now())) journal.output(this.#log, line)
  }

  #failure(ending: Ending, when = ''): ProgramError {
    return new ProgramError(`${endingText(ending)}${when}${this.#saying()}`, ending.code === exitCodes.permanent)
  }

  /** Its last line, for people. */
  #saying(): string {
    const line = escapeControls(this.#lastLine.trim())
    if (line === '') return ''
    return `, saying: ${line.length > lastWordsCharacters ? `${line.slice(0, lastWordsCharacters)}…` : line}`
  }
}

/** The program would find out too, each in words of its own. */
const checkPort = ({ host, port }: ServiceSettings): void => {
  try {
    new BoundSocket({ host, port }).close()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    // Without the right to a port below 1024 the program may still have it, by means of its own.
    if (error.code === 'EADDRINUSE') throw new PortTakenError(`port ${port} on ${host} is already in use`, { cause: error })
  }
}
