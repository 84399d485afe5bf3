/** Handlers of the commands that encrypt: AUTH, PBSZ, PROT and CCC (RFC 2228, RFC 4217). */
import type { Offered, Protection } from './grammar.ts'
import { replies } from './replies.ts'
import type { Outcome, State, Talk } from './session-state.ts'

/** AUTH. What was said before counts no more once TLS stands (RFC 4217 §4). */
export const auth = (_session: State, { value, name }: Offered<Protection>, { context, connection }: Talk): Outcome => {
  if (context.tls === 'off') return { reply: replies.notOffered('AUTH') }
  if (value === null) return { reply: replies.parameterNotOffered('AUTH', name) }
  if (connection.secure) return { reply: replies.encryptedAlready }
  return { reply: replies.beginTls, secures: value }
}

/** PBSZ. TLS needs no buffer: whatever is asked for, 0 is what holds (RFC 4217 §8). */
export const pbsz = (_session: State, _octets: number, { connection }: Talk): Outcome =>
  connection.secure ? { reply: replies.noProtectionBuffer, parameters: { bufferAgreed: true } } : { reply: replies.encryptFirst }

/** PROT. */
export const prot = (_session: State, { value, name }: Offered<Protection>, { connection, context, parameters }: Talk): Outcome => {
  if (!connection.secure) return { reply: replies.encryptFirst }
  if (!parameters.bufferAgreed) return { reply: replies.bufferFirst }
  if (value === null) {
    return { reply: ['S', 'E'].includes(name) ? replies.protectionNotOffered(name) : replies.parameterNotOffered('PROT', name) }
  }
  if (value === 'clear' && context.requireTls === 'always') return { reply: replies.dataInClearRefused }
  return { reply: replies.protection(value === 'private'), parameters: { protection: value } }
}

/** CCC: the control connection stays encrypted, or everybody on the way could give commands in the client's name (RFC 4217 §15.3). */
export const ccc = (_session: State, _none: null, { context, connection }: Talk): Outcome => {
  if (context.tls === 'off') return { reply: replies.notOffered('CCC') }
  return { reply: connection.secure ? replies.clearRefused : replies.encryptFirst }
}
