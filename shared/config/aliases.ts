/** Aliases must come to an end: at accounts. */

/**
 * The loops among aliases, each told once, as the names along it: `sales → office → sales`. A name in its own list is one too.
 * @param aliases in lower case
 */
export const loops = (aliases: Readonly<Record<string, readonly string[]>>): readonly (readonly string[])[] => {
  const found: (readonly string[])[] = []
  const done = new Set<string>()
  const follow = (name: string, along: readonly string[]): void => {
    const start = along.indexOf(name)
    if (start !== -1) found.push([...along.slice(start), name])
    if (start !== -1 || done.has(name) || !Object.hasOwn(aliases, name)) return
    for (const target of aliases[name] ?? []) follow(target, [...along, name])
    done.add(name)
  }
  for (const name of Object.keys(aliases)) follow(name, [])
  return found
}
