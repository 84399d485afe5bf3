/** Aliases: read by their bare names, and told where they lead nowhere. */

import { type Checking, report, reportName } from './checking.ts'
import { dotted } from './plain.ts'
import type { RawSettings } from './schema.ts'
import { canonicalDomain } from './units.ts'

/** `Sales`, `sales@havre.test` → `sales`; null for an address at a domain that is not local. */
const bareName = (text: string, domains: readonly string[]): string | null => {
  const [local = '', domain] = text.normalize('NFC').toLowerCase().split('@')
  return domain === undefined || domains.includes(canonicalDomain(domain)) ? local : null
}

/** Aliases as the code has them: lower case, no domains. */
export const bareAliases = ({ domains, mail }: RawSettings): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    Object.entries(mail.aliases).map(([name, targets]) => [
      bareName(name, domains) ?? name,
      targets.map((target) => bareName(target, domains) ?? target),
    ]),
  )

/** The account that catches the rest, as the code has it. */
export const bareCatchAll = ({ domains, mail }: RawSettings): string | null =>
  mail.catchAll === null ? null : bareName(mail.catchAll, domains)

/** The alias that mail for a name goes to: the whole name goes before the one without its `+tag`; null: none. */
const aliasOf = (name: string, aliases: Readonly<Record<string, readonly string[]>>): string | null =>
  [name, name.split('+', 1)[0] ?? ''].find((candidate) => Object.hasOwn(aliases, candidate)) ?? null

/**
 * The loops among aliases, each told once, as the names along it: `sales → office → sales`. A name in its own list is none: there it
 * means the account of that name.
 */
export const loops = (aliases: Readonly<Record<string, readonly string[]>>): readonly (readonly string[])[] => {
  const found: (readonly string[])[] = []
  const done = new Set<string>()
  const follow = (name: string, along: readonly string[]): void => {
    const start = along.indexOf(name)
    if (start !== -1 && start < along.length - 1) found.push([...along.slice(start), name])
    if (start !== -1 || done.has(name)) return
    for (const target of aliases[name] ?? []) {
      const next = aliasOf(target, aliases)
      if (next !== null) follow(next, [...along, name])
    }
    done.add(name)
  }
  for (const name of Object.keys(aliases)) follow(name, [])
  return found
}

const isElsewhere = (text: string, { domains }: RawSettings): boolean => bareName(text, domains) === null

const elsewhere = (raw: RawSettings): string => `must be local: in ${raw.domains.join(', ')}, or without a domain`

/** Tells of aliases that mean one name twice, lead elsewhere or lead back to themselves. */
export const checkAliases = (raw: RawSettings, checking: Checking): void => {
  const path = ['mail', 'aliases']
  const names = new Map<string, string>()
  for (const [name, targets] of Object.entries(raw.mail.aliases)) {
    const bare = bareName(name, raw.domains) ?? name
    const first = names.get(bare)
    if (first !== undefined) reportName(checking, [...path, name], `is the same as ${dotted([...path, first])}`)
    else names.set(bare, name)
    if (isElsewhere(name, raw)) reportName(checking, [...path, name], elsewhere(raw))
    targets.forEach((target, i) => {
      if (isElsewhere(target, raw)) report(checking, [...path, name, String(i)], elsewhere(raw))
    })
  }
  for (const loop of loops(bareAliases(raw))) {
    report(checking, [...path, names.get(loop[0] ?? '') ?? ''], `leads back to itself: ${loop.join(' → ')}`)
  }
  const { catchAll } = raw.mail
  if (catchAll !== null && isElsewhere(catchAll, raw)) report(checking, ['mail', 'catchAll'], elsewhere(raw))
}
