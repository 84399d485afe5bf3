/**
 * A login by SCRAM-SHA-256 as a child carries it, the same for every protocol: reads what the client says, asks the desk, tells
 * what to say. Keys stay at the desk. Channel binding is not offered: a client that binds anyway is refused, one that would have
 * (`y`) finds that true (RFC 5802 §6).
 */
import type { Desk, LoginAnswer, LoginOrigin } from './desk.ts'
import { readClientFinal, readClientFirst } from './scram-messages.ts'

/** What follows in a login; texts are without base64. */
export type ScramNext =
  /** Say this, and go on with what the client answers. Rejects with a `DeskError`. */
  | { readonly kind: 'ask'; readonly text: string; readonly answered: (answer: string) => ScramNext | Promise<ScramNext> }
  /** It is over. */
  | { readonly kind: 'over'; readonly name: string; readonly answer: LoginAnswer }
  /** It is no message of the mechanism, or one that is not for us. */
  | { readonly kind: 'garbled' }
  /** It wants to act for another account. */
  | { readonly kind: 'for-another'; readonly name: string }

export const scramMechanism = 'SCRAM-SHA-256'

const garbled: ScramNext = { kind: 'garbled' }

/**
 * Takes the first message of a client.
 * @throws {DeskError} the desk could not be asked, as later steps may
 */
export const beginScram = async (desk: Desk, origin: LoginOrigin, text: string): Promise<ScramNext> => {
  const first = readClientFirst(text)
  if (first === null || first.binding === 'p') return garbled
  const { name, authorization, header } = first
  if (authorization !== '' && authorization !== name) return { kind: 'for-another', name }
  const begun = await desk.scram({ step: 'first', ...origin, name, nonce: first.nonce, bare: first.bare })
  if (begun.outcome !== 'challenge') return { kind: 'over', name, answer: begun }
  const { exchange, nonce, message } = begun
  const finish = async (answer: string): Promise<ScramNext> => {
    const final = readClientFinal(answer)
    if (final === null || final.nonce !== nonce || final.binding !== header) return garbled
    const verdict = await desk.scram({ step: 'final', exchange, withoutProof: final.withoutProof, proof: final.proof })
    if (verdict.outcome === 'challenge') throw new TypeError('the desk answered a last message as a first one')
    if (verdict.outcome !== 'accepted') return { kind: 'over', name, answer: verdict }
    // Neither POP3 nor SMTP has room for data beside its word of success: they are asked like a question, whose answer is empty
    // (RFC 5034 §4, RFC 4954 §4).
    const { account, signature } = verdict
    const confirmed = (empty: string): ScramNext =>
      empty === '' ? { kind: 'over', name, answer: { outcome: 'accepted', account } } : garbled
    return { kind: 'ask', text: `v=${signature}`, answered: confirmed }
  }
  return { kind: 'ask', text: message, answered: finish }
}
