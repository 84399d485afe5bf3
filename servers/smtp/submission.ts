/** What submission asks of whoever sends (RFC 6409): a login, and a sender that is theirs. */
import { mayLogIn, maySecure } from './login.ts'
import type { Reply } from './replies.ts'
import * as replies from './replies.ts'
import type { Sender, Situation } from './session.ts'

/** What to do before MAIL, where nobody has logged in (RFC 6409 §4.3). */
export const howToLogIn = (situation: Situation): Reply => {
  if (mayLogIn(situation)) return replies.loginFirst
  return maySecure(situation) ? replies.tlsFirst : replies.noWayIn
}

/**
 * Whether an account may send in this name (RFC 6409 §6.1): mail to it would reach the account. The null sender is everybody's, as
 * clients use it for receipts (RFC 8098 §2.1).
 * @throws {DeskError}
 */
export const owns = async ({ desk }: Situation, account: string, { address }: Sender): Promise<boolean> => {
  if (address === '') return true
  const answer = await desk.recipient(address)
  return answer.outcome === 'local' && answer.accounts.includes(account)
}
