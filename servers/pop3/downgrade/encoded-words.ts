/** Text beyond ASCII in encoded words (RFC 2047), and what else tells text in ASCII. */

/** RFC 2047 §2 has 76 for a line with encoded words; a blank before one and `, :;` behind it fit too. */
const longestWord = 70
/** A line that has less room left than this is folded before the first word. */
const leastRoom = 24
const fold = '\r\n '

export const isAscii = (text: string): boolean => !/[^\u0000-\u007f]/.test(text)

/** The octets of a character in UTF-8, each with a sign before its two digits. */
export const inHex = (character: string, sign: '=' | '%'): string =>
  Buffer.from(character).toString('hex').toUpperCase().replace(/../g, `${sign}$&`)

/** Octets of one character in UTF-8. */
const octetsOf = (character: string): number => {
  const code = character.codePointAt(0) ?? 0
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
}

/** One of the two encodings (RFC 2047 §4). What it makes is a word in phrases and comments too (§5). */
interface Encoding {
  readonly letter: 'B' | 'Q'
  /** What one character takes. */
  measure(character: string): number
  /** What is made of so much. */
  length(measured: number): number
  encode(text: string): string
}

const base64: Encoding = {
  letter: 'B',
  measure: octetsOf,
  length: (octets) => Math.ceil(octets / 3) * 4,
  encode: (text) => Buffer.from(text).toString('base64'),
}

const quoted: Encoding = {
  letter: 'Q',
  measure: (character) => (/[A-Za-z0-9!*+\-/ ]/.test(character) ? 1 : 3 * octetsOf(character)),
  length: (characters) => characters,
  encode: (text) => text.replace(/[^A-Za-z0-9!*+\-/ ]/gu, (character) => inHex(character, '=')).replaceAll(' ', '_'),
}

/** The one in which a text is shorter. */
const encodingFor = (text: string): Encoding => {
  const others = text.replace(/[A-Za-z0-9!*+\-/ ]+/g, '')
  const inQuoted = text.length - others.length + 3 * Buffer.byteLength(others)
  return inQuoted <= base64.length(Buffer.byteLength(text)) ? quoted : base64
}

/**
 * All of a text in words of one encoding, the shorter one; parted by folds, which a reader leaves out (RFC 2047 §6.2). No word cuts a
 * character.
 * @param before characters that the line has already
 */
export const encodedWords = (text: string, before = 1): string => {
  const { letter, measure, length, encode } = encodingFor(text)
  const mostOfWord = longestWord - `=?UTF-8?${letter}??=`.length
  const folded = before > 1 && longestWord - before < leastRoom
  const words: string[] = []
  let room = mostOfWord - (folded ? 0 : before - 1)
  let begin = 0
  let measured = 0
  let end = 0
  for (const character of text) {
    const more = measure(character)
    if (end > begin && length(measured + more) > room) {
      words.push(text.slice(begin, end))
      begin = end
      measured = 0
      room = mostOfWord
    }
    measured += more
    end += character.length
  }
  words.push(text.slice(begin))
  return (folded ? fold : '') + words.map((word) => `=?UTF-8?${letter}?${encode(word)}?=`).join(fold)
}
