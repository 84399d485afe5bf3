/** Puts an answer on the wire whose body comes from elsewhere, as it comes. */
import type { Readable } from 'node:stream'
import { type Delivery, type Exchange, endOf, type Head } from './exchange.ts'

/**
 * Reads no faster than the client does. When the stream fails, the answer stays unfinished: the client must not take what it has for the
 * whole.
 */
export const deliverStream = async (exchange: Exchange, head: Head, content: Readable, withBody: boolean): Promise<Delivery> => {
  const ended = endOf(exchange)
  if (!withBody) {
    content.destroy()
    exchange.send(head, '')
    return { complete: (await ended) === 'sent', octets: 0, failure: null }
  }
  // A client that goes away while nothing comes has no use for what would come.
  void ended.then((outcome) => outcome === 'aborted' && content.destroy())
  let octets = 0
  try {
    // What is to come may take its time, and the client is to know at once that it comes.
    exchange.begin(head, content.readableLength === 0)
    for await (const part of content) {
      if (!Buffer.isBuffer(part)) throw new TypeError('a stream of octets has to give octets')
      if (!(await exchange.write(part))) return { complete: false, octets, failure: null }
      octets += part.length
    }
  } catch (error) {
    // The stream was destroyed since the client went away: no failure of ours.
    const gone = await Promise.race([ended, Promise.resolve(null)])
    return gone === null ? { complete: false, octets, failure: 'read-failed', error } : { complete: false, octets, failure: null }
  }
  exchange.finish()
  return { complete: (await ended) === 'sent', octets, failure: null }
}
