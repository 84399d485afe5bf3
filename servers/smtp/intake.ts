import { type Delivery, StoreError } from '../../shared/mail/mail-store.ts'
import { type BareNewline, BodyReader } from './body-reader.ts'
import * as journal from './journal.ts'
import { NewlineNormalizer } from './newline-normalizer.ts'
import type { Reply } from './replies.ts'
import * as replies from './replies.ts'
import type { In, Situation } from './session.ts'
import { traceLines } from './trace.ts'

/**
 * One message on its way from the wire to the store. Holds no more than the chunk in hand. Once it is refused, what still comes
 * is dropped: the client reads why when it is through (RFC 5321 §4.1.1.4). `finish` or `abort` ends it.
 */
export class Intake {
  readonly #situation: Situation
  readonly #session: In<'data'>
  readonly #transaction: string
  readonly #startedAt = performance.now()
  readonly #delivery: Delivery
  readonly #normalizer: NewlineNormalizer | null
  /** What takes the message's octets off the wire. */
  readonly reader: BodyReader
  #trace: Buffer | null
  #octets = 0
  #refusal: Reply | null = null
  #state: 'receiving' | 'committing' | 'over' = 'receiving'
  #writing: Promise<void> = Promise.resolve()

  /** @param transaction unique, an atom: names the message in its Received line, in the reply and in the journal */
  constructor(situation: Situation, session: In<'data'>, transaction: string) {
    const { settings, connection, store } = situation
    this.#situation = situation
    this.#session = session
    this.#transaction = transaction
    const mode = settings.mail.bareNewlines
    this.reader = new BodyReader(mode)
    this.#normalizer = mode === 'normalize' ? new NewlineNormalizer() : null
    this.#delivery = store.deliver({
      sender: session.sender.address,
      recipients: session.recipients.flatMap(({ address, accounts }) => accounts.map((account) => ({ address, account }))),
    })
    this.#trace = traceLines({
      sender: session.sender.address,
      client: session.client,
      address: connection.remote.address,
      hostname: settings.hostname,
      tls: connection.tls,
      loggedIn: session.account !== null,
      utf8: session.sender.utf8,
      id: transaction,
      recipients: session.recipients.map(({ address }) => address),
      date: new Date(),
    })
  }

  /** Whether the store is making it a message: from then on it is not to be given up. */
  get committing(): boolean {
    return this.#state === 'committing'
  }

  /** Takes octets of the message; resolves when more may come. Never rejects: what goes wrong is the reply at the end. */
  async write(octets: Buffer): Promise<void> {
    this.#octets += octets.length
    const { maxSizeOctets } = this.#situation.settings.mail
    if (this.#refusal !== null || this.#state !== 'receiving') return
    if (this.#octets > maxSizeOctets) return this.#refuse(replies.messageTooBig(maxSizeOctets))
    const { bare } = this.reader
    if (bare !== null && this.#normalizer === null) return this.#refuse(bareNewline(bare))
    this.#writing = this.#store(this.#normalizer === null ? octets : this.#normalizer.push(octets))
    await this.#writing
  }

  /** The message is whole. @returns what to say; only with a 250 is it kept */
  async finish(): Promise<Reply> {
    if (this.#state !== 'receiving') return replies.failed
    if (this.#refusal !== null) return this.#refused(this.#refusal)
    this.#state = 'committing'
    try {
      await this.#writeTrace()
      const messages = await this.#delivery.commit()
      const reply = replies.messageTaken(this.#transaction)
      journal.messageAccepted(this.#situation.log, this.#facts(), messages, reply)
      return reply
    } catch (error) {
      return this.#refused(this.#refusalFor(error))
    } finally {
      this.#state = 'over'
    }
  }

  /** The conversation ends before the message does: nothing of it stays. Without effect once it is being committed. */
  async abort(): Promise<void> {
    if (this.#state !== 'receiving') return
    this.#state = 'over'
    await this.#writing
    if (this.#refusal === null) await this.#delivery.abort()
    journal.messageUnfinished(this.#situation.log, this.#facts())
  }

  async #store(body: Buffer): Promise<void> {
    try {
      await this.#writeTrace()
      await this.#delivery.write(body)
    } catch (error) {
      await this.#refuse(this.#refusalFor(error))
    }
  }

  /** The trace lines come before the first octet. */
  async #writeTrace(): Promise<void> {
    const trace = this.#trace
    this.#trace = null
    if (trace !== null) await this.#delivery.write(trace)
  }

  async #refuse(reply: Reply): Promise<void> {
    if (this.#refusal !== null) return
    this.#refusal = reply
    await this.#delivery.abort()
  }

  #refused(reply: Reply): Reply {
    this.#state = 'over'
    journal.messageRefused(this.#situation.log, this.#facts(), reply)
    return reply
  }

  #refusalFor(error: unknown): Reply {
    if (!(error instanceof StoreError)) {
      journal.failed(this.#situation.log, error)
      return replies.failed
    }
    if (replies.isStoreFault(error.code)) journal.storeFailed(this.#situation.log, error)
    return replies.storeRefusals[error.code]
  }

  #facts(): journal.MessageFacts {
    const { sender, recipients } = this.#session
    return {
      transaction: this.#transaction,
      sender: sender.address,
      recipients: recipients.map(({ address }) => address),
      octets: this.#octets,
      durationMs: performance.now() - this.#startedAt,
    }
  }
}

const bareNewline = ({ line, octet }: BareNewline): Reply => replies.bareNewline(line, octet)
