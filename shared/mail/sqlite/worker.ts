/**
 * The worker thread: the only one of its process that has the database open. What has come in since it last looked is answered
 * together: reads first, then all writes in one transaction, whose one sync is what many messages share.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { StoreError } from '../mail-store.ts'
import { type Durability, MailDatabase } from './database.ts'
import { sweep } from './deliveries.ts'
import { codeOf, storeError, toFailure } from './failures.ts'
import { endHolders, Holder } from './holders.ts'
import { isOwed, leavesRest, modeOf, perform, weight } from './operations.ts'
import type { Answer, FromWorker, Request, ToWorker, WorkerOptions } from './requests.ts'
import { Trimmer } from './trimming.ts'

/** A transaction is closed when so much is in it, that other processes may write. */
const groupOctets = 4 * 1024 * 1024
const groupRequests = 512

/** While others write, a step of tidying is followed by a pause so many times as long. */
const busyPause = 9
/** What nobody waits for, and failed, is tried again after so long: a mailbox that somebody left is not to stay taken. */
const owedMs = 1000

/** Octets from which handing a buffer over is cheaper than copying it. */
const transferOctets = 16 * 1024

/** `node:sqlite` opens files past the permission model's flags: what these do not grant is not opened here. */
const checkPermission = (file: string): void => {
  if (process.permission?.has('fs.write', file) === false) throw storeError('damaged', { cause: `no permission for ${file}` })
}

class Worker {
  readonly #post: (message: FromWorker, transfer: ArrayBuffer[]) => void
  readonly #options: WorkerOptions
  readonly #holder: Holder
  readonly #reads: Request[] = []
  readonly #writes: Request[] = []
  /** Requests that nobody waits for and that failed. */
  #owed: Request[] = []
  #database: MailDatabase | null = null
  #answers: Answer[] = []
  #woken = false
  #closing = false
  /** Whether there may be something to sweep, or to give back. */
  #untidy: boolean
  readonly #trimmer = new Trimmer()
  #tidying: NodeJS.Timeout | null = null
  #pauseMs = 0
  /** Groups that were written, and what others wrote, until the last tidying step. */
  #written = 0
  #seen = ''
  readonly #ticking: NodeJS.Timeout

  constructor(options: WorkerOptions, post: (message: FromWorker, transfer: ArrayBuffer[]) => void) {
    this.#options = options
    this.#post = post
    this.#holder = new Holder(options.token, options.leaseMs)
    this.#untidy = !options.readOnly
    this.#ticking = setInterval(() => this.#tick(), options.leaseMs / 3)
  }

