/**
 * Words as the index has them: case, accents and forms of one letter do not matter, and writing without blanks between its words
 * is cut into characters. Text and question go through the same function, so that they meet.
 */

/** Marks over and under letters (Latin, Greek, Cyrillic; vowels of Hebrew and Arabic), and what nobody sees. */
const marks = /[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]|[\u00ad\u200b-\u200d\u2060\ufeff]/g

/** Letters that people write without their stroke or as two, and that Unicode takes for letters of their own. */
const alike: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ŧ: 't',
  ı: 'i',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
  ς: 'σ',
}
const alikeLetters = new RegExp(`[${Object.keys(alike).join('')}]`, 'g')

/** A character, with its marks, of a script that sets no blanks between words, or (Hangul) glues particles to them. */
const unspaced =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]\p{M}*/gu

const ascii = /^\p{ASCII}*$/u

/**
 * The text with its words folded; the tokenizer of the index (which takes upper case for lower) cuts it at all that is no letter,
 * number or mark.
 */
export const folded = (text: string): string => {
  if (ascii.test(text)) return text
  const bare = text.normalize('NFKD').replace(marks, '').normalize('NFC').toLowerCase()
  return bare.replace(alikeLetters, (letter) => alike[letter] ?? letter).replace(unspaced, ' $& ')
}

/** Whether the tokenizer would find a word in it. */
export const hasWord = (text: string): boolean => /[\p{L}\p{N}\p{M}\p{Co}]/u.test(folded(text))

/** The tokenizer, as FTS5 is told it: marks belong to words, since in Indic scripts they are their vowels. */
export const tokenizer = `unicode61 remove_diacritics 2 categories 'L* N* M* Co'`
