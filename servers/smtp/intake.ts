import { type Delivery, type Envelope, type Placed, StoreError } from '../../shared/mail/mail-store.ts'
import { type BareNewline, BodyReader } from './body-reader.ts'
import { ChunkReader, NewlineWatch } from './chunk-reader.ts'
import { HeaderCompletion, maxHeaderOctets } from './header-completion.ts'
import * as journal from './journal.ts'
import { NewlineNormalizer } from './newline-normalizer.ts'
import { ReceivedCount } from './received-count.ts'
import type { Reply } from './replies.ts'
import * as replies from './replies.ts'
import { report } from './reports.ts'
import type { In, Situation } from './session.ts'
import { inTurn, type Stage } from './stage.ts'
import { traceLines } from './trace.ts'

/** One in SMTP; in LMTP one for each recipient. */
type Replies = readonly [Reply, ...Reply[]]

/**
 * One message on its way from the wire to the store. Holds no more than the chunk in hand. Once it is refused, what still comes
 * is dropped: the client reads why when it is through (RFC 5321 §4.1.1.4). `finish` or `abort` ends it.
 */
export class Intake {
  readonly #situation: Situation
  readonly #session: In<'data' | 'chunks'>
  readonly #transaction: string
  readonly #startedAt = performance.now()
  readonly #arrivedAt = new Date()
  /** Whether a full mailbox is left out; else the message is refused. */
  readonly #leavesOut: boolean
  readonly #delivery: Delivery
  /** What becomes of the octets before they are stored. */
  readonly #stage: Stage
  readonly #received = new ReceivedCount()
  readonly #header: HeaderCompletion | null
  readonly #watch = new NewlineWatch()
  /** What has seen the line breaks. */
  #newlines: { readonly bare: BareNewline | null } = this.#watch
  #trace: Buffer | null
  /** As the client sent them. */
  #octets = 0
  /** As the store counts them: trace lines too, and what was completed. */
  #storedOctets = 0
  #refusal: Reply | null = null
  #state: 'receiving' | 'committing' | 'kept' | 'over' = 'receiving'
  #writing: Promise<void> = Promise.resolve()

