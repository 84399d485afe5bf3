/** Which of the forms that we have the client likes best (RFC 9110 §12.5.1). */

interface MediaRange {
  readonly type: string
  readonly subtype: string
  readonly quality: number
}

const rangePattern = /^([!#$%&'*+.^_`|~0-9a-z-]+)\/([!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:;(.*))?$/i
const qualityPattern = /(?:^|;)\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)/i

const readRanges = (accept: string): readonly MediaRange[] =>
  accept.split(',').flatMap((part): MediaRange[] => {
    const [whole, type = '', subtype = '', parameters = ''] = rangePattern.exec(part.trim()) ?? []
    if (whole === undefined) return []
    const quality = Number(qualityPattern.exec(parameters)?.[1] ?? 1)
    return [{ type: type.toLowerCase(), subtype: subtype.toLowerCase(), quality }]
  })

/** How well a range fits: exactly, by its type, by anything; null when it does not. */
const closeness = ({ type, subtype }: MediaRange, offer: string): number | null => {
  if (`${type}/${subtype}` === offer) return 2
  if (subtype !== '*') return null
  if (type === '*') return 0
  return offer.startsWith(`${type}/`) ? 1 : null
}

const qualityOf = (ranges: readonly MediaRange[], offer: string): number => {
  let best = { closeness: -1, quality: 0 }
  for (const range of ranges) {
    const fit = closeness(range, offer)
    if (fit !== null && fit > best.closeness) best = { closeness: fit, quality: range.quality }
  }
  return best.quality
}

/**
 * The best of our forms: the one of the highest quality, among equals the first. The first too when the client wants none of them:
 * an error must be told in some form (RFC 9110 §12.4.1 lets a server disregard the field).
 * @param offers media types in lower case, at least one, the preferred one first
 */
export const preferred = <Offer extends string>(accept: string | undefined, offers: readonly [Offer, ...Offer[]]): Offer => {
  if (accept === undefined) return offers[0]
  const ranges = readRanges(accept)
  let best: { offer: Offer; quality: number } = { offer: offers[0], quality: 0 }
  for (const offer of offers) {
    const quality = qualityOf(ranges, offer)
    if (quality > best.quality) best = { offer, quality }
  }
  return best.offer
}

/** Whether the client names this very type and takes it, not only one of any. @param offer in lower case */
export const namesType = (accept: string | undefined, offer: string): boolean =>
  accept !== undefined && readRanges(accept).some(({ type, subtype, quality }) => `${type}/${subtype}` === offer && quality > 0)
