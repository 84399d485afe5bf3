import { type Maildrop, type MailStore, type StoredMessage, StoreError } from '../../shared/mail/mail-store.ts'
import { Downgrading, downgraded } from './downgrade/downgrading.ts'

/**
 * A mailbox as a client sees it that has not said UTF8 (RFC 6856 §2.1): messages whose header is beyond ASCII come with it in ASCII, and
 * their octets in STAT, LIST and RETR are those that are sent; all others are as they are, and a mailbox that has none is handed through.
 * Only those that came with SMTPUTF8 are looked at: what else has octets beyond ASCII in its header never was a message of RFC 5322,
 * and is left as it came. Where it rejects, the mailbox is free.
 */
export const forPlainClient = async (maildrop: Maildrop, store: MailStore): Promise<Maildrop> => {
  const candidates = maildrop.messages.filter(({ utf8 }) => utf8)
  if (candidates.length === 0) return maildrop
  try {
    const octets = await octetsToldOf(candidates, maildrop, store)
    return octets.size === 0 ? maildrop : new PlainMaildrop(maildrop, octets)
  } catch (error) {
    await maildrop.release()
    throw error
  }
}

/** The octets of those that are told otherwise: the difference lies in the header, so the rest of a message is not read. */
const octetsToldOf = async (
  messages: readonly StoredMessage[],
  maildrop: Maildrop,
  store: MailStore,
): Promise<ReadonlyMap<StoredMessage, number>> => {
  const told = new Map<StoredMessage, number>()
  for await (const { message, octets } of store.heads(maildrop.account, messages)) {
    // One that cannot be read is left as it is: whoever asks for it hears why.
    if (octets === null) continue
    const measured = measureOf(octets)
    const length = measured.whole || octets.length === message.octets ? measured : await measuredWhole(maildrop, message)
    if (length?.changed) told.set(message, message.octets + length.more)
  }
  return told
}

interface Measured {
  readonly changed: boolean
  /** Octets by which the header grows. */
  readonly more: number
  /** The header ended within what was measured. */
  readonly whole: boolean
}

const lengthOf = (chunks: readonly Buffer[]): number => chunks.reduce((sum, { length }) => sum + length, 0)

const measureOf = (octets: Buffer): Measured => {
  const downgrading = new Downgrading()
  const length = lengthOf(downgrading.take(octets)) + downgrading.end().length
  return { changed: downgrading.changed, more: length - octets.length, whole: downgrading.inBody }
}

/** A header that is longer than the store gives at once; null where it cannot be read. */
const measuredWhole = async (maildrop: Maildrop, message: StoredMessage): Promise<Measured | null> => {
  const downgrading = new Downgrading()
  let more = 0
  try {
    for await (const chunk of maildrop.read(message)) {
      more += lengthOf(downgrading.take(chunk)) - chunk.length
      if (downgrading.inBody) break
    }
  } catch (error) {
    if (error instanceof StoreError) return null
    throw error
  }
  more += downgrading.end().length
  return { changed: downgrading.changed, more, whole: true }
}

/** The same message with other octets, field by field: a store may make them when they are asked for. */
const withOctets = ({ id, uidl, sender, receivedAt, flags, utf8 }: StoredMessage, octets: number): StoredMessage => ({
  ...{ id, uidl, octets, sender, receivedAt, flags, utf8 },
})

class PlainMaildrop implements Maildrop {
  readonly account: string
  readonly messages: readonly StoredMessage[]
  readonly #maildrop: Maildrop
  /** What each message that is told otherwise is in the store. */
  readonly #originals = new Map<StoredMessage, StoredMessage>()

  constructor(maildrop: Maildrop, octets: ReadonlyMap<StoredMessage, number>) {
    this.account = maildrop.account
    this.#maildrop = maildrop
    this.messages = maildrop.messages.map((original) => {
      const told = octets.get(original)
      if (told === undefined) return original
      const message = withOctets(original, told)
      this.#originals.set(message, original)
      return message
    })
  }

  read(message: StoredMessage): AsyncIterable<Buffer> {
    const original = this.#originals.get(message)
    return original === undefined ? this.#maildrop.read(message) : downgraded(this.#maildrop.read(original))
  }

  atHand(message: StoredMessage): Buffer | null {
    const original = this.#originals.get(message)
    if (original === undefined) return this.#maildrop.atHand(message)
    const octets = this.#maildrop.atHand(original)
    if (octets === null) return null
    const downgrading = new Downgrading()
    return Buffer.concat([...downgrading.take(octets), downgrading.end()])
  }

  remove(messages: readonly StoredMessage[]): Promise<void> {
    return this.#maildrop.remove(messages.map((message) => this.#originals.get(message) ?? message))
  }

  release(): Promise<void> {
    return this.#maildrop.release()
  }
}
