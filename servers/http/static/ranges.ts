/** Byte ranges (RFC 9110 §14). */

/** Octets of a representation, all of them inside it, at least one. */
export interface Span {
  readonly from: number
  readonly octets: number
}

/** What a `Range` field asks of a representation. */
export type RangeReading =
  /** No range that we know, or a flood of them: the field is ignored and the whole is sent (RFC 9110 §14.2). */
  | { readonly kind: 'whole' }
  | ({ readonly kind: 'part' } & Span)
  /** At least two, in the order in which they were asked for; none touches another. */
  | { readonly kind: 'parts'; readonly parts: readonly Span[] }
  /** 416: nothing of what is asked for exists. */
  | { readonly kind: 'unsatisfiable' }

const whole: RangeReading = { kind: 'whole' }

/** Who asks for more parts at once than a reader of documents does wants to hurt (RFC 9110 §17.15). */
const mostRanges = 100

/** bytes-unit "=" range-set; units are compared without regard to case. */
const setPattern = /^bytes=(.*)$/i
/** int-range, suffix-range */
const specPattern = /^(\d*)-(\d*)$/

/** Positions beyond 2^53 lie beyond any file: which of two such numbers is larger does not matter to the answer. */
const position = (digits: string): number => Math.min(Number(digits), Number.MAX_SAFE_INTEGER)

/**
 * Reads `bytes=0-99`, `bytes=100-`, `bytes=-100`, and lists of them. What overlaps or adjoins becomes one (RFC 9110 §15.3.7.2), so no
 * octet is ever sent twice; one invalid range makes the field invalid.
 * @param size octets of the representation
 */
export const readRange = (text: string, size: number): RangeReading => {
  const set = setPattern.exec(text.trim())?.[1]
  if (set === undefined) return whole
  const specs = set.split(',').flatMap((spec) => spec.trim() || [])
  if (specs.length === 0 || specs.length > mostRanges) return whole
  const spans: Span[] = []
  for (const spec of specs) {
    const span = readSpec(spec, size)
    if (span === null) return whole
    if (span.octets > 0) spans.push(span)
  }
  const parts = spans.length > 1 ? merged(spans) : spans
  const [first, second] = parts
  if (first === undefined) return { kind: 'unsatisfiable' }
  return second === undefined ? { kind: 'part', ...first } : { kind: 'parts', parts }
}

/** Null for what is no range; no octets where it lies behind the end. */
const readSpec = (spec: string, size: number): Span | null => {
  const [, first = '', last = ''] = specPattern.exec(spec) ?? []
  if (first === '') {
    if (last === '') return null
    const octets = Math.min(position(last), size)
    return { from: size - octets, octets }
  }
  const from = position(first)
  const to = last === '' ? Number.MAX_SAFE_INTEGER : position(last)
  return to < from ? null : { from, octets: Math.max(0, Math.min(to, size - 1) - from + 1) }
}

/** What touches becomes one and stands where the first of it was asked for. */
const merged = (spans: readonly Span[]): readonly Span[] => {
  const groups: { from: number; to: number; at: number }[] = []
  for (const { from, octets, at } of spans.map((span, at) => ({ ...span, at })).sort((a, b) => a.from - b.from)) {
    const before = groups.at(-1)
    if (before === undefined || from > before.to) groups.push({ from, to: from + octets, at })
    else {
      before.to = Math.max(before.to, from + octets)
      before.at = Math.min(before.at, at)
    }
  }
  return groups.sort((a, b) => a.at - b.at).map(({ from, to }) => ({ from, octets: to - from }))
}
