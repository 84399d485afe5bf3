/** Certificates of the operator's that clients refuse for their dates, or soon will. */
import type { ReadKey } from '../../shared/tls/certified-key.ts'

/** The operator hears of files whose certificate has less left than this. */
const endsSoonMs = 14 * 24 * 60 * 60 * 1000

/** A certificate of the operator's with something about its dates. */
export interface DateTrouble {
  readonly setting: string
  readonly file: string
  readonly pair: ReadKey
  readonly state: 'expired' | 'ends-soon' | 'not-yet'
}

/** What is wrong with the dates, or null. */
export const dateState = ({ validFromMs, validToMs }: ReadKey, nowMs: number): DateTrouble['state'] | null => {
  if (validToMs <= nowMs) return 'expired'
  if (validFromMs > nowMs) return 'not-yet'
  return validToMs - nowMs < endsSoonMs ? 'ends-soon' : null
}

const dateTexts: Record<DateTrouble['state'], (from: string, until: string) => string> = {
  expired: (_from, until) => `expired on ${until}: clients refuse it`,
  'ends-soon': (_from, until) => `ends on ${until}: renew it`,
  'not-yet': (from) => `is not valid before ${from}: clients refuse it, or the clock is wrong`,
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** For people. */
export const dateText = ({ setting, file, pair, state }: DateTrouble): string =>
  `${setting}.certificate: ${file} ${dateTexts[state](day(pair.validFromMs), day(pair.validToMs))}`
