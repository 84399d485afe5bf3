import type { RecipientAnswer } from '../../shared/accounts/desk.ts'

/** How long an answer holds: who sends many messages asks for the same mailboxes over and over, who removes an account waits longer. */
export const memoryMs = 250

/** So many addresses at most; then all are forgotten. */
const mostAddresses = 1_000

/**
 * Remembers for a moment where mail goes, and asks once where several ask at once. That somebody is not here is not remembered: a new
 * account gets its mail at once.
 * @param ask what the answers come from; a question that fails is asked again
 * @param now milliseconds, monotonic
 */
export const rememberRecipients = (
  ask: (address: string) => Promise<RecipientAnswer>,
  now: () => number = () => performance.now(),
): ((address: string) => Promise<RecipientAnswer>) => {
  const known = new Map<string, { readonly askedAt: number; readonly answer: Promise<RecipientAnswer> }>()
  return (address) => {
    const entry = known.get(address)
    if (entry !== undefined && now() - entry.askedAt < memoryMs) return entry.answer
    if (known.size >= mostAddresses) known.clear()
    const answer = ask(address)
    const fresh = { askedAt: now(), answer }
    const forget = () => {
      if (known.get(address) === fresh) known.delete(address)
    }
    known.set(address, fresh)
    answer.then(({ outcome }) => outcome !== 'local' && forget(), forget)
    return answer
  }
}
