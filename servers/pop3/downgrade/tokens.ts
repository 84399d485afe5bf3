/** What structured fields are made of (RFC 5322 §3.2), in text beyond ASCII too (RFC 6532 §3.2). */
import { decodeWords } from '../../../shared/mail/header.ts'
import { encodedWords, isAscii } from './encoded-words.ts'

/** Each as it is written; all of them together are the text. */
export interface Token {
  readonly kind: 'text' | 'quoted' | 'comment' | 'angle' | 'literal' | 'separator'
  readonly raw: string
}

type Enclosed = 'quoted' | 'comment' | 'angle' | 'literal'

const begins: Readonly<Record<string, Enclosed>> = { '"': 'quoted', '(': 'comment', '<': 'angle', '[': 'literal' }

/** Behind what begins at `from`; -1 where it has no end. A backslash takes what follows as it is, comments nest. */
const endOf = (text: string, from: number, kind: Enclosed): number => {
  const close = { quoted: '"', comment: ')', angle: '>', literal: ']' }[kind]
  let depth = 1
  let inQuotes = false
  for (let at = from + 1; at < text.length; at += 1) {
    const character = text[at]
    if (character === '\\') at += 1
    else if (kind === 'angle' && character === '"') inQuotes = !inQuotes
    else if (inQuotes) continue
    else if (kind === 'comment' && character === '(') depth += 1
    else if (kind === 'angle' && character === '<') return -1
    else if (character === close) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return -1
}

/** The tokens of an unfolded field; null where something that begins has no end, or ends without a beginning. */
export const tokensOf = (text: string, separators: string): readonly Token[] | null => {
  const tokens: Token[] = []
  let begin = 0
  const close = (at: number) => {
    if (at > begin) tokens.push({ kind: 'text', raw: text.slice(begin, at) })
  }
  for (let at = 0; at < text.length; ) {
    const character = text[at] ?? ''
    const kind = separators.includes(character) ? 'separator' : begins[character]
    if (kind === undefined) {
      if (')>]'.includes(character)) return null
      at += 1
      continue
    }
    close(at)
    begin = kind === 'separator' ? at + 1 : endOf(text, at, kind)
    if (begin === -1) return null
    tokens.push({ kind, raw: text.slice(at, begin) })
    at = begin
  }
  close(text.length)
  return tokens
}

export const written = (tokens: readonly Token[]): string => tokens.map(({ raw }) => raw).join('')

/** What a quoted string says. */
export const unquoted = (raw: string): string => raw.slice(1, -1).replace(/\\(.)/gs, '$1')

/** What a phrase says. */
export const spoken = (tokens: readonly Token[]): string =>
  tokens
    .map(({ kind, raw }) => (kind === 'quoted' ? unquoted(raw) : decodeWords(raw)))
    .join('')
    .replace(/\s+/g, ' ')
    .trim()

/** A comment, in encoded words where it is beyond ASCII. */
export const toldComment = ({ raw }: Token): string =>
  isAscii(raw) ? raw : `(${encodedWords(decodeWords(raw.slice(1, -1).replace(/\\(.)/gs, '$1')), 2)})`
