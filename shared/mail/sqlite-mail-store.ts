/**
 * The mail store in one SQLite file. All of SQLite that serves anybody runs in a worker thread (`sqlite/worker.ts`); this side passes requests.
 * Several processes may have the same file open.
 */
import { existsSync } from 'node:fs'
import type { Keepable, Keeping } from './keeping/housekeeper.ts'
import type { Overdue, Retention } from './keeping/retention.ts'
import type { Expired } from './keeping/told.ts'
import {
  type DeliverOptions,
  type Delivery,
  type Envelope,
  type Head,
  type Maildrop,
  type MailStore,
  type Quota,
  type StoredMessage,
  StoreError,
  type Usage,
} from './mail-store.ts'
import { MailDatabase } from './sqlite/database.ts'
import { SqliteDelivery } from './sqlite/delivery.ts'
import { codeOf, fromFailure, storeError, toFailure } from './sqlite/failures.ts'
import { SqliteMaildrop } from './sqlite/maildrop.ts'
import { readHeads, readMessage } from './sqlite/reading.ts'
import { rowsOf } from './sqlite/rows.ts'
import { StoreThread } from './sqlite/thread.ts'

/** Where the store is and how it waits. */
export interface SqliteMailStoreOptions {
  /** `mail.db`, absolute; its folder exists. */
  readonly file: string
  /** A mailbox is free at most so long after the process that held it died; at most 60 s. Default: 45 s. */
  readonly leaseMs?: number
  /** How long a write waits for other processes before it fails with `locked`. Default: 5 s. */
  readonly busyTimeoutMs?: number
  /** The file does not grow above this (writes fail with `full`). Default: no limit. */
  readonly maxOctets?: number
  /** What each account's mailbox holds at most; null: no limit. Default: null. */
  readonly quota?: Quota | null
  /** Nothing is written, and nothing made; what writes fails with `damaged`. A file of an older version is refused. Default: false. */
  readonly readOnly?: boolean
  /** Makes the file when it is missing, readable by its owner only; else that is a failure (`damaged`). Default: true. */
  readonly create?: boolean
  /** Begins the housekeeping of this store, which ends before the store is closed. Default: none. */
  readonly keeping?: (store: Keepable) => Keeping
}

/** Makes an empty store. @throws errors of SQLite and of the system as they are; {PermanentError} what is there is not ours */
export const makeMailStore = (file: string): void =>
  new MailDatabase({ file, busyTimeoutMs: 1000, maxOctets: null, create: true }).close()

/**
 * Opens the store, and unless it is told otherwise makes it when there is none.
 * @throws {PermanentError} the file was written by a newer program, or by another one
 * @throws {StoreError} full, locked, damaged: for now it cannot be opened
 */
export const openMailStore = async (options: SqliteMailStoreOptions): Promise<MailStore> => {
  const {
    file,
    leaseMs = 45_000,
    busyTimeoutMs = 5000,
    maxOctets = null,
    quota = null,
    readOnly = false,
    create = !readOnly,
    keeping = null,
  } = options
  const where = { file, busyTimeoutMs, maxOctets, readOnly }
  try {
    // Opened once before anybody is served: what is wrong with the file shows at the start. The thread, which takes 7 MiB, starts
    // with the first request, so that a family at rest is small.
    new MailDatabase({ ...where, create }).close()
  } catch (error) {
    if (!create && codeOf(error) === 'damaged' && !existsSync(file))
      throw new StoreError('damaged', `${file} is not there; is its disk mounted?`, { cause: error })
    throw fromFailure(toFailure(error))
  }
  return new SqliteMailStore(new StoreThread({ ...where, leaseMs }), quota, keeping)
}

/** Messages that expire in one transaction. */
const expiredAtOnce = 64

class SqliteMailStore implements MailStore, Keepable {
  readonly #thread: StoreThread
  readonly #quota: Quota | null
  readonly #keeping: Keeping | null

  constructor(thread: StoreThread, quota: Quota | null, keeping: ((store: Keepable) => Keeping) | null) {
    this.#thread = thread
    this.#quota = quota
    this.#keeping = keeping?.(this) ?? null
    thread.onChange = () => this.#keeping?.changed()
  }

  deliver(envelope: Envelope, options: DeliverOptions = {}): Delivery {
    return new SqliteDelivery(this.#thread, envelope, options, options.ignoreQuota ? null : this.#quota)
  }

  async open(account: string): Promise<Maildrop | null> {
    const held = await this.#thread.ask('hold', { account })
    if (held === null) return null
    try {
      return new SqliteMaildrop(this.#thread, account, held.hold, await this.#rows(account, held.until))
    } catch (error) {
      await Promise.allSettled([this.#thread.ask('release', { hold: held.hold })])
      throw error
    }
  }

  async list(account: string): Promise<readonly StoredMessage[]> {
    return this.#rows(account, Number.MAX_SAFE_INTEGER)
  }

  usage(account: string): Promise<Usage> {
    return this.#thread.ask('usage', { account })
  }

  heads(account: string, messages: readonly StoredMessage[]): AsyncIterable<Head> {
    return readHeads(this.#thread, account, messages)
  }

  async *read(account: string, id: string): AsyncGenerator<Buffer, void> {
    if (!/^[1-9]\d{0,14}$/.test(id)) throw storeError('missing')
    yield* readMessage(this.#thread, account, Number(id))
  }

  async expire({ account, ids }: Overdue, { octets, messages }: Retention, before: number): Promise<Expired> {
    const rule = { before, octets: octets ?? Number.MAX_SAFE_INTEGER, messages: messages ?? Number.MAX_SAFE_INTEGER }
    const all = { messages: 0, octets: 0, held: false }
    for (let from = 0; from < ids.length && !all.held; from += expiredAtOnce) {
      const some = await this.#thread.ask('expire', { account, ids: ids.slice(from, from + expiredAtOnce), ...rule })
      all.messages += some.messages
      all.octets += some.octets
      all.held = some.held
    }
    return all
  }

  async tidy(): Promise<void> {
    await this.#thread.ask('tidy', {})
  }

  async close(): Promise<void> {
    await this.#keeping?.close()
    await this.#thread.close()
  }

  /** In pages: no one else waits long, and what comes later is above `until`, since ids grow in the order of the commits. */
  async #rows(account: string, until: number): Promise<StoredMessage[]> {
    const rows: StoredMessage[] = []
    let after = 0
    for (let more = true; more; ) {
      const page = await this.#thread.ask('page', { account, after, until })
      for (const row of rowsOf(page)) rows.push(row)
      after = page.ids.at(-1) ?? after
      more = page.more
    }
    return rows
  }
}
