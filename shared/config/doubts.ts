/** Settings that can be used, and hardly do what was meant. */
import type { Settings } from './settings.ts'

/** Mail programs look for mail less often than this. */
const shortAgeMs = 3_600_000

/** A sentence for each. */
export const doubtsOf = ({ mail: { retention, quota, maxSizeOctets } }: Settings): readonly string[] => {
  const { ageMs, messages, octets } = retention
  const doubts: string[] = []
  if (ageMs !== null && ageMs < shortAgeMs)
    doubts.push(`mail.retention.age is ${Math.round(ageMs / 60_000)} minutes: mail may be removed before anybody has fetched it`)
  if (messages !== null && messages >= quota.messages)
    doubts.push(`mail.retention.messages is never reached: at mail.quota.messages, which is ${quota.messages}, mail is refused`)
  if (octets !== null && octets >= quota.octets)
    doubts.push(`mail.retention.size is never reached: at mail.quota.bytes, which is ${quota.octets}, mail is refused`)
  if (octets !== null && octets < maxSizeOctets)
    doubts.push(
      `mail.retention.size is less than mail.maxSize, which is ${maxSizeOctets}: a large message may be removed as soon as it has come`,
    )
  return doubts
}
