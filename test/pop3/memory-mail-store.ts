import { headerBlock } from '../../shared/mail/header.ts'
import {
  type Head,
  type Maildrop,
  type MailStore,
  type StoredMessage,
  StoreError,
  type StoreErrorCode,
} from '../../shared/mail/mail-store.ts'

/** A store for tests: in memory, with faults that can be switched on and chunks of any size. POP3's side of the interface only. */
export class MemoryMailStore implements MailStore {
  readonly #mailboxes = new Map<string, Map<StoredMessage, Buffer>>()
  readonly #held = new Set<string>()
  #lastId = 0
  /** Octets of one chunk of `read`. */
  chunkOctets = 65_536
  /** Whether octets are at hand: then `read` is never called. */
  atHand = false
  /** Octets that `heads` gives of a message at most. */
  headOctets = 65_536
  /** Which operation fails, and how. */
  fails: Partial<Record<'open' | 'read' | 'read-on' | 'remove', StoreErrorCode | Error>> = {}
  /** Chunks that were read. */
  chunksRead = 0
  /** What runs before each chunk is handed out. */
  beforeChunk: () => Promise<void> = async () => undefined

  /** Puts a message into a mailbox. */
  add(account: string, octets: string | Buffer, utf8 = false): StoredMessage {
    const id = String(++this.#lastId)
    const body = Buffer.from(octets as string)
    const fixed = { sender: 'sender@havre.test', receivedAt: new Date(0), flags: '', utf8 }
    const message = { id, uidl: `uid-${id}`, octets: body.length, ...fixed }
    const mailbox = this.#mailboxes.get(account) ?? new Map<StoredMessage, Buffer>()
    this.#mailboxes.set(account, mailbox.set(message, body))
    return message
  }

  /** What is in a mailbox, oldest first. */
  contents(account: string): string[] {
    return [...(this.#mailboxes.get(account)?.values() ?? [])].map((body) => body.toString('latin1'))
  }

  /** Whether a session holds the mailbox. */
  holds(account: string): boolean {
    return this.#held.has(account)
  }

  async open(account: string): Promise<Maildrop | null> {
    this.#fail('open')
    if (this.#held.has(account)) return null
    this.#held.add(account)
    const mailbox = this.#mailboxes.get(account) ?? new Map<StoredMessage, Buffer>()
    let released = false
    return {
      account,
      messages: [...mailbox.keys()],
      read: (message) => this.#read(mailbox.get(message)),
      atHand: (message) => (this.atHand ? (mailbox.get(message) ?? null) : null),
      remove: async (messages) => {
        this.#fail('remove')
        for (const message of messages) mailbox.delete(message)
      },
      release: async () => {
        if (released) throw new Error('released twice')
        released = true
        this.#held.delete(account)
      },
    }
  }

  async list(account: string): Promise<readonly StoredMessage[]> {
    return [...(this.#mailboxes.get(account)?.keys() ?? [])]
  }

  deliver(): never {
    throw new Error('POP3 delivers nothing')
  }

  usage(): never {
    throw new Error('POP3 asks for no usage')
  }

  async *heads(account: string, messages: readonly StoredMessage[]): AsyncGenerator<Head, void> {
    for (const message of messages) {
      const body = this.#mailboxes.get(account)?.get(message)
      if (this.fails.read !== undefined || body === undefined) yield { message, octets: null, why: 'damaged' }
      else yield { message, octets: body.subarray(0, Math.min(this.headOctets, headerBlock(body).length + 4)) }
    }
  }

  read(): never {
    throw new Error('POP3 reads through the maildrop')
  }

  async close(): Promise<void> {
    if (this.#held.size > 0) throw new Error(`still held: ${[...this.#held].join(' ')}`)
  }

  async *#read(body: Buffer | undefined): AsyncGenerator<Buffer> {
    this.#fail('read')
    if (body === undefined) throw new StoreError('missing', 'no such message')
    for (let at = 0; at < body.length; at += this.chunkOctets) {
      await this.beforeChunk()
      if (at > 0) this.#fail('read-on')
      this.chunksRead += 1
      yield body.subarray(at, at + this.chunkOctets)
    }
  }

  #fail(operation: keyof MemoryMailStore['fails']): void {
    const failure = this.fails[operation]
    if (failure instanceof Error) throw failure
    if (failure !== undefined) throw new StoreError(failure, `${operation} failed on purpose`)
  }
}
