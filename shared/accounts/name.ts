import type { LocalDomains } from './local-domains.ts'

/** A name is the local part of an address, which has at most 64 octets (RFC 5321 §4.5.3.1.1). */
export const accountNameMaxOctets = 64

/** A name as it is stored and compared, or why there can be no account of that name: half a sentence for people. */
export type AccountNameReading = { readonly ok: true; readonly name: string } | { readonly ok: false; readonly reason: string }

/** Names that Windows keeps for devices, with any extension: no folder can have them there. */
const device = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/

/**
 * The one rule for names of accounts: letters, digits, dot, dash and underscore, all of ASCII; a letter or digit first; no dot
 * last and no two in a row; at most 64. A name is a folder (`data/files/alice`), a part of a URL (`/~alice/`) and a local part
 * that needs no quotes (RFC 5321 §4.1.2: dot-string), and the rule keeps it harmless as each of them.
 *
 * @param text as a person wrote it; upper case letters become lower case
 */
export const readAccountName = (text: string): AccountNameReading => {
  const reason = refusalOf(text)
  return reason === null ? { ok: true, name: text.toLowerCase() } : { ok: false, reason }
}

const refusalOf = (text: string): string | null => {
  if (text === '') return 'a name needs at least one character'
  // Before any change of case: some letters outside ASCII have one of ASCII as their lower case.
  const at = text.search(/[^A-Za-z0-9._-]/)
  if (at !== -1) return strangerAt(text, at)
  if (text.length > accountNameMaxOctets) return `it has ${text.length} characters, at most ${accountNameMaxOctets} are possible`
  if (!/^[A-Za-z0-9]/.test(text)) return `it begins with "${text.charAt(0)}", and must begin with a letter or a digit`
  if (text.endsWith('.')) return 'it must not end in a dot'
  if (text.includes('..')) return 'it must not have two dots in a row'
  if (device.test(text.toLowerCase())) return 'it is the name of a device on Windows'
  return null
}

const strangerAt = (text: string, at: number): string => {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
  if (character === '@') return 'it must be written without a domain'
  const shown = /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character)
    ? `"${character}"`
    : `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  return `${shown} at position ${[...text.slice(0, at)].length + 1} is none of letters (a to z), digits, dot, dash and underscore`
}

/**
 * The account that a login name means: `alice`, or `alice@havre.test` where the domain is local.
 *
 * @returns null when no account can be meant
 */
export const loginAccountName = (text: string, domains: LocalDomains): string | null => {
  const at = text.lastIndexOf('@')
  if (at !== -1 && !domains.has(text.slice(at + 1))) return null
  const reading = readAccountName(at === -1 ? text : text.slice(0, at))
  return reading.ok ? reading.name : null
}
