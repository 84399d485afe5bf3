/** What the two sides of the store say to each other: the thread that serves sockets asks, the worker thread answers. */
import type { Quota, StoreErrorCode, Usage } from '../mail-store.ts'

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
  /** For each row the place of its flags in `flagSets`. */
  readonly flags: Uint32Array
  /** Each set of flags once. */
  readonly flagSets: readonly string[]
  /** 1 for each row that came with SMTPUTF8, else 0. */
  readonly utf8: Uint8Array
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
      /** JSON, or null where nothing was said. */
      dsn: string | null
      utf8: 0 | 1
      flags: string
      /** Milliseconds since 1970; null: the moment of the commit. */
      received: number | null
      /** Each account once. */
      accounts: readonly string[]
      /** Null: no quota holds. */
      quota: Quota | null
      whenFull: 'refuse' | 'leave-out'
    }
    /** For each account its message, null where it is left out; null for all: refused, and nothing was stored. */
    answer: { ids: readonly (number | null)[] | null }
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
  /** The headers of these messages of an account, joined: where each ends; before it what of it could be read. */
  heads: { ask: { account: string; ids: Float64Array }; answer: { data: Uint8Array; ends: Float64Array; states: Uint8Array } }
  /** What an account's mailbox holds. */
  usage: { ask: { account: string }; answer: Usage }
  /**
   * Removes those of these messages, in this order, that are over a rule: received before `before`, or while the mailbox has more than
   * so many octets or messages. Nothing is removed from a mailbox that is held.
   */
  expire: {
    ask: { account: string; ids: readonly number[]; before: number; octets: number; messages: number }
    answer: { messages: number; octets: number; held: boolean }
  }
  /** Has what belongs to nobody removed, and room given back, in the time after the answer. */
  tidy: { ask: Record<string, never>; answer: null }
  /** One chunk of one message. */
  chunk: { ask: { account: string; id: number; chunk: number }; answer: { data: Uint8Array; octets: number } }
  /** All messages of an account from `first` to `last`, of one chunk each, joined; `ends` says where each of `ids` ends in `data`. */
  bodies: {
    ask: { account: string; first: number; last: number }
    answer: { data: Uint8Array; ids: Float64Array; ends: Float64Array }
  }
}

/** What became of the header of a message: the numbers in `states`. */
export const headStates = ['read', 'missing', 'damaged'] as const

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
  readonly readOnly: boolean
  /** Under which this thread holds things. Random. */
  readonly token: string
  /** Tokens of threads of this store that ended: what they held is free. */
  readonly ended: readonly string[]
}
