/**
 * Tells the service manager (systemd) how the family is: sd_notify(3). The messages go to a UNIX datagram socket, and Node has none:
 * each one is sent by `systemd-notify`, a process of a few milliseconds, which also waits until the manager has read it. It needs
 * `NotifyAccess=all` in the unit, since the sender is not the main process.
 */
import { spawn } from 'node:child_process'
import process from 'node:process'

/** What the manager put into the environment; taken out of it, so that no child takes itself for the one who is meant. */
const variables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const

/** A message that the manager has not taken by then is given up: telling must hold nothing up. */
const sendMs = 5_000

/** What `close` waits for at most. */
const closeMs = 2_000

/** `KEY=value`, as sd_notify(3) has them; a line each. */
type Assignments = readonly string[]

/** What of it there is. */
interface Wishes {
  /** Path of the socket; `@name` for one without a path. */
  readonly socket: string
  /** The manager takes a silence of this length for a hang; null: it does not watch. */
  readonly watchdogMs: number | null
}

/** Whether the watchdog's variables are for us: for this process, or for the launcher that runs it beside itself. */
const isMeant = (pid: string | undefined): boolean =>
  pid === undefined || Number(pid) === process.pid || (process.channel !== undefined && Number(pid) === process.ppid)

const readWishes = (env: NodeJS.ProcessEnv): Wishes | null => {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = env
  // Other kinds of sockets (vsock) are for virtual machines that tell their host.
  if (socket === undefined || !/^[/@]./.test(socket)) return null
  const watchdogMs = Number(microseconds) / 1_000
  return { socket, watchdogMs: Number.isFinite(watchdogMs) && watchdogMs > 0 && isMeant(pid) ? watchdogMs : null }
}

/** Microseconds of CLOCK_MONOTONIC, which is what Node's own clock counts on Linux. */
const monotonic = (): string => String(process.hrtime.bigint() / 1_000n)

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

/**
 * The service manager, if there is one; without, all that is told goes nowhere. Messages arrive in their order; of several that
 * wait, words about the state are told only as they are at last.
 */
export class ServiceManager {
  readonly #wishes: Wishes | null
  readonly #trouble: (text: string) => void
  #waiting: Assignments[] = []
  #sending: Promise<void> | null = null
  #watchdog: NodeJS.Timeout | null = null
  #troubled = false

  /**
   * @param env what says whether there is one; the manager's variables are taken out of it
   * @param trouble told once, where messages cannot be sent
   */
  constructor(env: NodeJS.ProcessEnv, trouble: (text: string) => void) {
    this.#wishes = readWishes(env)
    this.#trouble = trouble
    for (const variable of variables) delete env[variable]
  }

  /**
   * All serve. From the first time on the watchdog is fed, at half its interval.
   * @param isWell asked before each time it is fed: nothing is said while this is pending or false
   */
  ready(status: string, isWell: () => Promise<boolean>): void {
    this.#tell(['READY=1', `STATUS=${oneLine(status)}`])
    const watchdogMs = this.#wishes?.watchdogMs ?? null
    if (this.#watchdog === null && watchdogMs !== null) this.#feed(watchdogMs / 2, isWell)
  }

  /** A reload has begun; `ready` ends it, also where nothing changed. */
  reloading(): void {
    this.#tell(['RELOADING=1', `MONOTONIC_USEC=${monotonic()}`, 'STATUS=reading the configuration anew'])
  }

  /** The end has begun. @param withinMs how long it may take, whatever the unit's TimeoutStopSec */
  stopping(why: string, withinMs: number): void {
    const microseconds = Math.ceil(withinMs * 1_000)
    this.#tell(['STOPPING=1', `STATUS=${oneLine(why)}`, `EXTEND_TIMEOUT_USEC=${microseconds}`])
  }

  /** How it is now, in words. */
  status(text: string): void {
    this.#tell([`STATUS=${oneLine(text)}`])
  }

  /** Stops feeding the watchdog; resolves when all was told, or after a moment. */
  async close(): Promise<void> {
    if (this.#watchdog !== null) clearInterval(this.#watchdog)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeMs)
    })
    await Promise.race([this.#sending, late])
    clearTimeout(timer)
  }

  #feed(everyMs: number, isWell: () => Promise<boolean>): void {
    let asking = false
    const feed = async () => {
      if (asking) return
      asking = true
      try {
        if (await isWell()) this.#tell(['WATCHDOG=1'])
      } finally {
        asking = false
      }
    }
    this.#tell(['WATCHDOG=1'])
    this.#watchdog = setInterval(() => void feed(), everyMs)
    this.#watchdog.unref()
  }

  #tell(assignments: Assignments): void {
    if (this.#wishes === null) return
    const isPassing = (each: Assignments) => each.every((line) => line.startsWith('STATUS=') || line.startsWith('WATCHDOG='))
    if (isPassing(assignments))
      this.#waiting = this.#waiting.filter((each) => each[0]?.split('=')[0] !== assignments[0]?.split('=')[0])
    this.#waiting.push(assignments)
    this.#sending ??= this.#sendAll(this.#wishes.socket)
  }

  async #sendAll(socket: string): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const problem = await send(socket, next)
      if (problem !== null && !this.#troubled) this.#trouble(`the service manager cannot be told how it goes: ${problem}`)
      this.#troubled ||= problem !== null
    }
    this.#sending = null
  }
}

/** Sends one message. @returns what went wrong, or null */
const send = (socket: string, assignments: Assignments): Promise<string | null> =>
  new Promise((resolve) => {
    const { PATH = '/usr/bin:/bin' } = process.env
    const sender = spawn('systemd-notify', [...assignments], {
      env: { PATH, NOTIFY_SOCKET: socket },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: sendMs,
    })
    let words = ''
    sender.stderr.on('data', (chunk: Buffer) => {
      words += chunk.toString()
    })
    // One that was never born has no exit.
    sender.once('error', (error) => resolve(`systemd-notify: ${error.message}`))
    sender.once('close', (code, signal) =>
      resolve(code === 0 ? null : oneLine(words) || `systemd-notify ended with ${signal ?? code}`),
    )
  })
