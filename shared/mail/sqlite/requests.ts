/** What the two sides of the store say to each other: the thread that serves sockets asks, the worker thread answers. */
import type { StoreErrorCode } from '../mail-store.ts'

/** Rows of a mailbox, oldest first, as columns: 100,000 objects would take far longer to pass than their numbers. */
export interface Page {
  /** The store's id (schema.ts): another one once the file was made anew. */
  readonly store: string
  readonly ids: Float64Array
  readonly octets: Float64Array
  /** Milliseconds since 1970. */
  readonly received: Float64Array
  /** For each row its place in `senders`. */
  readonly sender: Uint32Array
  /** Each sender once. */
  readonly senders: readonly string[]
  /** Whether rows may follow. */
  readonly more: boolean
}

/** Every request: what it carries (`ask`) and what comes back (`answer`). Ids are those of the database. */
export interface Requests {
  /** Adds a full chunk to an unfinished delivery, or begins one (null). Needs no durability: `deliver` brings it. */
  append: { ask: { delivery: number | null; chunk: number; data: Uint8Array }; answer: { delivery: number } }
  /** Makes a delivery out of `chunks` earlier chunks (of `delivery`) and the octets left, and a message for every account. */
  deliver: {
    ask: {
      delivery: number | null
      chunks: number
      octets: number
      data: Uint8Array | null
      sender: string
      /** JSON, as it is stored (schema.ts): one text passes between threads far cheaper than many objects. */
      recipients: string
      /** Each account once. */
      accounts: readonly string[]
    }
    answer: { ids: readonly number[] }
  }
  /** Gives up an unfinished delivery. */
  forget: { ask: { delivery: number }; answer: null }
  /** Takes a mailbox; null when it is held. `until`: the newest message that the snapshot has. */
  hold: { ask: { account: string }; answer: { hold: number; until: number } | null }
  /** Gives a mailbox free. */
  release: { ask: { hold: number }; answer: null }
  /** Removes messages of a held mailbox. */
  remove: { ask: { hold: number; ids: Float64Array }; answer: null }
  /** Messages of an account above `after`, at most up to `until`. */
  page: { ask: { account: string; after: number; until: number }; answer: Page }
  /** One chunk of one message. */
  chunk: { ask: { account: string; id: number; chunk: number }; answer: { data: Uint8Array; octets: number } }
  /** All messages of an account from `first` to `last`, of one chunk each, joined; `ends` says where each of `ids` ends in `data`. */
  bodies: {
    ask: { account: string; first: number; last: number }
    answer: { data: Uint8Array; ids: Float64Array; ends: Float64Array }
  }
}

/** What a request asks for. */
export type Kind = keyof Requests

/** A request on its way to the worker. */
export type Request<K extends Kind = Kind> = {
  [P in K]: { readonly id: number; readonly kind: P; readonly ask: Requests[P]['ask'] }
}[K]

/** `close` is no request: the worker answers what it has, gives all free and ends. */
export type ToWorker = Request | 'close'

/** An error as it passes between threads. A code of null: nothing that the store foresees. */
export interface Failure {
  readonly code: StoreErrorCode | 'permanent' | null
  readonly message: string
  /** Where it came from, with SQLite's own words: for the journal, never for a client. */
  readonly cause: string
}

/** What comes back for a request of that id. */
export type Answer =
  | { readonly id: number; readonly value: Requests[Kind]['answer'] }
  | { readonly id: number; readonly failure: Failure }

/** What the worker says: first that it has the file open, or why not; then answers, in bundles. */
export type FromWorker = { readonly opened: true | Failure } | { readonly answers: readonly Answer[] }

/** What the worker is started with. */
export interface WorkerOptions {
  readonly file: string
  readonly leaseMs: number
  readonly busyTimeoutMs: number
  /** The file does not grow above this; null: no limit. */
  readonly maxOctets: number | null
  /** Under which this thread holds things. Random. */
  readonly token: string
  /** Tokens of threads of this store that ended: what they held is free. */
  readonly ended: readonly string[]
}
