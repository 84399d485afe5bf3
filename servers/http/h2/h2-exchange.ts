/** One stream of HTTP/2 as a request and the way to answer it. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import { ContentBroken, contentOf, leastOctets, skippedOctets } from '../content.ts'
import type { Exchange, Head } from '../exchange.ts'
import type { FailureStatus } from '../statuses.ts'

const nothing = () => undefined

/** How long content that is read past (`skippedOctets`) is waited for: curl 7.88 loses an answer whose stream is closed while it sends. */
const graceMs = 1_000

const noError = 0
const refusedStream = 7
const cancel = 8

/** What the streams of one connection share. */
export interface Siblings {
  readonly maxHeadOctets: number
  /** So many octets were taken by the system. */
  written(octets: number): void
  /**
   * Keeps these octets from being used for something else until the system is done with all that was given to it before. It may still be
   * sending a part of them, though their stream was reset.
   */
  keep(octets: Buffer): void
  /** A client took back what it asked for, before the answer was out; told once, when the stream closes. */
  takenBack(): void
}

/** Made by `h2-engine.ts` for each stream that a client opens. */
export class H2Exchange implements Exchange {
  readonly version = '2'
  readonly #stream: ServerHttp2Stream
  readonly #headers: IncomingHttpHeaders
  readonly #raw: readonly string[]
  #fields: readonly string[] | null = null
  #content: Readable | null = null
  #contentOctets = 0
  /** As many of them as had come when the stream last moved. */
  #octetsWhenMoved = 0
  #siblings: Siblings | null = null
  #continued = false
  #movedAt = performance.now()
  /** Writes that the system has not taken yet. */
  #underWay = 0
  /** Ends the wait for the last of them. */
  #giveUp: (whole: boolean) => void = nothing
  /** Whether one of them failed. */
  #failed = false
  /** Whether all of the answer was given to be sent. */
  #whole = false
  /** Whether it went out, its end included: what the client takes back behind that is no part of the answer. */
  #out = false
  /** Whether the stream is closed on both sides. */
  #closed = false
  /** Whether it counts as taken back already, or never will. */
  #toldBack = false
  #abandoned = false
  /** Waits for the end. */
  #ended: ((outcome: 'sent' | 'aborted') => void) | null = null

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]) {
    this.#stream = stream
    this.#headers = headers
    this.#raw = raw
    // Told by `close` too, with its code.
    stream.on('error', nothing)
    stream.once('close', () => {
      this.#closed = true
      // Whoever answers may be waiting for something else, and learns of it when that is there.
      if (!this.#isWhole) this.countAsTakenBack()
      this.#tellEnd()
    })
  }

  /** Makes it one of a connection's. */
  join(siblings: Siblings): void {
    this.#siblings = siblings
  }

  get method(): string {
    return this.#headers[':method'] ?? ''
  }

  get target(): string {
    return this.#headers[':path'] ?? this.#headers[':authority'] ?? ''
  }

  get fields(): readonly string[] {
    this.#fields ??= fieldsOf(this.#raw, this.#headers[':authority'])
    return this.#fields
  }

  get oversized(): boolean {
    return this.headOctets > (this.#siblings?.maxHeadOctets ?? 0)
  }

  /** The size of the head as RFC 9113 §6.5.2 counts it: uncompressed, and 32 octets for each field. */
  get headOctets(): number {
    let octets = this.#raw.length * 16
    for (const text of this.#raw) octets += text.length
    return octets
  }

  get complete(): boolean {
    return this.#stream.endAfterHeaders || this.#stream.readableEnded
  }

  get content(): Readable | null {
    if (!this.#stream.endAfterHeaders) this.#content ??= this.#opened()
    return this.#content
  }

  get contentTaken(): boolean {
    return this.#content !== null
  }

  /** Octets of the content that came. */
  get contentOctets(): number {
    return this.#contentOctets
  }

  get declaredOctets(): number | null {
    const length = this.#headers['content-length']
    return length === undefined ? null : Number(length)
  }

  /** The connection is ended by other means than an answer. */
  get keepsAlive(): boolean {
    return true
  }

  /** Whether an answer to it can still begin. */
  get answerable(): boolean {
    return !this.over && !this.#stream.headersSent
  }

  /** Whether the stream is over: answered, or taken back. */
  get over(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  /**
   * When the system last took octets of its answer, when it began, or, before that, when content that somebody takes was last seen to go
   * on: by what is asked of HTTP/1.1 (content.ts).
   * @param now `performance.now()`, as is what comes back
   */
  movedAt(now: number): number {
    const enough = this.#contentOctets - this.#octetsWhenMoved >= leastOctets
    if (this.#content !== null && this.answerable && (enough || this.#stream.isPaused())) {
      this.#octetsWhenMoved = this.#contentOctets
      this.#movedAt = now
    }
    return this.#movedAt
  }

  /** Whether octets of its answer wait to be taken. */
  get waits(): boolean {
    return this.#underWay > 0
  }

  field(name: string): string | undefined {
    const value = this.#headers[name === 'host' ? ':authority' : name] ?? this.#headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  continue(): void {
    if (this.#continued || this.#headers.expect === undefined || this.over || this.#stream.headersSent) return
    this.#continued = true
    this.#stream.additionalHeaders({ ':status': 100 })
  }

  /** Extended CONNECT (RFC 8441) is not offered: clients open a connection of HTTP/1.1 for their WebSockets. */
  get upgrade(): null {
    return null
  }

  interim(status: number, fields: readonly string[]): void {
    if (!this.answerable) return
    const all: Record<string, string[]> = {}
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const name = (fields[at] ?? '').toLowerCase()
      all[name] = [...(all[name] ?? []), fields[at + 1] ?? '']
    }
    this.#stream.additionalHeaders({ ...all, ':status': status })
  }

  breakOff(status: FailureStatus): void {
    if (!this.complete) this.#content?.destroy(new ContentBroken('no more of the content is waited for', status))
  }

  send(head: Head, body: Buffer | string): void {
    if (!this.#respond(head, body.length === 0) || body.length === 0) return
    this.#give(typeof body === 'string' ? Buffer.from(body) : body, nothing)
    this.finish()
  }

  begin(head: Head): void {
    this.#respond(head, false)
  }

  write(octets: Buffer): Promise<boolean> {
    if (this.over) return Promise.resolve(false)
    return new Promise((resolve) => this.#give(octets, resolve))
  }

  finish(): void {
    this.#whole = true
    this.#stream.end()
  }

  onEnd(ended: (outcome: 'sent' | 'aborted') => void): void {
    this.#ended = ended
    this.#tellEnd()
  }

  /** The connection is gone: nothing of the stream is told any more. */
  abandon(): void {
    this.#abandoned = true
    this.#giveUp(false)
    this.#tellEnd()
  }

  /** Counts it as taken back, however that is learned: once. */
  countAsTakenBack(): void {
    if (this.#toldBack) return
    this.#toldBack = true
    this.#siblings?.takenBack()
  }

  /** Tells the client that nobody has looked at it: it may ask again (RFC 9113 §8.7). */
  refuse(): void {
    this.#stream.close(refusedStream)
    this.#stream.resume()
  }

  /**
   * Tells the client that the answer cannot be finished (INTERNAL_ERROR). Node ends a stream that is closed before it resets it, and what
   * came of the answer would be taken for all of it (RFC 9113 §8.1); one that is destroyed is reset alone.
   */
  fail(): void {
    this.#toldBack = true
    this.#stream.destroy(new Error('the answer cannot be finished'))
  }

  /** Takes the stream back: the client gets no more of it. */
  reset(): void {
    this.#stream.close(cancel)
  }

  /** @param taken whether the system has them */
  #give(octets: Buffer, taken: (whole: boolean) => void): void {
    if (this.#underWay === 0) this.#movedAt = performance.now()
    this.#underWay += 1
    this.#giveUp = taken
    this.#stream.write(octets, (error) => {
      this.#underWay -= 1
      this.#failed ||= error instanceof Error
      if (this.#failed) this.#siblings?.keep(octets)
      else this.#siblings?.written(octets.length)
      this.#movedAt = performance.now()
      taken(!this.#failed)
      this.#tellEnd()
    })
  }

  /** The end of a stream may be told before the system has taken its last octets. */
  #tellEnd(): void {
    if (!this.#abandoned && (!this.#closed || this.#underWay > 0)) return
    const whole = this.#isWhole && !this.#failed && this.#underWay === 0
    const tell = this.#ended
    this.#ended = null
    if (tell !== null) process.nextTick(tell, whole ? 'sent' : 'aborted')
  }

  /** Whether the answer is whole, as far as the stream has come, when it closes. */
  get #isWhole(): boolean {
    return this.#whole && (this.#stream.rstCode === noError || this.#out)
  }

  /** @returns false where the stream is over */
  #respond({ status, fields }: Head, isAll: boolean): boolean {
    const stream = this.#stream
    if (this.over) return false
    this.#movedAt = performance.now()
    this.#whole = isAll
    stream.respond([':status', String(status), ...fields], { endStream: isAll })
    if (stream.endAfterHeaders) {
      // Node resets a stream that nobody has read, with its last octets still on their way; and one that was read it gives up when it is
      // closed, with the write that the system is about to take: that makes an error for nobody. This is neither.
      stream.pause()
      return true
    }
    // Content that nobody wanted must be read, or it takes its part of the connection's window for ever.
    if (this.#content === null) this.#counted().resume()
    // What is left of it is not needed any more (RFC 9113 §8.1).
    const enough = () => {
      if (stream.readableEnded || this.over) return
      stream.close(noError)
      // A stream is over when all of it was read.
      this.#content?.destroy()
      stream.resume()
    }
    const finished = () => {
      this.#out = true
      if (this.#isNearlyWhole) setTimeout(enough, graceMs).unref()
      else setImmediate(enough)
    }
    if (stream.writableFinished) finished()
    else stream.once('finish', finished)
    return true
  }

  /** Whether so little of the content is still to come that it is read past. */
  get #isNearlyWhole(): boolean {
    return this.declaredOctets !== null && this.declaredOctets - this.#contentOctets <= skippedOctets
  }

  #opened(): Readable {
    const content = contentOf(this.#counted())
    const broken = () => void content.destroy(new ContentBroken('the client took its request back'))
    // Node ends a stream that was reset with NO_ERROR as it ends one that is whole (RFC 9113 §8.1: only END_STREAM makes it that).
    if (this.#stream.aborted) broken()
    else this.#stream.once('aborted', broken)
    return content
  }

  #counted(): ServerHttp2Stream {
    return this.#stream.on('data', (octets: Buffer) => {
      this.#contentOctets += octets.length
    })
  }
}

/**
 * The header fields as HTTP/1.1 would have them: `Host` for `:authority` (RFC 9113 §8.3.1; both, where they differ: that is refused as
 * two hosts are), and the parts of a cookie as one (§8.2.3).
 */
const fieldsOf = (raw: readonly string[], authority: string | undefined): readonly string[] => {
  const fields: string[] = authority === undefined ? [] : ['host', authority]
  const cookies: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? ''
    const value = raw[at + 1] ?? ''
    if (name.startsWith(':') || (name === 'host' && value.toLowerCase() === authority?.toLowerCase())) continue
    if (name === 'cookie') cookies.push(value)
    else fields.push(name, value)
  }
  if (cookies.length > 0) fields.push('cookie', cookies.join('; '))
  return fields
}
