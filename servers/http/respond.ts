/** The way of one request to its answer and into the journal, whichever engine brought it. */
import type { LineFile } from '../../shared/log/journal.ts'
import type { Connection } from '../../shared/service.ts'
import { askerOf } from './asker.ts'
import { ContentStream } from './content.ts'
import { deliver } from './delivery.ts'
import type { Delivery, Exchange } from './exchange.ts'
import * as journal from './journal.ts'
import { discard, failure, type Reply } from './replies.ts'
import { answer, type Rules } from './request.ts'
import type { Trust } from './routing/trust.ts'
import { reasonOf } from './statuses.ts'
import { tellHead, tellRequest } from './transcript.ts'

/** What all answers of a service go by. */
export interface Answering {
  readonly rules: Rules
  readonly access: LineFile
  /** Who is believed what a request is called, and whom it came from. */
  readonly trust: Trust
}

/** A request that came. */
export interface Arrival {
  readonly exchange: Exchange
  /** The request's: see `requestId`. */
  readonly id: string
  /** When (`performance.now()`). */
  readonly arrivedAt: number
  /** By what its answer is known to the next one that is the same; absent where it cannot be. */
  known?: string
}

/** The connection that requests come on, as far as their answers need it. */
export interface Bearer {
  readonly connection: Connection
  readonly answering: Answering
  /** Whether nobody is there any more to take the answer to this request. */
  gone(exchange: Exchange): boolean
  /** The client has all of the answer. */
  answered?(arrival: Arrival, reply: Reply): void
  /** Header fields that the connection adds to the answer; asked once, when the answer is about to go out. */
  connectionFields(exchange: Exchange, reply: Reply): readonly string[]
}

/**
 * What became of an answer. `sent`: the system has taken all of it; `cut`: it began and could not be finished, which the client learns
 * only by the end of its connection or stream (RFC 9112 §8, RFC 9113 §8.1); `none`: the client was gone before.
 */
export type Outcome = 'sent' | 'cut' | 'none'

/** The outcome of a request that got no answer. */
const unanswered = { status: null, octets: 0, complete: false } as const

/** Answers one request and journals it; resolves when its answer is out, or its client gone, and its file is closed. */
export const respond = async (arrival: Arrival, bearer: Bearer): Promise<Outcome> => {
  try {
    return await answerAndRecord(arrival, bearer)
  } catch (error) {
    // Not even the way out worked, whatever it is: this request fails, the server goes on.
    journal.failed(bearer.connection, arrival.exchange, error)
    leaveUnanswered(arrival, bearer)
    return 'cut'
  }
}

/** Journals a request that gets no answer any more. */
export const leaveUnanswered = (arrival: Arrival, bearer: Bearer): void => record(arrival, bearer, unanswered)

const answerAndRecord = async (arrival: Arrival, bearer: Bearer): Promise<Outcome> => {
  const { exchange, id } = arrival
  const { connection } = bearer
  const { transcript } = connection
  if (transcript !== null) tellRequest(transcript, exchange)
  const reply = await replyTo(arrival, bearer)
  if (transcript !== null) transcript.content('client', receivedOctets(exchange))
  if (bearer.gone(exchange)) {
    await discard(reply)
    leaveUnanswered(arrival, bearer)
    return 'none'
  }
  if (reply.limit !== undefined) connection.overLimit(reply.limit)
  const fields = [...reply.fields, 'X-Request-Id', id, ...bearer.connectionFields(exchange, reply)]
  const head = { status: reply.status, reason: reply.reason ?? reasonOf(reply.status), fields }
  const delivering = deliver(exchange, head, reply, { withBody: exchange.method !== 'HEAD', connection })
  if (transcript !== null) tellHead(transcript, exchange, head)
  const delivery = await delivering
  if (transcript !== null) transcript.content('server', delivery.octets)
  const { octets, complete } = delivery
  record(arrival, bearer, { status: reply.status, octets, complete, account: reply.account })
  if (complete) bearer.answered?.(arrival, reply)
  return delivery.complete ? 'sent' : cut(arrival, bearer, delivery)
}

/** Content that somebody read. */
const receivedOctets = (exchange: Exchange): number => {
  // Only who asks for the content takes it: that nobody did is looked at first.
  const content = exchange.contentTaken ? exchange.content : null
  return content instanceof ContentStream ? content.octets : 0
}

const replyTo = async ({ exchange, id }: Arrival, { connection, answering }: Bearer): Promise<Reply> => {
  try {
    const reply = await answer(exchange, id, connection, answering.rules)
    if (reply.cause !== undefined) journal.failed(connection, exchange, reply.cause)
    return reply
  } catch (error) {
    // Whatever it is: this request fails, the server goes on.
    journal.failed(connection, exchange, error)
    return failure(500, askerOf(exchange, id, connection.id))
  }
}

const cut = ({ exchange }: Arrival, { connection }: Bearer, { failure: reason, error }: Delivery): Outcome => {
  if (reason !== null) journal.cutShort(connection, exchange, reason, error)
  return 'cut'
}

const record = ({ exchange, id, arrivedAt }: Arrival, { connection, answering }: Bearer, outcome: RecordedOutcome): void => {
  if (connection.probe) return
  journal.request(connection, answering.access, journal.askedBy(exchange), {
    ...outcome,
    id,
    received: receivedOctets(exchange),
    client: answering.trust.clientOf(exchange, connection),
    durationMs: performance.now() - arrivedAt,
  })
}

type RecordedOutcome = Omit<journal.Finished, 'durationMs' | 'id' | 'received' | 'client'>
