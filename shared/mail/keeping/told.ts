/** What the thread of the housekeeping and the one that started it say to each other. */
import type { Failure } from '../sqlite/requests.ts'
import type { Made } from './index-database.ts'
import type { Urgency } from './lease.ts'
import type { Overdue, Retention } from './retention.ts'
import type { LeftOut } from './steps.ts'

/** What the thread is started with. */
export interface ThreadOptions {
  /** `mail.db` and `mail-index.db`, absolute. */
  readonly mailFile: string
  readonly indexFile: string
  readonly urgency: Urgency
  /** What mailboxes keep; null: nothing is removed. */
  readonly retention: Retention | null
  /** Random: under which it holds the lease. */
  readonly token: string
  /** Whether the thread before it ended in its work. */
  readonly died: boolean
  /** One counter that grows while the thread lives. */
  readonly beats: SharedArrayBuffer
}

/** What came of removing messages. */
export interface Expired {
  readonly messages: number
  readonly octets: number
  /** Whether a session holds the mailbox, so that nothing of it was removed. */
  readonly held: boolean
}

/** How the thread ended: all is done; somebody else does it; it was told to stop; the index was damaged, and is gone. */
export type Ended = 'done' | 'busy' | 'stopped' | 'index damaged'

/** What the thread says. `untidy`: `mail.db` has left-overs, or room to give back. `expire` is answered with `expired`. */
export type FromThread =
  | { readonly kind: 'made'; readonly made: Made }
  | { readonly kind: 'progress'; readonly done: number; readonly behind: number }
  | { readonly kind: 'left-out'; readonly message: number; readonly why: LeftOut }
  | { readonly kind: 'untidy' }
  | { readonly kind: 'expire'; readonly overdue: Overdue }
  | { readonly kind: 'ended'; readonly how: Ended }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** What it is told. */
export type ToThread = 'stop' | { readonly expired: Expired }
