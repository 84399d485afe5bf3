/** Byte ranges (RFC 9110 §14). */

/** What a `Range` field asks of a file. */
export type RangeReading =
  /** No range that we know: the field is ignored and the whole is sent (RFC 9110 §14.2). */
  | { readonly kind: 'whole' }
  /** `from` and `octets` lie inside the file; at least one octet. */
  | { readonly kind: 'part'; readonly from: number; readonly octets: number }
  /** 416: nothing of what is asked for exists. */
  | { readonly kind: 'unsatisfiable' }

const whole: RangeReading = { kind: 'whole' }

/** bytes-unit "=" range-set; units are compared without regard to case. */
const setPattern = /^bytes=(.*)$/i
/** int-range, suffix-range */
const specPattern = /^(\d*)-(\d*)$/

/** Positions beyond 2^53 lie beyond any file: which of two such numbers is larger does not matter to the answer. */
const position = (digits: string): number => Math.min(Number(digits), Number.MAX_SAFE_INTEGER)

/**
 * Reads `bytes=0-99`, `bytes=100-`, `bytes=-100`.
 * Several ranges are answered with the whole, as RFC 9110 §14.2 allows.
 * @param size octets of the file
 */
export const readRange = (text: string, size: number): RangeReading => {
  const set = setPattern.exec(text.trim())?.[1]
  if (set === undefined) return whole
  const specs = set.split(',').flatMap((spec) => spec.trim() || [])
  const [first = '', last = ''] = specs.length === 1 ? (specPattern.exec(specs[0] ?? '')?.slice(1) ?? []) : []
  if (first === '') return last === '' ? whole : suffix(position(last), size)
  const from = position(first)
  const to = last === '' ? Number.MAX_SAFE_INTEGER : position(last)
  if (to < from) return whole
  if (from >= size) return { kind: 'unsatisfiable' }
  return { kind: 'part', from, octets: Math.min(to, size - 1) - from + 1 }
}

const suffix = (octets: number, size: number): RangeReading => {
  if (octets === 0 || size === 0) return { kind: 'unsatisfiable' }
  return { kind: 'part', from: Math.max(0, size - octets), octets: Math.min(octets, size) }
}
