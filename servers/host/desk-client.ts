import {
  type Desk,
  DeskError,
  type LoginAnswer,
  type LoginAttempt,
  type RecipientAnswer,
  type ScramAnswer,
  type ScramQuestion,
} from '../../shared/accounts/desk.ts'
import type { AskMessage, DeskCall, DeskCalls } from './messages.ts'
import { rememberRecipients } from './recipient-memory.ts'

/** Longer than the longest delay of a bad login, with a full queue of passwords before it. */
const patienceMs = 30_000

/** What the desk's answer to a call must look like at least: both sides are one program, so the outcome's presence tells enough. */
type AnswerOf<Call extends DeskCall> = DeskCalls[Call]['answer']

interface Waiting {
  readonly resolve: (answer: DeskCalls[DeskCall]['answer']) => void
  readonly reject: (error: DeskError) => void
  readonly timer: NodeJS.Timeout
}

/** A sync under way, and the one behind it that those share who asked since. */
interface Syncing {
  readonly now: Promise<void>
  next: Promise<void> | null
}

/** The child's side of the desk: questions go over the channel to the supervisor, answers come back by id. */
export class DeskClient implements Desk {
  readonly #send: (message: AskMessage) => void
  readonly #waiting = new Map<number, Waiting>()
  readonly #syncing = new Map<string, Syncing>()
  readonly #recipient = rememberRecipients((address) => this.#ask('recipient', address))
  #lastId = 0
  #lastToken = 0
  #closed = false

  /** Called when a login was not looked at, since too many bad ones came from its address. */
  onBlocked: () => void = () => undefined

  /** @param send puts a message on the channel; may throw when the channel is gone */
  constructor(send: (message: AskMessage) => void) {
    this.#send = send
  }

  async login(attempt: LoginAttempt): Promise<LoginAnswer> {
    const answer = await this.#ask('login', attempt)
    if (answer.outcome === 'blocked' && answer.tooSoon !== true) this.onBlocked()
    return answer
  }

  async scram(question: ScramQuestion): Promise<ScramAnswer> {
    const answer = await this.#ask('scram', question)
    if (answer.outcome === 'blocked' && answer.tooSoon !== true) this.onBlocked()
    return answer
  }

  recipient(address: string): Promise<RecipientAnswer> {
    return this.#recipient(address)
  }

  /** Many who change one folder at a time share its syncs: one that began before a change may not have seen it, the next one has. */
  sync(path: string): Promise<void> {
    const under = this.#syncing.get(path)
    if (under === undefined) return this.#sync(path)
    under.next ??= under.now.then(
      () => this.#sync(path),
      () => this.#sync(path),
    )
    return under.next
  }

  async turn(file: string): Promise<Disposable> {
    const token = ++this.#lastToken
    const over = () => {
      // With the supervisor all turns are gone.
      if (!this.#closed) this.#send({ type: 'ask', id: 0, call: 'turnOver', question: token })
    }
    try {
      await this.#ask('turn', { file, token })
    } catch (error) {
      over()
      throw error
    }
    return { [Symbol.dispose]: over }
  }

  #sync(path: string): Promise<void> {
    const under: Syncing = { now: this.#ask('sync', path).then(() => undefined), next: null }
    this.#syncing.set(path, under)
    const over = () => {
      if (under.next === null) this.#syncing.delete(path)
    }
    under.now.then(over, over)
    return under.now
  }

  /** The supervisor answered. */
  answered(id: number, answer: DeskCalls[DeskCall]['answer']): void {
    this.#take(id)?.resolve(answer)
  }

  /** The supervisor could not answer. */
  failed(id: number, message: string): void {
    this.#take(id)?.reject(new DeskError(message))
  }

  /** The supervisor is gone: whoever waits, and whoever asks from now on, learns it. */
  close(): void {
    this.#closed = true
    for (const id of [...this.#waiting.keys()]) this.failed(id, 'the supervisor is gone')
  }

  #ask<Call extends DeskCall>(call: Call, question: DeskCalls[Call]['question']): Promise<AnswerOf<Call>> {
    if (this.#closed) return Promise.reject(new DeskError('the supervisor is gone'))
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.failed(id, `no answer within ${patienceMs / 1_000} s`), patienceMs)
      // The answer with this id belongs to this call: the supervisor answers by id.
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, timer })
      this.#send({ type: 'ask', id, call, question } as AskMessage)
    })
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return undefined
    clearTimeout(waiting.timer)
    this.#waiting.delete(id)
    return waiting
  }
}
