/** One field of a header in ASCII, in the manner of RFC 6857. */
import { decodedText, decodeWords } from '../../../shared/mail/header.ts'
import { toldAddresses } from './addresses.ts'
import { encodedWords, isAscii } from './encoded-words.ts'
import { toldParameters } from './parameters.ts'
import { spoken, tokensOf, toldComment, written } from './tokens.ts'

/** The value in ASCII, for a line that has so many characters already; null where it cannot be told under its name. */
type Telling = (value: string, before: number) => string | null

const unstructured: Telling = (value, before) => encodedWords(decodeWords(value), before)

/** Only its comments may be beyond ASCII. */
const comments: Telling = (value) => {
  const tokens = tokensOf(value, '')
  if (tokens === null || tokens.some(({ kind, raw }) => kind !== 'comment' && !isAscii(raw))) return null
  return tokens.map((token) => (token.kind === 'comment' ? toldComment(token) : token.raw)).join('')
}

/** Phrases with commas between them (RFC 5322 §3.6.5). */
const phrases: Telling = (value, before) => {
  const tokens = tokensOf(value, ',')
  if (tokens === null) return null
  const told: string[] = []
  for (let rest = tokens; rest.length > 0; ) {
    const comma = rest.findIndex(({ kind }) => kind === 'separator')
    const phrase = comma === -1 ? rest : rest.slice(0, comma)
    rest = comma === -1 ? [] : rest.slice(comma + 1)
    const raw = written(phrase).trim()
    if (raw !== '') told.push(isAscii(raw) ? raw : encodedWords(spoken(phrase), told.length === 0 ? before : 1))
  }
  return told.join(',\r\n ')
}

/** By name in lower case; all others are kept under another name, so that no program takes words for what they are not. */
const tellings: ReadonlyMap<string, Telling> = new Map(
  (
    [
      [unstructured, 'subject comments content-description organization thread-topic'],
      [toldAddresses, 'from sender reply-to to cc bcc mail-followup-to disposition-notification-to'],
      [toldAddresses, 'resent-from resent-sender resent-reply-to resent-to resent-cc resent-bcc'],
      [comments, 'date resent-date received mime-version content-id content-transfer-encoding content-language auto-submitted'],
      [phrases, 'keywords'],
    ] as const
  ).flatMap(([telling, names]) => names.split(' ').map((name) => [name, telling] as const)),
)

const encapsulated = (name: string, value: string): string =>
  `Downgraded-${name}: ${encodedWords(value, `Downgraded-${name}: `.length + 1)}`

/** A value that must not be lost where it cannot be told whole: what is left of it, and all of it under another name. */
const withParameters = (name: string, value: string): string => {
  const told = toldParameters(value)
  if (told === null) return encapsulated(name, value)
  const field = `${name}: ${told.value}`
  return told.whole ? field : `${field}\r\n${encapsulated(name, value)}`
}

/**
 * A field, or a line of a header that is none, in ASCII. Octets that are no UTF-8 are read as shared/mail/header.ts reads them.
 * @param field beyond ASCII, folded as it came, with the end of its last line
 */
export const toldField = (field: Buffer): Buffer => {
  const text = decodedText(field)
  const end = /\r?\n$/.exec(text)?.[0] ?? ''
  const unfolded = text.slice(0, text.length - end.length).replace(/\r?\n(?=[ \t])/g, '')
  const [, name, value = ''] = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:(.*)$/s.exec(unfolded) ?? []
  return Buffer.from((name === undefined ? toldLine(unfolded) : toldValue(name, value.trim())) + end)
}

const toldValue = (name: string, value: string): string => {
  const lower = name.toLowerCase()
  if (lower === 'content-type' || lower === 'content-disposition') return withParameters(name, value)
  const told = tellings.get(lower)?.(value, name.length + 3) ?? null
  return told === null ? encapsulated(name, value) : `${name}: ${told}`
}

/** It stays what it was: a line that continues something, or one that no program knows. */
const toldLine = (line: string): string => `${/^[ \t]*/.exec(line)?.[0] ?? ''}${encodedWords(line.trim())}`

/** A further piece of a field that is too long to be told at once. */
export const toldRest = (piece: Buffer): Buffer => {
  const text = decodedText(piece)
  return Buffer.from(` ${encodedWords(text.replace(/\r?\n/g, ''))}${/\r?\n$/.exec(text)?.[0] ?? ''}`)
}
