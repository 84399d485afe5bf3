import { type Desk, DeskError, type LoginAnswer, type LoginAttempt, type RecipientAnswer } from '../../shared/accounts/desk.ts'
import type { AskMessage, DeskCall, DeskCalls } from './messages.ts'

/** Longer than the longest delay of a bad login, with a full queue of passwords before it. */
const patienceMs = 30_000

/** What the desk's answer to a call must look like at least: both sides are one program, so the outcome's presence tells enough. */
type AnswerOf<Call extends DeskCall> = DeskCalls[Call]['answer']

interface Waiting {
  readonly resolve: (answer: DeskCalls[DeskCall]['answer']) => void
  readonly reject: (error: DeskError) => void
  readonly timer: NodeJS.Timeout
}

/** The child's side of the desk: questions go over the channel to the supervisor, answers come back by id. */
export class DeskClient implements Desk {
  readonly #send: (message: AskMessage) => void
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #closed = false

  /** Called when a login was not looked at, since too many bad ones came from its address. */
  onBlocked: () => void = () => undefined

  /** @param send puts a message on the channel; may throw when the channel is gone */
  constructor(send: (message: AskMessage) => void) {
    this.#send = send
  }

  async login(attempt: LoginAttempt): Promise<LoginAnswer> {
    const answer = await this.#ask('login', attempt)
    if (answer.outcome === 'blocked') this.onBlocked()
    return answer
  }

  recipient(address: string): Promise<RecipientAnswer> {
    return this.#ask('recipient', address)
  }

  async sync(path: string): Promise<void> {
    await this.#ask('sync', path)
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
      this.#send({ type: 'ask', id, call, question })
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
