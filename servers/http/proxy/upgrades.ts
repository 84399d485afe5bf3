/** Other protocols that a connection may go over to by way of an upstream server (RFC 9110 §7.8). */
import type { Exchange } from '../exchange.ts'

/**
 * What is another HTTP, or hides one: requests in it would come to the upstream server past all that is asked of them here.
 */
const neverPassed = /^(?:h2c?|http|https|tls)(?:\/|$)/i

const listOf = (value: string): string[] =>
  value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

/** The protocols that the upstream server is asked for, as a value of `Upgrade`; null: none. */
export const upgradesOf = ({ upgrade }: Exchange): string | null => {
  const passed = listOf(upgrade?.protocols ?? '').filter((protocol) => !neverPassed.test(protocol))
  return passed.length === 0 ? null : passed.join(', ')
}

/** Whether an upstream server goes over to what it was asked for, in the letters of either case. */
export const wasAsked = (asked: string, answered: string): boolean => {
  const wanted = listOf(asked.toLowerCase())
  const given = listOf(answered.toLowerCase())
  return given.length > 0 && given.every((protocol) => wanted.includes(protocol))
}
