/** One round of housekeeping, seen from the thread that starts it: a thread of its own, watched, and started again when it dies. */
import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { fromFailure } from '../sqlite/failures.ts'
import type { Made } from './index-database.ts'
import type { Urgency } from './lease.ts'
import type { Overdue, Retention } from './retention.ts'
import type { LeftOut } from './steps.ts'
import type { Ended, Expired, FromThread, ThreadOptions, ToThread } from './told.ts'

/** A message of 16 MiB in a two-byte character set takes 100 MiB as it is taken apart; what takes more ends the thread, not the process. */
const memoryMb = 192

/** A thread that shows no life for so long is ended: on a machine that is busy it gets a fiftieth of a core. */
const silenceMs = 60_000

/** So many threads that die are enough for a round: two ends leave a message out, and the next round goes on behind it. */
const mostDeaths = 10

/** A thread that was told to stop, and does not, is ended. */
const stopMs = 2_000

/** What goes on in a round. */
export interface KeepingEvents {
  /** The index was made (anew). */
  made?(made: Made): void
  progress?(done: number, behind: number): void
  /** A message is not in the index. */
  leftOut?(message: number, why: LeftOut): void
  /** The mail database has left-overs, or room to give back. */
  untidy?(): void
  /** The thread died; it is started again. */
  died?(error: Error): void
}

/** What a round does. */
export interface KeepingOptions {
  /** `mail.db` and `mail-index.db`, absolute. */
  readonly mailFile: string
  readonly indexFile: string
  readonly urgency: Urgency
  /** What mailboxes keep, and who removes what is over; null: nothing is removed. */
  readonly retention: { readonly rule: Retention; expire(overdue: Overdue): Promise<Expired> } | null
  readonly events: KeepingEvents
  /** Ends the round: after the message that it is at, or two seconds later. */
  readonly signal: AbortSignal
  /** For tests: less memory, less patience, another program. */
  readonly trial?: { readonly memoryMb?: number; readonly silenceMs?: number; readonly thread?: URL }
}

/** How a round ended; `gave up`: too many of its threads died. */
export type RoundEnd = Ended | 'gave up'

/**
 * Runs one round.
 * @throws {StoreError} the store or the index cannot be used for now
 */
export const keep = async (options: KeepingOptions): Promise<RoundEnd> => {
  let died = false
  for (let attempts = 0; attempts < mostDeaths; attempts += 1) {
    const ended = await oneThread(options, died)
    if (ended !== 'died' && ended !== 'index damaged') return ended
    if (options.signal.aborted) return 'stopped'
    died = ended === 'died'
  }
  return 'gave up'
}

const oneThread = async (options: KeepingOptions, died: boolean): Promise<Ended | 'died'> => {
  const { mailFile, indexFile, urgency, retention, events, signal, trial = {} } = options
  const beats = new SharedArrayBuffer(4)
  const token = randomBytes(12).toString('hex')
  const rule = retention?.rule ?? null
  const worker = new Worker(trial.thread ?? workerFile, {
    name: 'mail-keeping',
    workerData: { mailFile, indexFile, urgency, retention: rule, token, died, beats } satisfies ThreadOptions,
    resourceLimits: { maxOldGenerationSizeMb: trial.memoryMb ?? memoryMb, maxYoungGenerationSizeMb: 8 },
  })
  const tell = (message: ToThread): void => worker.postMessage(message)
  let stopping: NodeJS.Timeout | undefined
  const stop = (): void => {
    tell('stop')
    stopping = setTimeout(() => void worker.terminate(), stopMs)
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const watching = watch(worker, new Int32Array(beats), trial.silenceMs ?? silenceMs, events)
  try {
    return await new Promise<Ended | 'died'>((resolve, reject) => {
      worker.on('message', (message: FromThread) => {
        if (message.kind === 'ended') resolve(message.how)
        else if (message.kind === 'failed') reject(fromFailure(message.failure))
        else if (message.kind === 'expire') expire(message.overdue, options).then((expired) => tell({ expired }), reject)
        else hear(message, events)
      })
      worker.on('error', (error) => events.died?.(error instanceof Error ? error : new Error(String(error))))
      worker.once('exit', () => resolve(signal.aborted ? 'stopped' : 'died'))
    })
  } finally {
    clearInterval(watching)
    clearTimeout(stopping)
    signal.removeEventListener('abort', stop)
    await worker.terminate()
  }
}

const hear = (message: Exclude<FromThread, { kind: 'ended' | 'failed' | 'expire' }>, events: KeepingEvents): void => {
  if (message.kind === 'made') events.made?.(message.made)
  else if (message.kind === 'progress') events.progress?.(message.done, message.behind)
  else if (message.kind === 'untidy') events.untidy?.()
  else events.leftOut?.(message.message, message.why)
}

const expire = async (overdue: Overdue, { retention }: KeepingOptions): Promise<Expired> =>
  retention === null ? { messages: 0, octets: 0, held: false } : retention.expire(overdue)

const watch = (worker: Worker, beats: Int32Array, patienceMs: number, events: KeepingEvents): NodeJS.Timeout => {
  let last = -1
  let since = performance.now()
  worker.on('message', () => {
    since = performance.now()
  })
  return setInterval(() => {
    const now = Atomics.load(beats, 0)
    if (now !== last) since = performance.now()
    last = now
    if (performance.now() - since < patienceMs) return
    events.died?.(new Error(`no sign of life for ${patienceMs} ms`))
    void worker.terminate()
  }, patienceMs / 10)
}

/** TypeScript in the source tree, JavaScript in the built one: the worker is what this file is. */
const workerFile = new URL(`./worker${import.meta.filename.slice(import.meta.filename.lastIndexOf('.'))}`, import.meta.url)
