/** Fields of MIME with parameters, in ASCII (RFC 2231). */
import { inHex, isAscii } from './encoded-words.ts'
import { type Token, tokensOf, toldComment, unquoted, written } from './tokens.ts'

/** Characters of a value on one line. */
const longestPiece = 54

/** What stands for itself in an extended value (RFC 2231 §7). */
const isPlain = /[A-Za-z0-9!#$&+\-.^_`{|}~]/

/** `name*=UTF-8''value`, in numbered pieces where it is long. */
const extended = (name: string, value: string): string => {
  const pieces: string[] = []
  let piece = "UTF-8''"
  for (const character of value) {
    const more = isPlain.test(character) ? character : inHex(character, '%')
    if (piece.length + more.length > longestPiece) {
      pieces.push(piece)
      piece = ''
    }
    piece += more
  }
  pieces.push(piece)
  return pieces.length === 1 ? `${name}*=${piece}` : pieces.map((each, at) => `${name}*${at}*=${each}`).join(';\r\n ')
}

/** One parameter; null where it cannot be told: it has no name, or is extended already. */
const toldParameter = (tokens: readonly Token[]): string | null => {
  const all = written(tokens).trim()
  if (isAscii(all)) return all
  const comments = tokens.filter(({ kind }) => kind === 'comment').map(toldComment)
  const told = written(tokens.filter(({ kind }) => kind !== 'comment')).trim()
  const [, name = '', value = ''] = /^([!#$%&+\-.^\w`{|}~]+)\s*=\s*(.*)$/s.exec(told) ?? []
  if (name === '') return null
  const said = isAscii(value) ? `${name}=${value}` : extended(name, /^".*"$/s.test(value) ? unquoted(value) : value)
  return [said, ...comments].join('\r\n ')
}

/** What of such a field could be told, and whether that is all of it. */
export interface ToldParameters {
  readonly value: string
  readonly whole: boolean
}

/** @returns null where nothing of it can be told: its type is beyond ASCII, or something in it has no end */
export const toldParameters = (field: string): ToldParameters | null => {
  const tokens = tokensOf(field, ';')
  if (tokens === null) return null
  const parts: Token[][] = [[]]
  for (const token of tokens) {
    if (token.kind === 'separator') parts.push([])
    else parts.at(-1)?.push(token)
  }
  const [type = [], ...parameters] = parts
  const first = type.map((token) => (token.kind === 'comment' ? toldComment(token) : token.raw)).join('')
  if (!isAscii(first)) return null
  const told = parameters.filter((parameter) => written(parameter).trim() !== '').map(toldParameter)
  return { value: [first.trim(), ...told.filter((each) => each !== null)].join(';\r\n '), whole: !told.includes(null) }
}
