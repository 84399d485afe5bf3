/** The place in a message where it was found, for people. */
import { folded } from './fold.ts'
import type { Term } from './query.ts'

/** Characters before the word, and in all. */
const before = 30
const length = 110

const word = /[\p{L}\p{N}\p{M}\p{Co}]+/gu

/** One line of the text from a little before the first word that was looked for; null where none of them is in it. */
export const snippetOf = (text: string, terms: readonly Term[]): string | null => {
  const wanted = terms.filter(({ without }) => !without).map(firstWord)
  for (const { 0: found, index } of text.matchAll(word)) if (wanted.some((is) => is(found))) return around(text, index)
  return null
}

/** How a text begins, on one line. */
export const beginning = (text: string): string => around(text, 0)

/** Whether a word of the text is the first one of these, as the index sees it. */
const firstWord = ({ words, begins }: Term): ((found: string) => boolean) => {
  const [first = ''] = folded(words).toLowerCase().match(word) ?? []
  const alone = begins && !/[\p{L}\p{N}\p{M}\p{Co}][^\p{L}\p{N}\p{M}\p{Co}*]+[\p{L}\p{N}\p{M}\p{Co}]/u.test(words)
  return (found) =>
    folded(found)
      .toLowerCase()
      .split(' ')
      .some((each) => (alone ? each.startsWith(first) : each === first))
}

const around = (text: string, at: number): string => {
  const from = Math.max(0, at - before)
  // Cut in the middle of a word, or of a character outside of the basic plane, it would begin with nonsense.
  const start = from === 0 ? 0 : from + Math.max(0, text.slice(from, at).search(/\s\S/) + 1)
  const line = text
    .slice(start, start + 4 * length)
    .replace(/\s+/g, ' ')
    .trim()
  const cut = [...line].slice(0, length).join('')
  return `${start > 0 ? '… ' : ''}${cut}${cut.length < line.length || start + 4 * length < text.length ? ' …' : ''}`
}