  /** Opens the file and says so. */
  start(): void {
    try {
      endHolders(this.#opened(), this.#options.ended)
      this.#post({ opened: true }, [])
      this.#wake()
    } catch (error) {
      this.#closeDatabase()
      clearInterval(this.#ticking)
      this.#post({ opened: toFailure(error) }, [])
    }
  }

  take(message: ToWorker): void {
    if (message === 'close') this.#closing = true
    else if (modeOf(message.kind) === 'read') this.#reads.push(message)
    else this.#writes.push(message)
    this.#wake()
  }

  #wake(): void {
    if (this.#woken) return
    this.#woken = true
    setImmediate(() => this.#work())
  }

  #work(): void {
    this.#woken = false
    for (const request of this.#reads.splice(0)) this.#answer([request], null)
    this.#flush()
    const group = this.#nextGroup()
    if (group.length > 0) this.#write(group)
    this.#flush()
    if (this.#writes.length > 0) this.#wake()
    else if (this.#closing) this.#close()
    else if (this.#untidy) this.#tidyLater()
  }

  #nextGroup(): Request[] {
    let octets = 0
    let count = 0
    for (const request of this.#writes) {
      if (count === groupRequests || octets > groupOctets) break
      octets += weight(request)
      count += 1
    }
    return this.#writes.splice(0, count)
  }

  /** All in one transaction; when that fails for a reason that may lie in one of them, each in one of its own. */
  #write(group: readonly Request[]): void {
    const durability = group.some(({ kind }) => modeOf(kind) === 'durable') ? 'durable' : 'in-time'
    this.#written += 1
    const failed = this.#answer(group, durability)
    if (failed) for (const request of group) this.#answer([request], durability)
    this.#flush()
    this.#quietly(() => this.#database?.restartLog())
  }

  /** @returns true when nothing was done and each request should be tried by itself */
  #answer(group: readonly Request[], durability: Durability | null): boolean {
    try {
      const database = this.#opened()
      const work = () => group.map((request) => ({ id: request.id, value: perform(database, this.#holder, request) }))
      this.#answers.push(...(durability === null ? database.patiently(work) : database.transaction(durability, work)))
      if (group.some(({ kind }) => leavesRest(kind))) this.#untidy = true
      return false
    } catch (error) {
      const code = codeOf(error)
      if (code === 'damaged') this.#closeDatabase()
      const busy = code === 'locked' && !(error instanceof StoreError) // it would be for each of them, and each would wait
      if (group.length > 1 && !busy) return true
      for (const request of group) this.#fail(request, error)
      return false
    }
  }

  #fail(request: Request, error: unknown): void {
    if (isOwed(request.kind)) {
      this.#owed.push(request)
      setTimeout(() => this.#redo(), owedMs).unref()
      this.#answers.push({ id: request.id, value: null })
    } else this.#answers.push({ id: request.id, failure: toFailure(error) })
  }

  #flush(): void {
    if (this.#answers.length === 0) return
    const answers = this.#answers
    this.#answers = []
    this.#post({ answers }, answers.flatMap(transferable))
  }

  /** The file is opened anew after it failed: it may be well again, or another one. */
  #opened(): MailDatabase {
    if (this.#database === null) checkPermission(this.#options.file)
    this.#database ??= new MailDatabase(this.#options)
    return this.#database
  }

  #closeDatabase(): void {
    const database = this.#database
    this.#database = null
    try {
      database?.close()
    } catch (error) {
      if (codeOf(error) === null) throw error // it failed before, and is not used again
    }
  }

  #redo(): void {
    this.#writes.push(...this.#owed.splice(0))
    this.#wake()
  }

  #tick(): void {
    if (this.#options.readOnly) return
    this.#quietly(() => this.#database?.check())
    this.#quietly(() => this.#holder.renew(this.#opened()))
    this.#untidy = true
    this.#wake()
  }

  #tidyLater(): void {
    this.#tidying ??= setTimeout(() => {
      this.#tidying = null
      this.#tidy()
    }, this.#pauseMs)
  }

  /**
   * One step of what nobody waits for. A step keeps whoever writes waiting; so there is one at a time, with a pause behind it that
   * leaves most of the time to those who write, here or in other processes.
   */
  #tidy(): void {
    const began = performance.now()
    this.#untidy = false
    this.#quietly(() => {
      const database = this.#opened()
      const busy = this.#isBusy(database)
      this.#untidy = sweep(database) || this.#trimmer.step(database)
      if (!busy && !this.#untidy) this.#trimmer.cutBack(database)
      this.#pauseMs = (performance.now() - began) * (busy ? busyPause : 1)
    })
    if (this.#untidy) this.#tidyLater()
    else this.#pauseMs = 0
  }

  /** Whether anybody has written since this was asked before. */
  #isBusy(database: MailDatabase): boolean {
    const seen = `${this.#written}.${database.get('PRAGMA data_version')?.data_version}`
    const busy = seen !== this.#seen
    this.#seen = seen
    return busy
  }

  #close(): void {
    clearInterval(this.#ticking)
    if (this.#tidying !== null) clearTimeout(this.#tidying)
    if (!this.#options.readOnly) this.#end()
    this.#closeDatabase()
    parentPort?.close()
  }

  #end(): void {
    this.#quietly(() => {
      const database = this.#opened()
      endHolders(database, [this.#holder.token])
      sweep(database)
    })
  }

  /** Runs what will be tried again anyway; failures of the store, and only those, may pass. */
  #quietly(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (codeOf(error) === null) throw error
      if (codeOf(error) === 'damaged') this.#closeDatabase()
    }
  }
}

const transferable = (answer: Answer): ArrayBuffer[] => {
  if (!('value' in answer) || answer.value === null || !('data' in answer.value)) return []
  const { buffer } = answer.value.data
  return buffer instanceof ArrayBuffer && buffer.byteLength >= transferOctets ? [buffer] : []
}

const port = parentPort
if (port === null) throw storeError('closed', { cause: 'worker.ts runs as a worker thread only' })
const worker = new Worker(workerData, (message, transfer) => port.postMessage(message, transfer))
port.on('message', (message: ToWorker) => worker.take(message))
worker.start()
