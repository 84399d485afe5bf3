import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { AccountTransfers, TransferPlace } from '../../shared/files/account-transfers.ts'
import { FileError } from '../../shared/files/file-store.ts'
import { type DataChannel, DataConnectionError, DataTlsError } from './data-connection.ts'
import { RecordError } from './records.ts'
import { type Reply, refusals, replies } from './replies.ts'
import { BrokenTransferError, FileShrankError, type Progress } from './transfer.ts'
import type { ClientCheck, TransferPlan } from './transfer-plan.ts'
import type { UploadsUnderWay, UploadUnderWay } from './uploads-under-way.ts'

/** Why a transfer is broken off: ABOR, the client's commands ended without QUIT, the session has to end, or another one continues it. */
export type AbortReason = 'client' | 'lost' | 'ended' | 'continued'

/** How a transfer went. */
export interface TransferEnd {
  readonly reply: Reply
  readonly complete: boolean
  /** Null for a complete one. */
  readonly why: AbortReason | 'failed' | null
  /** What the store said, where it was the store that failed. */
  readonly refused: FileError | null
  readonly durationMs: number
}

/** What a transfer needs of its session. */
export interface TransferSession {
  onProgress(octets: number): void
  /** Whether the client itself is gone. */
  isLost(): boolean
}

/** What is known of the transfers of all sessions. */
export interface TransferTables {
  readonly transfers: AccountTransfers
  readonly uploads: UploadsUnderWay
}

const foreseen = [BrokenTransferError, DataConnectionError, DataTlsError, FileError, FileShrankError, RecordError] as const

const isForeseen = (error: unknown): boolean => foreseen.some((kind) => error instanceof kind)

/** One transfer, from the wait for its data connection to its last reply. */
export class RunningTransfer implements ClientCheck, UploadUnderWay {
  readonly plan: TransferPlan
  readonly #session: TransferSession
  readonly #startedAt = performance.now()
  readonly #controller = new AbortController()
  /** Rejects when it is broken off: nothing that stalls, not even the disk, delays the reply then. */
  readonly #cutShort = Promise.withResolvers<never>()
  #aborted: AbortReason | null = null
  #counts = false
  #octets = 0
  #moving: Promise<void> = Promise.resolve()
  readonly #progress: Progress
  readonly #place: TransferPlace | null
  readonly #forget: (() => void) | null
  readonly #over = Promise.withResolvers<void>()
  /** How many transfers of the account there may be, where there are so many already: it must not run then. */
  readonly tooMany: number | null

  constructor(plan: TransferPlan, account: string, { transfers, uploads }: TransferTables, session: TransferSession) {
    this.plan = plan
    this.#session = session
    this.#cutShort.promise.catch(() => undefined)
    // Lists are no transfers of files.
    const place = plan.direction === 'list' ? null : transfers.enter(account, plan.direction)
    this.tooMany = typeof place === 'number' ? place : null
    this.#place = typeof place === 'number' ? null : place
    this.#forget = plan.length === undefined ? null : uploads.add(account, plan.path, this)
    const pace = this.#place?.pace ?? null
    const { signal } = this.#controller
    this.#progress = {
      pieceOctets: pace?.pieceOctets ?? Number.POSITIVE_INFINITY,
      moved: (octets) => {
        this.#octets += octets
        session.onProgress(octets)
        // While it waits for its turn it is not idle.
        return pace?.pay(octets, signal, () => session.onProgress(0))
      },
    }
  }

  /** Octets on the wire so far. */
  get octets(): number {
    return this.#octets
  }

  get length(): number {
    return this.plan.length?.() ?? 0
  }

  giveUp(): Promise<void> {
    this.abort('continued')
    return this.#over.promise
  }

  /** Breaks it off at once; without effect once its octets count. */
  abort(why: AbortReason): void {
    if (this.#counts) return
    this.#aborted ??= why
    this.#controller.abort()
    this.#cutShort.reject(new BrokenTransferError('aborted'))
  }

  /** Carries it out. Rejects only with what nobody foresaw. */
  async run(data: DataChannel, say: (reply: Reply) => Promise<void>): Promise<TransferEnd> {
    const { signal } = this.#controller
    try {
      const connected = await data.connect(signal)
      const cut = () => data.cut()
      signal.addEventListener('abort', cut)
      if (signal.aborted) cut()
      // Some clients begin TLS before they have read 150, some behind it.
      const encrypted = data.encrypt(connected)
      encrypted.catch(() => undefined)
      const settled = Promise.allSettled([encrypted])
      if (await Promise.race([settled.then(() => false), hasBegun(connected)])) await settled
      await say(this.plan.opening)
      const socket = await encrypted
      this.#moving = this.plan.move(socket, this.#progress, this, data)
      await Promise.race([this.#moving, this.#cutShort.promise])
      signal.removeEventListener('abort', cut)
      data.finish()
      const durationMs = this.#durationMs
      return { reply: this.plan.done(this.#octets, durationMs), complete: true, why: null, refused: null, durationMs }
    } catch (error) {
      const refused = error instanceof FileError ? error : null
      return { reply: this.#replyTo(error), complete: false, why: this.#aborted ?? 'failed', refused, durationMs: this.#durationMs }
    } finally {
      data.close()
    }
  }

  /**
   * To be called once, behind `run` or instead of it: gives back what the plan holds, once nothing moves any more.
   * @param end how it went; null when it never ran
   */
  async release(end: TransferEnd | null): Promise<void> {
    try {
      // How it went has been told.
      await this.#moving.catch(() => undefined)
      await this.plan.release?.(end)
    } finally {
      this.#place?.leave()
      this.#forget?.()
      this.#over.resolve()
    }
  }

  async stillThere(): Promise<void> {
    // Twice around the event loop: an end of the control connection that has arrived with that of the data connection is seen by then.
    await setImmediate()
    await setImmediate()
    if (this.#session.isLost()) this.abort('lost')
    if (this.#aborted !== null) throw new BrokenTransferError('aborted')
  }

  async lastCall(): Promise<void> {
    await this.stillThere()
    this.#counts = true
  }

  get #durationMs(): number {
    return Math.round(performance.now() - this.#startedAt)
  }

  #replyTo(error: unknown): Reply {
    if (!isForeseen(error)) throw error
    // Whatever else went wrong in that moment: who said ABOR waits for this one.
    if (this.#aborted === 'client') return replies.abortedByClient
    if (error instanceof DataConnectionError && error.why === 'no-target') return replies.noDataTarget
    if (error instanceof DataConnectionError && error.why === 'failed') return replies.noDataConnection
    if (error instanceof DataTlsError && this.#aborted === null) {
      return error.why === 'not-resumed' ? replies.dataNotResumed : replies.noDataTls
    }
    if (error instanceof FileError) return refusals[error.code]
    if (error instanceof FileShrankError) return replies.fileShrank
    if (error instanceof RecordError) return replies.badRecords
    return this.plan.broken
  }
}

/**
 * Whether the client has sent anything already: the beginning of a handshake. Such a client hears 150 behind it: one that uploads nothing
 * (basic-ftp 6.2.3, an empty file) ends the connection at 150, also in the middle of its handshake.
 */
const hasBegun = async (socket: Socket): Promise<boolean> => {
  // Twice around the event loop: what has arrived is read by then.
  await setImmediate()
  await setImmediate()
  return socket.bytesRead > 0
}
