/**
 * The thread of the housekeeping: goes once through what is to be done, at the lowest priority unless somebody waits for it, and ends.
 * It reads `mail.db` and writes only the index: what is to change in `mail.db` it asks the thread that started it for, since whoever
 * holds that file's lock must not be one that hardly gets to run.
 */
import { constants, setPriority } from 'node:os'
import process from 'node:process'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { integer, MailDatabase } from '../sqlite/database.ts'
import { toFailure } from '../sqlite/failures.ts'
import { isWorthTrimming } from '../sqlite/trimming.ts'
import { IndexDamaged, type IndexDatabase, removeIndex } from './index-database.ts'
import { Lease, LeaseLost } from './lease.ts'
import { openIndex } from './open-index.ts'
import { overdue } from './retention.ts'
import { behind, indexStep, newestMessage } from './steps.ts'
import { needsSweeping, shrinkStep, start, sweepStep } from './sweeping.ts'
import type { Ended, Expired, FromThread, ThreadOptions, ToThread } from './told.ts'

/** How long one waits for a mail database that others are writing. */
const busyTimeoutMs = 5_000

/** Whoever waits for somebody else to go on looks so often, and takes over when nothing has moved for so long. */
const lookMs = 50
const stuckMs = 5_000

/** On Linux the priority of the calling thread alone is set (nice(2), NOTES); elsewhere it would be that of the whole process. */
const priorityIsOurs = process.platform === 'linux'

class Housekeeping {
  readonly #options: ThreadOptions
  readonly #port: MessagePort
  readonly #beats: Int32Array
  readonly #mail: MailDatabase
  readonly #index: IndexDatabase
  readonly #lease: Lease
  #stopping = false
  #died: boolean

