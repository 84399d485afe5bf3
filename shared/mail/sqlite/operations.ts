/** What the worker does, a row for each kind of request: how it must be written, and the function that does it. */
import type { Durability, MailDatabase } from './database.ts'
import { append, deliver, forget } from './deliveries.ts'
import { expire } from './expiry.ts'
import { heads } from './heads.ts'
import type { Holder } from './holders.ts'
import { bodies, chunk, hold, page, release, remove } from './mailboxes.ts'
import { usage } from './quota.ts'
import type { Kind, Request, Requests } from './requests.ts'

/** `mode`: reads need no transaction; `in-time` and `durable` say how the transaction is committed. */
interface Operation<K extends Kind> {
  readonly mode: 'read' | Durability
  /** Nobody waits for its outcome: when it fails it is tried again later. */
  readonly owed?: true
  /** There may be something to sweep behind it. */
  readonly leavesRest?: true
  readonly run: (database: MailDatabase, ask: Requests[K]['ask'], holder: Holder) => Requests[K]['answer']
}

const operations: { readonly [K in Kind]: Operation<K> } = {
  append: { mode: 'in-time', run: (database, ask, holder) => append(database, holder, ask) },
  deliver: { mode: 'durable', run: (database, ask, holder) => deliver(database, holder, ask) },
  forget: { mode: 'in-time', owed: true, leavesRest: true, run: (database, ask, holder) => forget(database, holder, ask) },
  hold: { mode: 'in-time', run: (database, ask, holder) => hold(database, holder, ask) },
  release: { mode: 'in-time', owed: true, run: release },
  remove: { mode: 'durable', leavesRest: true, run: remove },
  expire: { mode: 'in-time', leavesRest: true, run: expire },
  tidy: { mode: 'read', leavesRest: true, run: () => null },
  page: { mode: 'read', run: page },
  heads: { mode: 'read', run: heads },
  usage: { mode: 'read', run: usage },
  chunk: { mode: 'read', run: chunk },
  bodies: { mode: 'read', run: bodies },
}

/** How a request is done: read only, or written so. */
export const modeOf = (kind: Kind): 'read' | Durability => operations[kind].mode

/** Whether a request that failed is tried again, as nobody waits for it. */
export const isOwed = (kind: Kind): boolean => operations[kind].owed === true

/** Whether it may leave something behind that belongs to nobody. */
export const leavesRest = (kind: Kind): boolean => operations[kind].leavesRest === true

/** Does what a request asks. Errors pass as they are. */
export const perform = <K extends Kind>(database: MailDatabase, holder: Holder, request: Request<K>): Requests[K]['answer'] =>
  operations[request.kind].run(database, request.ask, holder)

/** Octets that a request brings: bounds a transaction. */
export const weight = (request: Request): number => ('data' in request.ask ? (request.ask.data?.length ?? 0) : 0)
