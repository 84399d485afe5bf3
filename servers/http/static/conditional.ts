/** Conditional requests (RFC 9110 §13), in the order of §13.2.2. */
import { readHttpDate } from '../dates.ts'

/** What tells one state of a resource from another. */
export interface Validators {
  /** A strong entity tag with its quotes. */
  readonly etag: string
  /** As `Last-Modified` says it: whole seconds, never in the future. */
  readonly modifiedMs: number
}

/** The request's fields that make it conditional, as received. */
export interface Conditions {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly ifModifiedSince: string | undefined
  readonly ifUnmodifiedSince: string | undefined
}

/** `failed`: 412; `unchanged`: 304 to GET and HEAD. */
export type Verdict = 'proceed' | 'unchanged' | 'failed'

/** One tag and what separates it from the next: `W/"…"`, `"…"` (RFC 9110 §8.8.3; empty list elements §5.6.1.2). */
const tagPattern = /[\t ,]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[\t ]*(?=,|$)/y
const restPattern = /[\t ,]*$/y

/** The tags of a list; null for what is no list of tags. */
export const readTags = (text: string): readonly string[] | null => {
  const tags: string[] = []
  let at = 0
  for (;;) {
    tagPattern.lastIndex = at
    const [whole, tag] = tagPattern.exec(text) ?? []
    if (whole === undefined || tag === undefined) break
    tags.push(tag)
    at += whole.length
  }
  restPattern.lastIndex = at
  return tags.length > 0 && restPattern.test(text) ? tags : null
}

const withoutWeakness = (tag: string): string => (tag.startsWith('W/') ? tag.slice(2) : tag)

/** Strong comparison (RFC 9110 §8.8.3.2): ours is strong, so a weak one never equals it. */
const matchesStrongly = (text: string, etag: string): boolean => text.trim() === '*' || (readTags(text)?.includes(etag) ?? false)

/** Weak comparison: what a list that cannot be read says is not known, so the client gets the whole. */
const matchesWeakly = (text: string, etag: string): boolean =>
  text === etag || text.trim() === '*' || (readTags(text)?.some((tag) => withoutWeakness(tag) === etag) ?? false)

/** What the conditions come to for a GET or HEAD of a resource that exists. */
export const judge = (conditions: Conditions, validators: Validators, nowMs: number): Verdict => {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions
  const date = (text: string | undefined): number | null => (text === undefined ? null : readHttpDate(text, nowMs))
  if (ifMatch !== undefined) {
    if (!matchesStrongly(ifMatch, validators.etag)) return 'failed'
  } else {
    const until = date(ifUnmodifiedSince)
    if (until !== null && validators.modifiedMs > until) return 'failed'
  }
  if (ifNoneMatch !== undefined) return matchesWeakly(ifNoneMatch, validators.etag) ? 'unchanged' : 'proceed'
  const since = date(ifModifiedSince)
  return since !== null && validators.modifiedMs <= since ? 'unchanged' : 'proceed'
}

/**
 * Whether a `Range` counts, by `If-Range` (RFC 9110 §13.1.5): only with a strong validator. A date is one when it is exactly ours and
 * the second that it covers was over when we looked (§8.8.2.2).
 */
export const rangeCounts = (ifRange: string | undefined, validators: Validators, nowMs: number): boolean => {
  if (ifRange === undefined) return true
  const value = ifRange.trim()
  if (value.endsWith('"')) return value === validators.etag
  return readHttpDate(value, nowMs) === validators.modifiedMs && nowMs - validators.modifiedMs >= 1_000
}
