/** Puts an answer on the wire. */
import { pools } from './buffers.ts'
import type { Exchange, Head } from './exchange.ts'
import type { Body, Reply } from './replies.ts'

/** What came of a delivery. */
export interface Delivery {
  /** Whether the client's system has all of it; else the client went away, or what was sent could not be finished. */
  readonly complete: boolean
  /** Octets of the body that the system has taken. */
  readonly octets: number
  /** Why we could not go on, where it was us. */
  readonly failure: 'file-changed' | 'read-failed' | null
  readonly error?: unknown
}

const lengthOf = (body: Body): number => (body.kind === 'none' ? 0 : body.kind === 'octets' ? body.octets.length : body.octets)

/**
 * Sends an answer; resolves when it is out or its client gone, and its file is closed.
 * @param withBody false for HEAD
 */
export const deliver = async (exchange: Exchange, head: Head, { body, opened }: Reply, withBody: boolean): Promise<Delivery> => {
  if (body.kind === 'file' && withBody) return deliverFile(exchange, head, body)
  const ended = endOf(exchange)
  exchange.send(head, body.kind === 'octets' && withBody ? body.octets : '')
  const [outcome] = await Promise.all([ended, opened?.close()])
  const complete = outcome === 'sent'
  // Of a connection that broke nobody knows whether the system still reads from it.
  if (complete && body.kind === 'octets') body.release?.()
  return { complete, octets: complete && withBody ? lengthOf(body) : 0, failure: null }
}

const endOf = (exchange: Exchange): Promise<'sent' | 'aborted'> => new Promise((resolve) => exchange.onEnd(resolve))

/**
 * Streams a part of a file. The next part is read while the last one is on its way, so a client holds two buffers however slow it
 * is. Before the last part goes out the file is looked at again: when it was written to meanwhile the client must not take what
 * it has for the whole (it would be of two files), so the answer stays unfinished.
 */
const deliverFile = async (exchange: Exchange, head: Head, body: Extract<Body, { kind: 'file' }>): Promise<Delivery> => {
  const { file, octets } = body
  const ended = endOf(exchange)
  let sent = 0
  try {
    exchange.begin(head)
    let underWay: Promise<boolean> = Promise.resolve(true)
    let taken = false
    let keepsUp = false
    for (let at = 0; at < octets; ) {
      // A client that takes what it gets at once is given much at a time: a quarter of the work for each octet. One that does not,
      // and nobody knows that of a new one, holds two small buffers however slow it is.
      const buffers = keepsUp ? pools.large : pools.small
      const buffer = buffers.take()
      const { bytesRead } = await file.handle.read(buffer, 0, Math.min(buffers.octets, octets - at), body.from + at)
      at += bytesRead
      keepsUp = taken
      const changed = bytesRead === 0 || (at === octets && (await hasChanged(body)))
      const goesOn = await underWay
      if (changed || !goesOn) {
        buffers.give(buffer)
        return { complete: false, octets: sent, failure: changed && goesOn ? 'file-changed' : null }
      }
      taken = false
      underWay = exchange.write(buffer.subarray(0, bytesRead)).then((whole) => {
        buffers.give(buffer)
        taken = true
        if (whole) sent += bytesRead
        return whole
      })
    }
    if (await underWay) exchange.finish()
    const complete = (await ended) === 'sent'
    return { complete, octets: sent, failure: null }
  } catch (error) {
    return { complete: false, octets: sent, failure: 'read-failed', error }
  } finally {
    await file.close()
  }
}

const hasChanged = async ({ file }: Extract<Body, { kind: 'file' }>): Promise<boolean> => {
  const now = await file.handle.stat()
  return now.size !== file.stat.octets || now.mtimeMs !== file.stat.modifiedMs
}
