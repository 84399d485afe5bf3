/** One program, from its birth to the end of all that belongs to it. When to have one is the supervisor's decision. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../shared/log/log.ts'
import { PermanentError } from '../../shared/service.ts'
import * as journal from './journal.ts'
import type { Launch } from './launch.ts'
import { type OutputLine, readLines } from './output.ts'
import { familyOf, isAlive, killFamily, type Mark, markOf, memoryOf, type Root, send, signalAll } from './processes.ts'

/** How a program ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** `ended with exit code 1`, `was ended by SIGKILL`. */
export const endingText = ({ code, signal }: Ending): string =>
  signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`

/** What a program that was asked to end leaves of its own may take, at most, to end as well. */
const restMs = 2_000
const againMs = 20

/** What it wrote last may still be in the pipe when it is gone. */
const lastOutputMs = 500

/** The system has no room for one more process or file: later it may. */
const noRoomNow = ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ETXTBSY']

/** Why a program was not started, in words that say what to look at. */
const refusal = ({ program, folder, user }: Launch, code: string, message: string): string => {
  const who = user === null ? '' : ` as ${user.name}`
  switch (code) {
    case 'ENOENT':
      return `${program} cannot be started: its interpreter (the first line of a script names it) or its folder ${folder} is missing`
    case 'EACCES':
      return `${program} cannot be started${who}: it, or its folder ${folder}, is closed to ${user?.name ?? 'us'}`
    case 'E2BIG':
      return `${program} cannot be started: its arguments and environment are too long`
    default:
      return `${program} cannot be started${who}: ${message}`
  }
}

/** What is wanted of a program's output. */
export interface OutputTaking {
  readonly maxLineOctets: number
  take(line: OutputLine): void
}

/**
 * A program that runs, in a process group and session of its own. Whoever starts it awaits `ended` and then calls `clean`, also
 * after `stop`.
 */
export class Program {
  readonly mark: Root
  /** Resolves when its first process is gone. */
  readonly ended: Promise<Ending>
  readonly #process: ChildProcess
  readonly #log: Log
  readonly #closed: Promise<void>
  #over = false
  /** All that was seen to belong to it when it was asked to end: what loses its parent by that is still known. */
  #family: readonly Mark[] = []

  private constructor(child: ChildProcess, mark: Root, log: Log) {
    this.#process = child
    this.#log = log
    this.mark = mark
    this.#closed = new Promise((resolve) => {
      child.once('close', () => resolve())
    })
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#over = true
        resolve({ code, signal })
      })
    })
  }

  /** Starts it. @throws {PermanentError} when the system refuses to, or an error of Node's for now when it lacks the room */
  static async start(launch: Launch, output: OutputTaking, log: Log): Promise<Program> {
    const tag = randomUUID()
    try {
      const child = await Program.#spawn(launch, tag)
      // A signal that cannot be sent is none of the program's failures.
      child.on('error', () => undefined)
      for (const stream of ['stdout', 'stderr'] as const) {
        readLines(child[stream], stream, output.maxLineOctets, (line) => output.take(line))
      }
      return new Program(child, { ...markOf(child.pid ?? 0), tag }, log)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error) || noRoomNow.includes(String(error.code))) throw error
      throw new PermanentError(refusal(launch, String(error.code), error.message), { cause: error })
    }
  }

  static async #spawn({ program, args, environment, folder, user }: Launch, tag: string) {
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...environment, HAVRE_PROGRAM: tag },
      // Signals of a terminal are not for it, and all that it starts is ended with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    })
    if (child.pid === undefined) throw await new Promise<Error>((resolve) => child.once('error', resolve))
    return child
  }

  get pid(): number {
    return this.mark.pid
  }

  /** Resident memory of all that belongs to it, in octets. */
  get memoryOctets(): number {
    return memoryOf(this.mark)
  }

  /**
   * Asks it to end, by this signal to its first process; at the deadline all that belongs to it is killed. What the first process
   * leaves behind is asked by SIGTERM, then killed. Resolves when nothing is left.
   */
  async stop(signal: NodeJS.Signals, deadlineMs: number): Promise<void> {
    const endsAt = performance.now() + deadlineMs
    this.#family = familyOf(this.mark)
    if (!this.#over) {
      journal.stopping(this.#log, this.pid, signal, deadlineMs)
      this.#process.kill(signal)
    }
    const timeout = new AbortController()
    await Promise.race([this.ended, sleep(deadlineMs, undefined, { signal: timeout.signal }).catch(() => undefined)])
    timeout.abort()
    if (this.#over) await this.#askRest(Math.min(restMs, endsAt - performance.now()))
    await this.clean()
  }

  /** Kills all that belongs to it; resolves when nothing is left. */
  kill(): Promise<void> {
    return killFamily(this.mark, this.#family)
  }

  /** Kills what is left of it, and waits for the last of its output. */
  async clean(): Promise<void> {
    const left = familyOf(this.mark, this.#family)
    if (left.length > 0) journal.killed(this.#log, this.pid, left.length)
    if (!this.#over) send(-this.pid, 'SIGKILL')
    await killFamily(this.mark, this.#family)
    await this.ended
    await Promise.race([this.#closed, sleep(lastOutputMs)])
    this.#process.stdout?.destroy()
    this.#process.stderr?.destroy()
  }

  /** What has lost its first process may end by itself. */
  async #askRest(waitMs: number): Promise<void> {
    const rest = familyOf(this.mark, this.#family)
    if (rest.length === 0 || waitMs <= 0) return
    signalAll(rest, 'SIGTERM')
    const giveUpAt = performance.now() + waitMs
    while (rest.some(isAlive) && performance.now() < giveUpAt) await sleep(againMs)
  }
}
