/**
 * What somebody looks for, as a question to FTS5. What they wrote reaches FTS5 only as strings in quotes: none of its operators
 * can be written.
 */
import { folded, hasWord } from './fold.ts'

/** Prefixes of a word, and the column of the index that each looks in. */
const fields = { from: 'sender', to: 'recipients', subject: 'subject', attachment: 'attachments' } as const

/** Where a word without a prefix is looked for. */
const everywhere = '{sender recipients subject text attachments}'

/** One part of a question: words that stand next to each other, in one column or anywhere. */
export interface Term {
  readonly without: boolean
  readonly column: string
  readonly words: string
  /** Whether the last word may go on. */
  readonly begins: boolean
}

/** A question that cannot be asked; the message says why, to whoever asked. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
}

/** `-from:"two words"`, `sub*`: at most one of the two in quotes; a quote that is never closed goes to the end. */
const part = /(?<without>-?)(?:(?<field>from|to|subject|attachment):)?(?:"(?<phrase>[^"]*)(?:"|$)|(?<word>[^\s"]+))|(?<other>\S)/giy

/**
 * The terms of a question, in their order. Signs without a letter or number are passed over, as the index does not have them.
 * @throws {QueryError} nothing is left to look for, or a prefix has nothing behind it
 */
export const parseQuery = (text: string): readonly Term[] => {
  const terms: Term[] = []
  part.lastIndex = 0
  for (let at = skipBlanks(text, 0); at < text.length; at = skipBlanks(text, part.lastIndex)) {
    part.lastIndex = at
    const groups = part.exec(text)?.groups
    if (groups === undefined) throw new QueryError(`cannot read ${JSON.stringify(text.slice(at))}`)
    const term = termOf(groups)
    if (term !== null) terms.push(term)
  }
  if (terms.length === 0) throw new QueryError('there is no word to look for')
  return terms
}

const skipBlanks = (text: string, from: number): number => {
  let at = from
  while (at < text.length && /\s/.test(text[at] ?? '')) at += 1
  return at
}

const termOf = ({ without, field, phrase, word }: Record<string, string | undefined>): Term | null => {
  const words = phrase ?? word ?? ''
  const prefix = field?.toLowerCase()
  const bare = phrase === undefined && isField(words.toLowerCase().replace(/:$/, '')) && words.endsWith(':')
  if (bare || (prefix !== undefined && !hasWord(words)))
    throw new QueryError(`there is no word behind ${bare ? words : `${prefix}:`}`)
  if (!hasWord(words)) return null
  return {
    without: without === '-',
    column: isField(prefix) ? fields[prefix] : everywhere,
    words,
    begins: phrase === undefined && words.endsWith('*'),
  }
}

const isField = (name: string | undefined): name is keyof typeof fields => name !== undefined && Object.hasOwn(fields, name)

/** An FTS5 string: whatever is in it, only its words count. */
const quoted = (words: string): string => `"${folded(words).replaceAll('\0', ' ').replaceAll('"', ' ')}"`

const expression = ({ column, words, begins }: Term): string => `${column} : ${quoted(words)}${begins ? ' *' : ''}`

/** The mark that a letter has in the index for each mailbox that it is in. */
export const boxMark = (mailbox: number): string => `b${mailbox}`

/** The question as FTS5 is asked it: all terms, none of those `without`, in letters of this mailbox only (null: in all there are). */
export const matchOf = (terms: readonly Term[], mailbox: number | null): string => {
  const wanted = terms.filter(({ without }) => !without).map(expression)
  if (mailbox !== null) wanted.unshift(`box : "${boxMark(mailbox)}"`)
  const unwanted = terms.filter(({ without }) => without).map(expression)
  const all = wanted.map((each) => `(${each})`).join(' AND ')
  return unwanted.length === 0 ? all : `(${all}) NOT (${unwanted.map((each) => `(${each})`).join(' OR ')})`
}
