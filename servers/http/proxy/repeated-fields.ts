/** Fields of an answer that an upstream server says more than once (RFC 9110 §5.3). */

/** Those that have one value: of several, clients would choose, each its own, and HTTP/2 has no word for it. The first counts. */
const single: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-allow-origin',
  'access-control-max-age',
  'age',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'date',
  'etag',
  'expires',
  'last-modified',
  'location',
  'retry-after',
  'server',
  'strict-transport-security',
  'x-content-type-options',
])

/** Lists that the engine of HTTP/2 takes in one line only. */
const joined: ReadonlySet<string> = new Set(['content-encoding', 'content-language'])

/** The fields, names and values in turn, each in as many lines as it may have. */
export const onceEach = (fields: readonly string[]): string[] => {
  const kept: string[] = []
  const seen = new Map<string, number>()
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    const value = fields[at + 1] ?? ''
    const lower = name.toLowerCase()
    const isJoined = joined.has(lower)
    const before = isJoined || single.has(lower) ? seen.get(lower) : undefined
    if (before === undefined) {
      seen.set(lower, kept.length)
      kept.push(name, value)
    } else if (isJoined) kept[before + 1] = `${kept[before + 1]}, ${value}`
  }
  return kept
}
