/** Fields that belong to one connection and are not passed on (RFC 9110 §7.6.1). */

/**
 * What is about the connection itself, whether `Connection` names it or not. `Trailer`: trailers are not passed on (RFC 9110 §6.5.1 lets a
 * recipient drop them). The fields of proxy authentication are meant for the first proxy (RFC 9110 §11.7), which we are.
 */
const always: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'trailer',
  'upgrade',
  'http2-settings',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
])

/** The names that the values of `Connection` list, in lower case; null: none. */
const namedIn = (fields: readonly string[]): ReadonlySet<string> | null => {
  let names: Set<string> | null = null
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.length !== 10 || fields[at]?.toLowerCase() !== 'connection') continue
    names ??= new Set()
    for (const name of (fields[at + 1] ?? '').split(',')) names.add(name.trim().toLowerCase())
  }
  return names
}

/**
 * The fields that go further.
 * @param fields names and values in turn
 * @param also drops this one too, by its lower-case name
 */
export const endToEnd = (fields: readonly string[], also: (name: string) => boolean): string[] => {
  const named = namedIn(fields)
  const passed: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    const lower = name.toLowerCase()
    if (always.has(lower) || named?.has(lower) === true || also(lower)) continue
    passed.push(name, fields[at + 1] ?? '')
  }
  return passed
}
