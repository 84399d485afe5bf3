/** BDAT: a message in chunks of counted octets (RFC 3030 §2). */
import type { Parsed } from './command.ts'
import * as replies from './replies.ts'
import type { Chunk, In, Outcome, Session, Situation } from './session.ts'

/** The states in which it is looked at: all in which there are commands, as its octets follow it in each. */
export const chunkStates = ['connected', 'ready', 'mail', 'rcpt', 'chunks', 'chunks-refused'] as const

/** What BDAT said. */
export interface ChunkArguments {
  /** Null: it cannot be told, so neither can where the next command begins. */
  readonly octets: number | null
  readonly last: boolean
  /** Whether there is more than belongs there. */
  readonly malformed: boolean
}

/** What is beyond it nobody sends; and it has to be exact, as a number. */
const maxDigits = 15

// bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF; chunk-size = 1*DIGIT, end-marker = "LAST"
export const readChunk = (text: string): Parsed<ChunkArguments> => {
  const [count = '', ...more] = text.split(/ +/)
  const last = more.length === 1 && more[0]?.toUpperCase() === 'LAST'
  const isCount = /^\d+$/.test(count) && count.length <= maxDigits
  return { value: { octets: isCount ? Number(count) : null, last, malformed: more.length > 0 && !last } }
}

/** What is wrong with a chunk here and now; null: it is taken. */
const fault = ({ options }: Situation, session: Exclude<In<(typeof chunkStates)[number]>, { state: 'chunks-refused' }>) => {
  if (session.state === 'connected') return replies.helloFirst(options.mode)
  if (session.state === 'ready') return replies.senderFirst
  return session.state === 'mail' ? replies.noRecipients(options.mode) : null
}

/**
 * Decides about a chunk; its octets are read in any case, and dropped where it is refused, since they may have been sent with it
 * (RFC 3030 §2). After a chunk that was refused the message is given up.
 */
export const bdat = (
  situation: Situation,
  session: In<(typeof chunkStates)[number]>,
  { octets, last, malformed }: ChunkArguments,
): Outcome => {
  if (octets === null) return { reply: replies.chunkUnreadable, next: { state: 'closed', why: 'bad-chunk' } }
  const chunk = { octets, last, taken: false }
  if (session.state === 'chunks-refused') return refusedAgain(session, chunk)
  const problem = malformed ? replies.wants('BDAT octets [LAST]') : fault(situation, session)
  if (problem === null && (session.state === 'rcpt' || session.state === 'chunks'))
    return { reply: replies.chunkTaken(octets), next: { ...session, state: 'chunks' }, chunk: { ...chunk, taken: true } }
  return refuseChunk(situation, session, chunk, problem ?? replies.failed)
}

/** Refuses a chunk, and with it the message. */
export const refuseChunk = ({ options }: Situation, session: Session, chunk: Chunk, reply: replies.Reply): Outcome => {
  const refused: Outcome = { reply, chunk: { ...chunk, taken: false } }
  if (!('account' in session)) return refused
  const { client, account } = session
  // RFC 2033 §4.3: a reply for each recipient that was taken, once the last chunk has come.
  const count = options.mode === 'lmtp' && 'recipients' in session ? session.recipients.length : 1
  if (chunk.last)
    return { ...refused, more: Array<replies.Reply>(count - 1).fill(reply), next: { state: 'ready', client, account } }
  return { ...refused, next: { state: 'chunks-refused', client, account, refusal: reply, replies: count } }
}

/** Those that were sent behind a refused chunk get its reply, and are held against nobody (RFC 3030 §2). */
const refusedAgain = (session: In<'chunks-refused'>, chunk: Chunk): Outcome => {
  const { client, account, refusal } = session
  const again: Outcome = { reply: refusal, chunk, excused: true }
  if (!chunk.last) return again
  return { ...again, more: Array<replies.Reply>(session.replies - 1).fill(refusal), next: { state: 'ready', client, account } }
}
