/** What a client sends behind the head of its request, for whoever wants it. */
import { Readable } from 'node:stream'
import type { FailureStatus } from './statuses.ts'

/** The client went away, or was cut off, before all of its content was here. */
export class ContentBroken extends Error {
  override readonly name = 'ContentBroken'
  /** What the client is answered, where it is still there: it sent what is no content, or took too long. */
  readonly status: FailureStatus
  constructor(message: string, status: FailureStatus = 400) {
    super(message)
    this.status = status
  }
}

/** More came than the setting, or the route, allows. */
export class ContentTooLarge extends Error {
  override readonly name = 'ContentTooLarge'
}

/** Content on its way to whoever reads it. */
export class ContentStream extends Readable {
  /** What has come so far. */
  octets = 0
}

/**
 * The content as a stream of its own: it is read no faster than this one is (backpressure), and destroying this one leaves the
 * connection as it is, so that an answer can still go out. What nobody reads any more then is dropped.
 * @param source the engine's stream, which nobody has read yet
 * @returns fails with `ContentBroken` when the source ends too early
 */
export const contentOf = (source: Readable): ContentStream => {
  const content = new ContentStream({
    read: () => void source.resume(),
    destroy: (error, done) => {
      source.off('data', take)
      source.resume()
      done(error)
    },
  })
  const take = (octets: Buffer) => {
    content.octets += octets.length
    if (!content.push(octets)) source.pause()
  }
  const broken = () => {
    if (!content.readableEnded && !content.destroyed) content.destroy(new ContentBroken('the content ended too early'))
  }
  // Whoever reads hears of an error by itself; nobody may read at the moment.
  content.on('error', () => undefined)
  // A stream of HTTP/2 with nothing in it has ended before anybody reads it.
  if (source.readableEnded) {
    content.push(null)
    return content
  }
  source.on('data', take)
  source.pause()
  source.once('end', () => {
    source.off('close', broken)
    if (!content.destroyed) content.push(null)
  })
  source.on('error', broken)
  source.once('close', broken)
  if (source.destroyed) broken()
  return content
}

/** Content of a request that is read past behind its answer; with more of it, the connection or the stream ends. */
export const skippedOctets = 64 * 1024

/** What content that somebody takes has to bring in each period, at least: about what a modem did. */
export const leastOctets = 64 * 1024

/**
 * The deadline of content. What nobody takes has to be there when it is over; what somebody takes has to go on: a large upload over
 * a slow line takes longer than any deadline of a whole request, and one who sends an octet now and then holds a place for ever.
 * @param source the engine's stream
 * @param content what is made of it; null: nobody takes it
 * @param late called once
 */
export const keepDeadline = (source: Readable, content: ContentStream | null, deadlineMs: number, late: () => void): void => {
  let before = 0
  const timer = setInterval(() => {
    const goesOn =
      content !== null &&
      !content.destroyed &&
      // Where the reader holds it back, the client can do nothing.
      (content.octets - before >= leastOctets || source.isPaused())
    before = content?.octets ?? 0
    if (goesOn) return
    stop()
    late()
  }, deadlineMs).unref()
  const stop = () => clearInterval(timer)
  source.once('end', stop)
  source.once('close', stop)
}
