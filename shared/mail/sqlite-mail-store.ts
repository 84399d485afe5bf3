/**
 * The mail store in one SQLite file. All of SQLite that serves anybody runs in a worker thread (`sqlite/worker.ts`); this side passes requests.
 * Several processes may have the same file open.
 */
import type { Delivery, Envelope, Maildrop, MailStore, StoredMessage } from './mail-store.ts'
import { MailDatabase } from './sqlite/database.ts'
import { SqliteDelivery } from './sqlite/delivery.ts'
import { fromFailure, storeError, toFailure } from './sqlite/failures.ts'
import { SqliteMaildrop } from './sqlite/maildrop.ts'
import { readMessage } from './sqlite/reading.ts'
import { rowsOf } from './sqlite/rows.ts'
import { StoreThread } from './sqlite/thread.ts'

/** Where the store is and how it waits. */
export interface SqliteMailStoreOptions {
  /** `mail.db`, absolute; its folder exists. Made when missing, readable by its owner only. */
  readonly file: string
  /** A mailbox is free at most so long after the process that held it died; at most 60 s. Default: 45 s. */
  readonly leaseMs?: number
  /** How long a write waits for other processes before it fails with `locked`. Default: 5 s. */
  readonly busyTimeoutMs?: number
  /** The file does not grow above this (writes fail with `full`). Default: no limit. */
  readonly maxOctets?: number
}

/**
 * Opens the store, and makes it when there is none.
 * @throws {PermanentError} the file was written by a newer program, or by another one
 * @throws {StoreError} full, locked, damaged: for now it cannot be opened
 */
export const openMailStore = async (options: SqliteMailStoreOptions): Promise<MailStore> => {
  const { file, leaseMs = 45_000, busyTimeoutMs = 5000, maxOctets = null } = options
  const where = { file, busyTimeoutMs, maxOctets }
  try {
    // Opened once before anybody is served: what is wrong with the file shows at the start. The thread, which takes 7 MiB, starts
    // with the first request, so that a family at rest is small.
    new MailDatabase(where).close()
  } catch (error) {
    throw fromFailure(toFailure(error))
  }
  return new SqliteMailStore(new StoreThread({ ...where, leaseMs }))
}

class SqliteMailStore implements MailStore {
  readonly #thread: StoreThread

  constructor(thread: StoreThread) {
    this.#thread = thread
  }

  deliver(envelope: Envelope): Delivery {
    return new SqliteDelivery(this.#thread, envelope)
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

  async *read(account: string, id: string): AsyncGenerator<Buffer, void> {
    if (!/^[1-9]\d{0,14}$/.test(id)) throw storeError('missing')
    yield* readMessage(this.#thread, account, Number(id))
  }

  close(): Promise<void> {
    return this.#thread.close()
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
