/** The content of a request on its way to an upstream server. */
import { Readable } from 'node:stream'
import { ContentTooLarge } from '../content.ts'
import type { Exchange } from '../exchange.ts'
import { UpstreamError } from './upstream-error.ts'

const givenUp = (cause: Error): UpstreamError => new UpstreamError('given-up', 'the request has no end', { cause })

/** Whether a request has content, without asking for it. */
export const hasContent = (exchange: Exchange): boolean => {
  if (exchange.declaredOctets !== null) return exchange.declaredOctets > 0
  if (exchange.version.startsWith('1')) return exchange.field('transfer-encoding') !== undefined
  // HTTP/2 says with the head whether there is more, and nothing of it has been read.
  return !exchange.complete
}

/**
 * A stream of its own, which may be destroyed and leaves the client's as it is. Nothing is asked of the client before somebody reads: only then
 * is it told to go on (RFC 9110 §10.1.1). Fails with an `UpstreamError`, `given-up`, by cause of `ContentTooLarge` or what the client's
 * content fails with.
 */
export const passedContent = (exchange: Exchange, maxOctets: number): Readable => {
  let content: Readable | null = null
  let octets = 0
  const open = (passed: Readable): Readable | null => {
    exchange.continue()
    const opened = exchange.content
    opened?.on('data', (part: Buffer) => {
      octets += part.length
      if (octets > maxOctets) passed.destroy(givenUp(new ContentTooLarge(`more than ${maxOctets} octets`)))
      else if (!passed.push(part)) opened.pause()
    })
    opened?.once('end', () => passed.push(null))
    opened?.once('error', (error) => passed.destroy(givenUp(error)))
    if (opened === null) passed.push(null)
    return opened
  }
  return new Readable({
    read() {
      if (content === null) content = open(this)
      else content.resume()
    },
    destroy(error, done) {
      // What the upstream server did not want is nobody's any more.
      content?.destroy()
      done(error)
    },
  })
}
