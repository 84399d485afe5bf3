/** The languages of what the server says to people (RFC 6856 §3). */

/** One that texts are written in. */
export type Speech = 'en' | 'de'

/** What a client can choose. */
export interface Language {
  /** RFC 5646. */
  readonly tag: string
  /** In the language itself. */
  readonly name: string
  readonly speech: Speech
}

/** Until the client chooses (RFC 2277 §4.5: English, in ASCII). */
export const defaultLanguage: Language = { tag: 'i-default', name: 'English', speech: 'en' }

const english: Language = { tag: 'en', name: 'English', speech: 'en' }

export const languages: readonly Language[] = [english, { tag: 'de', name: 'Deutsch', speech: 'de' }, defaultLanguage]

/**
 * The language that a basic language range means, by lookup (RFC 4647 §3.4): `de-AT` is `de` where there is nothing nearer.
 * `*` is the one that the server prefers.
 * @returns null where there is none
 */
export const languageOf = (range: string): Language | null => {
  if (range === '*') return english
  const subtags = range.toLowerCase().split('-')
  for (let length = subtags.length; length > 0; length -= 1) {
    const tag = subtags.slice(0, length).join('-')
    const found = languages.find((language) => language.tag === tag)
    if (found !== undefined) return found
  }
  return null
}
