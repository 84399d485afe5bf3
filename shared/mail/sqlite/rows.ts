/** Messages of a mailbox as objects over the columns that came from the worker. */
import type { StoredMessage } from '../mail-store.ts'
import type { Page } from './requests.ts'

/** One message; its fields are made when they are asked for. */
class Row implements StoredMessage {
  readonly #page: Page
  readonly #place: number

  constructor(page: Page, place: number) {
    this.#page = page
    this.#place = place
  }

  get id(): string {
    return String(this.#page.ids[this.#place])
  }

  /**
   * The store's id and the message's make it unique; the time keeps it so when the database was restored from a backup, after
   * which ids given since the backup are given again.
   */
  get uidl(): string {
    return `${this.#page.store}.${this.id}.${this.#page.received[this.#place]?.toString(36)}`
  }

  get octets(): number {
    return this.#page.octets[this.#place] ?? 0
  }

  get sender(): string {
    return this.#page.senders[this.#page.sender[this.#place] ?? 0] ?? ''
  }

  get receivedAt(): Date {
    return new Date(this.#page.received[this.#place] ?? 0)
  }

  get flags(): string {
    return this.#page.flagSets[this.#page.flags[this.#place] ?? 0] ?? ''
  }

  get utf8(): boolean {
    return this.#page.utf8[this.#place] === 1
  }
}

/** All messages of a page, in its order. */
export const rowsOf = (page: Page): StoredMessage[] => Array.from(page.ids, (_, place) => new Row(page, place))
