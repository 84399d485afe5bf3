/** Header fields as replies have them: names and values in turn. */

/** Without the fields of this name (lower case). */
export const without = (fields: readonly string[], name: string): string[] => {
  const kept: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const field = fields[at] ?? ''
    if (field.length !== name.length || field.toLowerCase() !== name) kept.push(field, fields[at + 1] ?? '')
  }
  return kept
}

/** With this value and no other. */
export const withField = (fields: readonly string[], name: string, value: string): string[] => [
  ...without(fields, name.toLowerCase()),
  name,
  value,
]

/** With these names in `Vary`, beside those that are there (RFC 9110 §12.5.5). */
export const varying = (fields: readonly string[], ...names: readonly string[]): string[] => {
  const all = new Map<string, string>()
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() !== 'vary') continue
    for (const name of (fields[at + 1] ?? '').split(',')) all.set(name.trim().toLowerCase(), name.trim())
  }
  if (all.has('*')) return [...fields]
  for (const name of names) if (!all.has(name.toLowerCase())) all.set(name.toLowerCase(), name)
  return withField(fields, 'Vary', [...all.values()].join(', '))
}
