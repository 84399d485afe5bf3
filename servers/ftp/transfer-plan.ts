/** What a command hands to the session for it to carry out on a data connection. */
import type { Socket } from 'node:net'
import type { FileError } from '../../shared/files/file-store.ts'
import type { Reply } from './replies.ts'
import type { DirectReading, Progress } from './transfer.ts'

/** Whether the client itself is still there, known a moment after the last octet: both reject with a `BrokenTransferError`. */
export interface ClientCheck {
  stillThere(): Promise<void>
  /** Right before the octets count: from then on nothing breaks the transfer off. */
  lastCall(): Promise<void>
}

/** A transfer as the session sees it. */
export interface TransferPlan {
  readonly direction: 'upload' | 'download' | 'list'
  /** Absolute within the home. */
  readonly path: string
  /** What 150 says. */
  readonly opening: Reply
  /** What the client reads when the data connection breaks. */
  readonly broken: Reply
  /** What the client reads when all is done. */
  done(octets: number, durationMs: number): Reply
  /** Carries the octets and makes sure of them. Rejects with a `BrokenTransferError` or a `FileError`. */
  move(socket: Socket, progress: Progress, client: ClientCheck, data: DirectReading): Promise<void>
  /** Of an upload that can be continued: how much of the file is there. */
  length?(): number
  /**
   * Gives back what the plan holds: called once, when nothing moves any more.
   * @param end how it went; null when it did not run at all
   */
  release?(end: { readonly complete: boolean; readonly refused: FileError | null } | null): Promise<void>
}
