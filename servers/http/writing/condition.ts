/** What the conditions of a request that changes something come to (RFC 9110 §13.2.2): there is no 304 among the answers. */
import { readHttpDate } from '../dates.ts'
import { type Conditions, readTags, type Validators } from '../static/conditional.ts'

/** What stands at the address now: nothing, a folder, which has no validators, or a file. */
export type Present =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly validators: Validators; readonly octets: number }

const isAny = (text: string): boolean => text.trim() === '*'

const validatorsOf = (present: Present): Validators | null => (present.kind === 'file' ? present.validators : null)

/** The tag of the file behind that of one of its compressed forms, which a client that takes those has got. */
const ofFile = (tag: string): string => tag.replace(/\.[\w-]+"$/, '"')

/** If-Match, strongly compared: our tags are strong. */
const isMatched = (text: string, present: Present): boolean => {
  if (isAny(text)) return present.kind !== 'nothing'
  const validators = validatorsOf(present)
  return validators !== null && (readTags(text)?.some((tag) => ofFile(tag) === validators.etag) ?? false)
}

/** If-None-Match, weakly compared: whether what is there is among what must not be there. */
const isNamed = (text: string, present: Present): boolean => {
  if (isAny(text)) return present.kind !== 'nothing'
  const validators = validatorsOf(present)
  return validators !== null && (readTags(text)?.some((tag) => ofFile(tag.replace(/^W\//, '')) === validators.etag) ?? false)
}

/** Whether the change may be made. If-Modified-Since is for GET and HEAD alone (RFC 9110 §13.1.3). */
export const mayChange = (conditions: Conditions, present: Present, nowMs: number): boolean => {
  const { ifMatch, ifNoneMatch, ifUnmodifiedSince } = conditions
  if (ifMatch !== undefined) {
    if (!isMatched(ifMatch, present)) return false
  } else if (ifUnmodifiedSince !== undefined) {
    const until = readHttpDate(ifUnmodifiedSince, nowMs)
    const modifiedMs = validatorsOf(present)?.modifiedMs ?? null
    if (until !== null && modifiedMs !== null && modifiedMs > until) return false
  }
  return ifNoneMatch === undefined || !isNamed(ifNoneMatch, present)
}

/** Whether nothing may stand there yet. */
export const onlyIfNew = ({ ifNoneMatch }: Conditions): boolean => ifNoneMatch !== undefined && isAny(ifNoneMatch)
