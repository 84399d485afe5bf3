/** Puts an answer on the wire. */
import { modifiedMsOf } from '../../shared/files/file-stat.ts'
import type { Connection } from '../../shared/service.ts'
import { type Delivery, type Exchange, endOf, type Head } from './exchange.ts'
import type { Body, Reply } from './replies.ts'
import { lendingFor } from './static/buffers.ts'
import type { RangePart } from './static/multipart.ts'
import { deliverStream } from './stream-delivery.ts'
import { tunnel } from './tunnel.ts'

/** How an answer is to be delivered. */
export interface Manner {
  /** False for HEAD. */
  readonly withBody: boolean
  /** Its signal aborts when the conversation has to end. */
  readonly connection: Pick<Connection, 'signal'>
}

/** Of a body that goes out with its head. */
const lengthOf = (body: Body): number => (body.kind === 'octets' ? body.octets.length : 0)

/** Sends an answer; resolves when it is out or its client gone, and its file is closed, its stream read or destroyed. */
export const deliver = async (exchange: Exchange, head: Head, { body, opened }: Reply, manner: Manner): Promise<Delivery> => {
  const { withBody, connection } = manner
  if (body.kind === 'stream') return deliverStream(exchange, head, body.content, withBody)
  if (body.kind === 'upgraded') return tunnel(exchange, head, body, connection.signal)
  if ((body.kind === 'file' || body.kind === 'parts') && withBody) return deliverFile(exchange, head, body)
  const ended = endOf(exchange)
  exchange.send(head, body.kind === 'octets' && withBody ? body.octets : '')
  const [outcome] = await Promise.all([ended, opened?.close()])
  const complete = outcome === 'sent'
  // Of a connection that broke nobody knows whether the system still reads from it.
  if (complete && body.kind === 'octets') body.release?.()
  return { complete, octets: complete && withBody ? lengthOf(body) : 0, failure: null }
}

type FileBody = Extract<Body, { kind: 'file' | 'parts' }>

/** What is to be read and sent, in pieces as large as the buffers. */
class Reading {
  readonly #body: FileBody
  readonly #parts: readonly RangePart[]
  #part = 0
  /** Octets of this part that were read. */
  #at = 0

  constructor(body: FileBody) {
    this.#body = body
    this.#parts = body.kind === 'parts' ? body.parts : [{ head: nothing, from: body.from, octets: body.octets }]
  }

  get done(): boolean {
    return this.#part === this.#parts.length
  }

  /** Whether the file was written to since its length and date were told. */
  get changed(): boolean {
    const { handle, stat } = this.#body.file
    const now = handle.stat()
    return now.size !== stat.octets || modifiedMsOf(now) !== stat.modifiedMs
  }

  /** Fills a buffer with what comes next. @returns octets; none when the file has ended too early */
  async next(buffer: Buffer): Promise<number> {
    const part = this.#parts[this.#part]
    if (part === undefined) return 0
    const begin = this.#at === 0 ? part.head.copy(buffer) : 0
    const wanted = Math.min(buffer.length - begin, part.octets - this.#at)
    // The end of several parts has no octets of the file.
    const { bytesRead } =
      wanted > 0 ? await this.#body.file.handle.read(buffer, begin, wanted, part.from + this.#at) : { bytesRead: 0 }
    if (bytesRead === 0 && wanted > 0) return 0
    this.#at += bytesRead
    if (this.#at === part.octets) {
      this.#part += 1
      this.#at = 0
    }
    return begin + bytesRead
  }
}

const nothing = Buffer.alloc(0)

/**
 * Streams parts of a file. The next part is read while the last one is on its way, so a client holds two buffers however slow it
 * is. Before the last part goes out the file is looked at again: when it was written to meanwhile the client must not take what
 * it has for the whole (it would be of two files), so the answer stays unfinished.
 */
const deliverFile = async (exchange: Exchange, head: Head, body: FileBody): Promise<Delivery> => {
  const { file } = body
  const ended = endOf(exchange)
  let sent = 0
  try {
    exchange.begin(head)
    let underWay: Promise<boolean> = Promise.resolve(true)
    let taken = false
    let keepsUp = false
    for (const reading = new Reading(body); !reading.done; ) {
      // Nobody knows of a new client whether it keeps up.
      const buffers = lendingFor(keepsUp)
      const buffer = buffers.take()
      let octets: number
      try {
        octets = await reading.next(buffer)
      } catch (error) {
        buffers.give(buffer)
        throw error
      }
      keepsUp = taken
      const changed = octets === 0 || (reading.done && reading.changed)
      const goesOn = await underWay
      if (changed || !goesOn) {
        buffers.give(buffer)
        return { complete: false, octets: sent, failure: changed && goesOn ? 'file-changed' : null }
      }
      taken = false
      underWay = exchange.write(buffer.subarray(0, octets)).then((whole) => {
        // Of an answer that broke off nobody knows whether the system still reads from it.
        if (whole) buffers.give(buffer)
        else buffers.lose()
        taken = true
        if (whole) sent += octets
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
