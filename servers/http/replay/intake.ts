/**
 * What a connection brings, before the engine sees it: a head that is known gets its answer at once, all else goes to the engine, which does
 * not hear of a connection before. Only a head that stands alone between two requests can be known.
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { dateNow } from '../dates.ts'
import type { Feed } from '../engine.ts'
import { tooLate } from '../problem.ts'
import type { Session } from '../session.ts'
import { isHeadAlone, type KnownAnswer, type KnownAnswers, longestHead } from './known-answers.ts'
import type { Newcomer, Newcomers } from './newcomers.ts'

/** How long a client may be silent. */
export interface Patience {
  /** Who has not begun its first request. */
  readonly newcomers: Newcomers
  /** Behind an answer. */
  readonly keepAliveMs: number
}

/** What is known, and for whom: see `scopeOf`. */
interface Known {
  readonly answers: KnownAnswers
  readonly scope: string
  /** Whether the end of the stream is the end of the connection, and nobody has to be told before. */
  readonly inClear: boolean
}

/** Has the engine speak on a session's connection, which it does not know before: see `Engine.adopt`. */
export type Adopt = (stream: Duplex, session: Session, reader?: Feed) => Feed

const nothing = Buffer.alloc(0)

/** The reader of one connection, from its first octet until another protocol has it. */
export class Intake implements Newcomer {
  readonly since = performance.now()
  readonly #stream: Socket
  readonly #session: Session
  readonly #adopt: Adopt
  readonly #known: Known | null
  readonly #patience: Patience
  /** Null until the engine is needed. */
  #feed: Feed | null = null
  /** Whether what comes next begins a request. */
  #between = true
  /** Whether nothing has come yet. */
  #new = true
  #answered = false
  /** Packets that went to the engine. */
  #passed = 0

  /** @param known null: every request goes to the engine */
  constructor(stream: Socket, session: Session, adopt: Adopt, known: Known | null, patience: Patience) {
    this.#stream = stream
    this.#session = session
    this.#adopt = adopt
    this.#known = known
    this.#patience = patience
  }

  /** Begins to read. */
  begin(): void {
    this.#stream.on('data', this.#read).on('end', this.#ended)
    this.#patience.newcomers.add(this)
  }

  get isGone(): boolean {
    return this.#stream.destroyed
  }

  silent(): void {
    this.#session.problem(tooLate)
  }

  readonly #read = (octets: Buffer): void => {
    if (this.#new) this.#patience.newcomers.delete(this)
    this.#new = false
    this.#take(octets)
  }

  readonly #ended = (): void => {
    // To end what is ended costs an error that nobody sees.
    if (!this.#stream.writableEnded) this.#stream.end()
  }

  /** What the engine does too. */
  readonly #fellSilent = (): void => void this.#stream.destroy()

  #take(octets: Buffer): void {
    const key = this.#keyOf(octets)
    const answer = key === null || !this.#session.isFree ? undefined : this.#known?.answers.find(key)
    const content = answer?.again() ?? null
    if (answer === undefined || content === null) this.#pass(octets, key)
    else this.#replay(answer, content)
  }

  /** By what the answer to a head is known; null for what is none, or none that is remembered. */
  #keyOf(octets: Buffer): string | null {
    if (!this.#between || this.#known === null || octets.length > longestHead) return null
    const key = this.#known.scope + octets.toString('latin1')
    return isHeadAlone(key) ? key : null
  }

  #replay(answer: KnownAnswer, content: Buffer): void {
    const stream = this.#stream
    const arrivedAt = performance.now()
    const id = this.#session.nameNext()
    const [begin, middle, end] = answer.parts
    const head = begin + id + middle + dateNow() + end
    if (answer.copied !== null) stream.write(head + answer.copied, 'latin1')
    else {
      stream.cork()
      stream.write(head, 'latin1')
      stream.write(content)
      stream.uncork()
    }
    // The system has taken it all, or refused it: there is nothing to wait for.
    if (stream.writableLength === 0) this.#said(answer, id, arrivedAt, stream.errored === null)
    else this.#await(answer, id, arrivedAt)
  }

  /** Of an answer that the client takes in its own time. */
  #await(answer: KnownAnswer, id: string, arrivedAt: number): void {
    const stream = this.#stream
    const free = this.#session.occupy()
    const passed = this.#passed
    const { timeout = 0 } = stream
    // How long a client may take over an answer is the host's to say.
    stream.setTimeout(0)
    stream.write(nothing, (error) => {
      // While the answer to another request is made, which may take longer, the connection is silent with reason.
      if (this.#passed === passed) stream.setTimeout(timeout)
      this.#said(answer, id, arrivedAt, !error && !stream.destroyed)
      free()
    })
  }

  #said(answer: KnownAnswer, id: string, arrivedAt: number, complete: boolean): void {
    this.#session.replayed(answer, { id, complete, durationMs: performance.now() - arrivedAt })
    // Nothing more comes that could turn our close into a reset: no end in stages (RFC 9112 §9.6), which costs two calls and a timer. What is
    // long may wait in the system for a client that takes nothing: that one's connection is counted as long as it is there.
    const inOneGo = answer.lastByWish && answer.copied !== null && this.#known?.inClear
    if (complete && inOneGo && this.#feed === null) this.#stream.destroy()
    if (this.#answered) return
    this.#answered = true
    // Behind the last one it is the host's to say how long a client may take over its goodbye.
    if (this.#feed === null && !answer.last) this.#stream.on('timeout', this.#fellSilent).setTimeout(this.#patience.keepAliveMs)
  }

  #pass(octets: Buffer, key: string | null): void {
    const session = this.#session
    // Behind the last answer nobody looks at what comes.
    if (session.isOver) return
    const feed = this.#feed ?? this.#handOver()
    const { requests } = session
    this.#passed += 1
    feed(octets)
    const isOne = session.requests === requests + 1 && session.isRead
    if (isOne && key !== null) session.cameAs(key)
    this.#between = isOne && (key !== null || isHeadAlone(octets.toString('latin1')))
  }

  #handOver(): Feed {
    const stream = this.#stream
    stream.off('end', this.#ended).off('timeout', this.#fellSilent).setTimeout(0)
    this.#feed = this.#adopt(stream, this.#session, this.#read)
    return this.#feed
  }
}