  constructor(options: ThreadOptions, port: MessagePort) {
    this.#options = options
    this.#port = port
    this.#died = options.died
    this.#beats = new Int32Array(options.beats)
    this.#mail = new MailDatabase({ file: options.mailFile, busyTimeoutMs, maxOctets: null })
    const { index, made } = openIndex(options.indexFile, this.#mail)
    this.#index = index
    this.#lease = new Lease(index, options.token, options.urgency)
    if (made !== 'found') this.#say({ kind: 'made', made })
    port.on('message', (message: ToThread) => {
      if (message === 'stop') this.#stopping = true
    })
  }

  async run(): Promise<Ended> {
    const target = newestMessage(this.#mail)
    try {
      if (!(await this.#leased(target))) return this.#reached(target) ? 'done' : 'busy'
      await this.#expire()
      if (hasLeftOvers(this.#mail)) this.#say({ kind: 'untidy' })
      await this.#go(target)
      if (!this.#stopping && needsSweeping(this.#mail, this.#index)) await this.#sweep()
      while (!this.#stopping && shrinkStep(this.#index)) await this.#rest(0)
      return this.#stopping ? 'stopped' : 'done'
    } catch (error) {
      if (error instanceof LeaseLost) return 'busy'
      throw error
    }
  }

  close(): void {
    try {
      this.#lease.release()
    } finally {
      this.#index.close()
      this.#mail.close()
    }
  }

  /** Nobody waits for what is done in the background; who does it in haste waits for another one who does it, unless that is stuck. */
  async #leased(target: number): Promise<boolean> {
    if (this.#options.urgency === 'background') return this.#lease.take()
    let from = this.#passed()
    let until = performance.now() + stuckMs
    while (!this.#lease.take(performance.now() > until)) {
      if (this.#stopping || this.#reached(target)) return false
      const passed = this.#passed()
      if (passed !== from) until = performance.now() + stuckMs
      from = passed
      this.#say({ kind: 'progress', done: 0, behind: Math.max(0, target - passed) })
      await setTimeout(lookMs)
    }
    return true
  }

  #passed(): number {
    return integer(this.#index.get('SELECT message FROM progress')?.message)
  }

  #reached(target: number): boolean {
    return this.#passed() >= target
  }

  async #expire(): Promise<void> {
    const { retention } = this.#options
    if (retention === null) return
    for (const each of overdue(this.#mail, retention, Date.now())) {
      if (this.#stopping) return
      this.#beat()
      this.#say({ kind: 'expire', overdue: each })
      await this.#answer()
    }
  }

  async #answer(): Promise<Expired | null> {
    const { promise, resolve } = Promise.withResolvers<ToThread>()
    this.#port.once('message', resolve)
    const message = await promise
    return message === 'stop' ? null : message.expired
  }

  /** Up to the last message that was there at the beginning: what comes later has its own turn. */
  async #go(target: number): Promise<void> {
    while (!this.#stopping && !this.#reached(target)) {
      const began = performance.now()
      // What can be made anew is not to take the room that mailboxes need to be emptied.
      this.#mail.leaveRoom()
      const goOn = () => {
        this.#beat()
        return !this.#stopping
      }
      const step = await indexStep(this.#mail, this.#index, this.#lease, { died: this.#died, goOn })
      this.#died = false
      if (step === null) return
      for (const left of step.leftOut) this.#say({ kind: 'left-out', ...left })
      this.#say({ kind: 'progress', done: step.messages, behind: behind(this.#mail, this.#index) })
      await this.#rest(performance.now() - began)
    }
  }

  async #sweep(): Promise<void> {
    for (let from: typeof start | null = start; from !== null && !this.#stopping; ) {
      const began = performance.now()
      this.#beat()
      from = sweepStep(this.#mail, this.#index, this.#lease, from)
      await this.#rest(performance.now() - began)
    }
  }

  /** Between two steps. Where the system does not hold us back, we do: half of the time is others'. */
  async #rest(stepMs: number): Promise<void> {
    if (this.#options.urgency === 'urgent' || priorityIsOurs) await setImmediate()
    else await setTimeout(stepMs)
  }

  #beat(): void {
    Atomics.add(this.#beats, 0, 1)
  }

  #say(message: FromThread): void {
    this.#port.postMessage(message)
  }
}

/** What the store's own thread would do if it ran: of a family that nobody talks to it does not. */
const hasLeftOvers = (mail: MailDatabase): boolean => {
  const free = integer(mail.get('PRAGMA freelist_count')?.freelist_count)
  const pages = integer(mail.get('PRAGMA page_count')?.page_count)
  return isWorthTrimming(free, pages) || mail.get('SELECT 1 FROM delivery WHERE links = 0 AND writer IS NULL LIMIT 1') !== undefined
}

/** `node:sqlite` opens files past the permission model's flags: what these do not grant is not opened here. */
const checkPermission = ({ mailFile, indexFile }: ThreadOptions): void => {
  for (const file of [mailFile, indexFile])
    if (process.permission?.has('fs.write', file) === false) throw new Error(`no permission for ${file}`)
}

const main = async (port: MessagePort, options: ThreadOptions): Promise<void> => {
  let work: Housekeeping | null = null
  let end: FromThread
  try {
    if (options.urgency === 'background' && priorityIsOurs) setPriority(0, constants.priority.PRIORITY_LOW)
    checkPermission(options)
    work = new Housekeeping(options, port)
    end = { kind: 'ended', how: await work.run() }
  } catch (error) {
    end = error instanceof IndexDamaged ? { kind: 'ended', how: 'index damaged' } : { kind: 'failed', failure: toFailure(error) }
  }
  close(work)
  if (end.kind === 'ended' && end.how === 'index damaged') removeIndex(options.indexFile)
  // Told last: whoever hears it ends the thread.
  port.postMessage(end)
  port.close()
}

/** What it held is free anyway once the lease runs out. */
const close = (work: Housekeeping | null): void => {
  try {
    work?.close()
  } catch (error) {
    if (!(error instanceof IndexDamaged)) throw error
  }
}

if (parentPort !== null) await main(parentPort, workerData)
