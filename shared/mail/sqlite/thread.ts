/** The worker thread as the rest of the process sees it: requests go in, promises come out. */
import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { StoreError } from '../mail-store.ts'
import { fromFailure, storeError } from './failures.ts'
import type { Answer, Failure, FromWorker, Kind, Request, Requests, WorkerOptions } from './requests.ts'
import { Trouble } from './trouble.ts'

/** A thread that does not end by itself after so long is ended: a store that is closed must not keep a process alive. */
const closeMs = 15_000

/** What each worker of this process is started with. */
export type ThreadOptions = Omit<WorkerOptions, 'token' | 'ended'>

interface Pending {
  readonly kind: Kind
  // One map for all kinds; `ask` ties the kind of the answer to that of the request.
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

/** The worker, started by the first request and again when it died. Whoever asked closes it. */
export class StoreThread {
  readonly #options: ThreadOptions
  readonly #pending = new Map<number, Pending>()
  /** Tokens of workers that died. */
  readonly #ended: string[] = []
  #worker: Worker | null = null
  #starting: Promise<Worker> | null = null
  readonly #trouble = new Trouble()
  #lastId = 0
  #closed: Promise<void> | null = null
  /** Told whenever messages are to come or go. */
  onChange: (() => void) | null = null

  constructor(options: ThreadOptions) {
    this.#options = options
  }

  /**
   * Asks the worker; after `close` there is nobody to ask.
   * @throws {StoreError} what the store failed with
   */
  async ask<K extends Kind>(kind: K, ask: Requests[K]['ask']): Promise<Requests[K]['answer']> {
    if (this.#closed !== null) throw storeError('closed')
    const worker = this.#worker ?? (await this.#started())
    if (kind === 'deliver' || kind === 'remove') this.onChange?.()
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { kind, resolve, reject })
      worker.postMessage({ id, kind, ask } as Request<K>)
    })
  }

  /** Ends the thread after what it was asked until now. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    // Whoever asked before waits for the same start, and comes first.
    const worker = this.#worker ?? (await this.#starting?.catch(() => null)) ?? null
    if (worker === null) return
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    const late = setTimeout(() => worker.terminate(), closeMs)
    worker.postMessage('close')
    await ended
    clearTimeout(late)
  }

  /** All who wait for one start read of its failure; to the operator it is one. */
  async #started(): Promise<Worker> {
    try {
      return await this.#running()
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      const { code, message, cause } = error
      throw new StoreError(code, message, { cause, again: this.#trouble.isAgain('open', code) })
    }
  }

  #running(): Promise<Worker> {
    this.#starting ??= this.#launch().finally(() => {
      this.#starting = null
    })
    return this.#starting
  }

  #launch(): Promise<Worker> {
    const token = randomBytes(12).toString('hex')
    const worker = new Worker(workerFile, {
      name: 'mail-store',
      workerData: { ...this.#options, token, ended: this.#ended } satisfies WorkerOptions,
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    })
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if ('answers' in message) for (const answer of message.answers) this.#settle(answer)
        else if (message.opened === true) {
          this.#worker = worker
          this.#trouble.done('open')
          resolve(worker)
        } else {
          reject(fromFailure(message.opened))
          void worker.terminate()
        }
      })
      worker.on('error', (cause) => {
        reject(storeError('damaged', { cause }))
        this.#failAll(cause)
      })
      worker.on('exit', () => {
        reject(storeError('damaged', { cause: 'the worker thread ended as it began' }))
        this.#ended.push(token)
        if (this.#worker === worker) this.#worker = null
        this.#failAll(storeError('closed'))
      })
    })
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.id)
    this.#pending.delete(answer.id)
    if (pending === undefined) return
    if ('failure' in answer) pending.reject(this.#errorOf(pending.kind, answer.failure))
    else {
      this.#trouble.done(pending.kind)
      pending.resolve(answer.value as never)
    }
  }

  #errorOf(kind: Kind, failure: Failure): Error {
    return fromFailure(failure, failure.code !== 'permanent' && this.#trouble.isAgain(kind, failure.code))
  }

  #failAll(cause: unknown): void {
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of pending) reject(storeError(this.#closed === null ? 'damaged' : 'closed', { cause }))
  }
}

/** TypeScript in the source tree, JavaScript in the built one: the worker is what this file is. */
const workerFile = new URL(`./worker${import.meta.filename.slice(import.meta.filename.lastIndexOf('.'))}`, import.meta.url)
