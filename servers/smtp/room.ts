/** Whether mailboxes have room, as far as that can be said before the store has to decide (`mail.quota`). */
import type { MailStore, Quota, Usage } from '../../shared/mail/mail-store.ts'

/** So long a mailbox that had room is taken to have it; the store decides with the message whatever is said here. */
const freshMs = 1_000

/** More mailboxes are not remembered: they are asked for again. */
const remembered = 10_000

/** One for a service. */
export class Room {
  readonly #store: MailStore
  readonly #quota: Quota | null
  readonly #seen = new Map<string, { readonly usage: Usage; readonly at: number }>()

  constructor(store: MailStore, quota: Quota | null) {
    this.#store = store
    this.#quota = quota
  }

  /** No message of more goes into any mailbox, however empty. */
  get largestOctets(): number {
    return this.#quota?.octets ?? Number.POSITIVE_INFINITY
  }

  /**
   * Whether a message of so many octets would go into the mailbox. That it would not is always the store's answer of this moment.
   * @throws {StoreError}
   */
  async has(account: string, octets: number): Promise<boolean> {
    const quota = this.#quota
    if (quota === null) return true
    const seen = this.#seen.get(account)
    if (seen !== undefined && performance.now() - seen.at < freshMs && fits(seen.usage, octets, quota)) return true
    return fits(await this.#ask(account), octets, quota)
  }

  /** The same without anything remembered. @throws {StoreError} */
  async hasNow(account: string, octets: number): Promise<boolean> {
    return this.#quota === null || fits(await this.#ask(account), octets, this.#quota)
  }

  async #ask(account: string): Promise<Usage> {
    const usage = await this.#store.usage(account)
    if (this.#seen.size >= remembered) this.#seen.clear()
    this.#seen.set(account, { usage, at: performance.now() })
    return usage
  }
}

const fits = (usage: Usage, octets: number, quota: Quota): boolean =>
  usage.messages < quota.messages && usage.octets < quota.octets && usage.octets + octets <= quota.octets