  /** @param transaction unique, an atom: names the message in its Received line, in the reply and in the journal */
  constructor(situation: Situation, session: In<'data' | 'chunks'>, transaction: string) {
    const { settings, options, connection, store } = situation
    this.#situation = situation
    this.#session = session
    this.#transaction = transaction
    const now = this.#arrivedAt
    this.#leavesOut = options.mode === 'lmtp' || session.recipients.some(({ accounts }) => accounts.length > 1)
    const messageId = `${transaction}.${now.getTime().toString(36)}@${settings.hostname}`
    this.#header = options.mode === 'submission' ? new HeaderCompletion({ date: now, messageId }) : null
    this.#stage = inTurn([
      ...(settings.mail.bareNewlines === 'normalize' ? [new NewlineNormalizer()] : []),
      this.#received,
      ...(this.#header === null ? [] : [this.#header]),
    ])
    this.#delivery = store.deliver(envelopeOf(session), { whenFull: this.#leavesOut ? 'leave-out' : 'refuse' })
    this.#trace = traceLines({
      sender: session.sender.address,
      client: session.client,
      lmtp: options.mode === 'lmtp',
      address: connection.remote.address,
      hostname: settings.hostname,
      tls: connection.tls,
      loggedIn: session.account !== null,
      utf8: session.sender.utf8,
      id: transaction,
      recipients: session.recipients.map(({ address }) => address),
      date: now,
    })
  }

  /** What takes the octets of a message that comes as one off the wire. */
  message(): BodyReader {
    const reader = new BodyReader(this.#situation.settings.mail.bareNewlines)
    this.#newlines = reader
    return reader
  }

  /** The same for a chunk. @param octets at least one */
  chunk(octets: number): ChunkReader {
    return new ChunkReader(octets, this.#watch)
  }

  /** Whether it will not be taken, whatever still comes. */
  get refused(): boolean {
    return this.#refusal !== null
  }

  /** Whether it is in the store. */
  get kept(): boolean {
    return this.#state === 'kept'
  }

  /** Whether the store is making it a message, or it is one that is to be answered: from then on it is not to be given up. */
  get committing(): boolean {
    return this.#state === 'committing'
  }

  /** Takes octets of the message; resolves when more may come. Never rejects: what goes wrong is the reply at the end. */
  async write(octets: Buffer): Promise<void> {
    this.#octets += octets.length
    const { settings } = this.#situation
    const { maxSizeOctets } = settings.mail
    if (this.#refusal !== null || this.#state !== 'receiving') return
    if (this.#octets > maxSizeOctets) return this.#refuse(replies.messageTooBig(maxSizeOctets))
    const stray = this.#strayNewline()
    if (stray !== null) return this.#refuse(stray)
    const staged = this.#stage.push(octets)
    if (this.#header?.tooLong) return this.#refuse(replies.headerTooLong(maxHeaderOctets))
    const { hops } = this.#situation.options
    if (this.#received.count > hops) {
      journal.limitReached(this.#situation.log, 'hops', hops)
      this.#situation.connection.overLimit('hops')
      return this.#refuse(replies.loop(hops))
    }
    this.#writing = this.#store(staged)
    await this.#writing
  }

  /** The message is whole. @returns what to say; only with a 250 is it kept */
  async finish(): Promise<Replies> {
    if (this.#state !== 'receiving') return this.#forEach(replies.failed)
    this.#state = 'committing'
    await this.#end()
    if (this.#refusal !== null) return this.#refused(this.#refusal)
    let placed: readonly Placed[]
    try {
      placed = await this.#delivery.commit()
    } catch (error) {
      return this.#refused(this.#refusalFor(error))
    }
    return this.#answer(placed)
  }

  /** The conversation ends before the message does: nothing of it stays. Without effect once it is being committed. */
  async abort(): Promise<void> {
    if (this.#state !== 'receiving') return
    this.#state = 'over'
    await this.#writing
    if (this.#refusal === null) await this.#delivery.abort()
    journal.messageUnfinished(this.#situation.log, this.#facts())
  }

  /** What is answered to a line break that is none, where it is not made one. */
  #strayNewline(): Reply | null {
    const { bare } = this.#newlines
    const rejects = this.#situation.settings.mail.bareNewlines === 'reject'
    return bare !== null && rejects ? replies.bareNewline(bare.line, bare.octet) : null
  }

  async #store(body: Buffer): Promise<void> {
    const { largestOctets } = this.#situation.room
    this.#storedOctets += body.length + (this.#trace?.length ?? 0)
    if (this.#storedOctets > largestOctets) return this.#refuse(replies.largerThanMailbox(largestOctets))
    try {
      await this.#writeTrace()
      if (body.length > 0) await this.#delivery.write(body)
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

  #refused(reply: Reply): Replies {
    this.#state = 'over'
    journal.messageRefused(this.#situation.log, this.#facts(), reply)
    return this.#forEach(reply)
  }

  /** RFC 2033 §4.2: LMTP answers for each recipient, in the order of RCPT. */
  #forEach(reply: Reply): Replies {
    const others = this.#situation.options.mode === 'lmtp' ? this.#session.recipients.slice(1) : []
    return [reply, ...others.map(() => reply)]
  }

  /** What is still to be done when the last octet has come: of a message in chunks it may be in the middle of a line break. */
  async #end(): Promise<void> {
    if (this.#refusal !== null) return
    this.#watch.end()
    const stray = this.#strayNewline()
    if (stray !== null) return this.#refuse(stray)
    await this.#store(this.#stage.end())
    if (this.#refusal !== null) return
    try {
      if (!(await this.#hasRoom())) await this.#refuse(replies.mailboxFull)
    } catch (error) {
      await this.#refuse(this.#refusalFor(error))
    }
  }

  /** Lists have members that may be left out; in SMTP, which has one answer for all, each recipient needs one that is not. */
  async #hasRoom(): Promise<boolean> {
    const { options, room } = this.#situation
    if (!this.#leavesOut || options.mode === 'lmtp') return true
    for (const { accounts } of this.#session.recipients) {
      const roomy = await Promise.all(accounts.map((account) => room.hasNow(account, this.#octets)))
      if (!roomy.includes(true)) return false
    }
    return true
  }

  /** The store has it, or no mailbox had room. */
  async #answer(placed: readonly Placed[]): Promise<Replies> {
    const { options, log } = this.#situation
    const { sender, recipients } = this.#session
    if (placed.every(({ id }) => id === null)) return this.#refused(replies.mailboxFull)
    const got = new Set(placed.flatMap(({ account, id }) => (id === null ? [] : [account])))
    const taken = replies.messageTaken(this.#transaction)
    const each = recipients.map(({ accounts }) => (accounts.some((account) => got.has(account)) ? taken : replies.mailboxFull))
    // Where one has become full in this very moment, the others get the message again when it is sent again: better than not at all.
    const [first = taken, ...more] =
      options.mode === 'lmtp' ? each : [each.includes(replies.mailboxFull) ? replies.mailboxFull : taken]
    const ids = placed.flatMap(({ id }) => (id === null ? [] : [id]))
    journal.messageAccepted(log, this.#facts(), ids, first)
    const missed = new Set([...placed.map(({ account }) => account), ...recipients.flatMap(({ full }) => full)]).difference(got)
    if (missed.size > 0) journal.mailboxesFull(log, this.#transaction, [...missed])
    await report(this.#situation, { transaction: this.#transaction, arrivedAt: this.#arrivedAt, sender, recipients, placed, got })
    this.#state = 'kept'
    return [first, ...more]
  }

  #refusalFor(error: unknown): Reply {
    if (!(error instanceof StoreError)) {
      journal.failed(this.#situation.log, error)
      return replies.failed
    }
    if (replies.isStoreFault(error)) journal.storeFailed(this.#situation.log, error)
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

const envelopeOf = ({ sender, recipients }: In<'data' | 'chunks'>): Envelope => ({
  sender: sender.address,
  recipients: recipients.flatMap(({ address, accounts, notify, originalRecipient }) => {
    const wishes = { ...(notify === null ? {} : { notify }), ...(originalRecipient === null ? {} : { originalRecipient }) }
    return accounts.map((account) => ({ address, account, ...wishes }))
  }),
  ...(Object.keys(sender.dsn).length === 0 ? {} : { dsn: sender.dsn }),
  ...(sender.utf8 ? { utf8: true } : {}),
})
