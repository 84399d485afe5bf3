import { setImmediate } from 'node:timers/promises'
import { FileError } from '../../shared/files/file-store.ts'
import { type DataChannel, DataConnectionError, DataTlsError } from './data-connection.ts'
import { type Reply, refusals, replies } from './replies.ts'
import type { TransferPlan } from './session-state.ts'
import { BrokenTransferError, FileShrankError } from './transfer.ts'

/** Why a transfer is broken off: ABOR, the client's commands ended without QUIT, or the session has to end. */
export type AbortReason = 'client' | 'lost' | 'ended'

/** How a transfer went. */
export interface TransferEnd {
  readonly reply: Reply
  readonly complete: boolean
  /** Null for a complete one. */
  readonly why: AbortReason | 'failed' | null
  readonly durationMs: number
}

/** One transfer, from the wait for its data connection to its last reply. */
export class RunningTransfer {
  readonly plan: TransferPlan
  readonly #onProgress: (octets: number) => void
  readonly #startedAt = performance.now()
  readonly #controller = new AbortController()
  #aborted: AbortReason | null = null
  #octets = 0

  constructor(plan: TransferPlan, onProgress: (octets: number) => void) {
    this.plan = plan
    this.#onProgress = onProgress
  }

  /** Octets on the wire so far. */
  get octets(): number {
    return this.#octets
  }

  /** Breaks it off at once; without effect once its octets count. */
  abort(why: AbortReason): void {
    this.#aborted ??= why
    this.#controller.abort()
  }

  /**
   * To be awaited between the last octet and what makes it count.
   * @param isLost whether the client itself is gone
   * @throws {BrokenTransferError}
   */
  async stillThere(isLost: () => boolean): Promise<void> {
    // Twice around the event loop: an end of the control connection that has arrived with that of the data connection is seen by then.
    await setImmediate()
    await setImmediate()
    if (isLost()) this.abort('lost')
    if (this.#aborted !== null) throw new BrokenTransferError('aborted')
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
      await say(this.plan.opening)
      const socket = await encrypted
      const reply = await this.plan.move(socket, (octets) => {
        this.#octets += octets
        this.#onProgress(octets)
      })
      signal.removeEventListener('abort', cut)
      data.finish()
      return { reply, complete: true, why: null, durationMs: this.#durationMs }
    } catch (error) {
      return { reply: this.#replyTo(error), complete: false, why: this.#aborted ?? 'failed', durationMs: this.#durationMs }
    } finally {
      data.close()
    }
  }

  get #durationMs(): number {
    return Math.round(performance.now() - this.#startedAt)
  }

  #replyTo(error: unknown): Reply {
    if (error instanceof DataConnectionError && error.why === 'no-target') return replies.noDataTarget
    if (error instanceof DataConnectionError && error.why === 'failed') return replies.noDataConnection
    if (error instanceof DataTlsError && this.#aborted === null) {
      return error.why === 'not-resumed' ? replies.dataNotResumed : replies.noDataTls
    }
    if (error instanceof FileError) return refusals[error.code]
    if (error instanceof FileShrankError) return replies.fileShrank
    if (this.#aborted === 'client') return replies.abortedByClient
    if (error instanceof BrokenTransferError || error instanceof DataConnectionError || error instanceof DataTlsError)
      return this.plan.broken
    throw error
  }
}
