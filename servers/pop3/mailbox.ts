/** What a client does with its mailbox. */
import { type StoredMessage, StoreError } from '../../shared/mail/mail-store.ts'
import * as journal from './journal.ts'
import type { MarkedMaildrop } from './marked-maildrop.ts'
import { replies } from './replies.ts'
import { type Client, closed, type In, type Outcome } from './session.ts'
import { top as topOf } from './top.ts'

type Transaction = In<'transaction'>

/** Answers with `act` for a message that is there, else with why it is not. */
const withMessage = (maildrop: MarkedMaildrop, number: number, act: (message: StoredMessage) => Outcome): Outcome => {
  const found = maildrop.find(number)
  if (found === 'missing') return { reply: replies.noMessage(maildrop.highest) }
  if (found === 'marked') return { reply: replies.alreadyMarked(number) }
  return act(found)
}

/** One line for each message that is not marked. */
function* linesOf(maildrop: MarkedMaildrop, value: (message: StoredMessage) => number | string): Generator<string> {
  for (const [number, message] of maildrop.each()) yield `${number} ${value(message)}`
}

export const stat = ({ maildrop }: Transaction): Outcome => ({ reply: replies.stat(maildrop.count, maildrop.octets) })

export const list = ({ maildrop }: Transaction, number: number | null): Outcome =>
  number === null
    ? {
        reply: replies.listing(
          maildrop.count,
          maildrop.octets,
          linesOf(maildrop, ({ octets }) => octets),
        ),
      }
    : withMessage(maildrop, number, ({ octets }) => ({ reply: replies.listed(number, octets) }))

export const uidl = ({ maildrop }: Transaction, number: number | null): Outcome =>
  number === null
    ? { reply: replies.uidls(linesOf(maildrop, (message) => message.uidl)) }
    : withMessage(maildrop, number, (message) => ({ reply: replies.listed(number, message.uidl) }))

/**
 * The octets told are those that are stored, as in STAT and LIST. A message whose last line has no end gets CRLF before the dot
 * that ends the reply (RFC 1939 §3); those two are counted nowhere.
 */
export const retr = ({ maildrop }: Transaction, number: number, { tally }: Client): Outcome =>
  withMessage(maildrop, number, (message) => ({
    reply: replies.message(message.octets, maildrop.octetsOf(message), (octets) => {
      tally.messages += 1
      tally.octets += octets
    }),
  }))

export const top = ({ maildrop }: Transaction, [number, lines]: readonly [number, number], { tally }: Client): Outcome =>
  withMessage(maildrop, number, (message) => ({
    reply: replies.top(topOf(maildrop.read(message), lines), (octets) => {
      tally.octets += octets
    }),
  }))

export const dele = ({ maildrop }: Transaction, number: number): Outcome =>
  withMessage(maildrop, number, () => {
    maildrop.mark(number)
    return { reply: replies.marked(number) }
  })

export const rset = ({ maildrop }: Transaction): Outcome => {
  maildrop.unmarkAll()
  return { reply: replies.reset(maildrop.count, maildrop.octets) }
}

export const noop = (): Outcome => ({ reply: replies.nothing })

/** Before a login it only ends the session; after one it enters the UPDATE state (RFC 1939 §6): all marked messages go, or none. */
export const quit = async (session: In<'authorization' | 'transaction'>, _none: null, client: Client): Promise<Outcome> => {
  const next = closed('quit')
  if (session.state === 'authorization') return { reply: replies.goodbye, next }
  const { maildrop } = session
  try {
    client.tally.deleted = await maildrop.removeMarked()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    journal.storeFailed(client.connection.log.with({ account: maildrop.account }), 'QUIT', error.code, error)
    return { reply: replies.notRemoved(error.code), next }
  }
  return { reply: client.tally.deleted === 0 ? replies.goodbye : replies.removed(client.tally.deleted), next }
}
