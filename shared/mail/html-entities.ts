/** Characters that HTML writes as names and numbers. */

/** The entities that mail has most; of those for one letter in two cases this is the small one. */
const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  szlig: 'ß',
  aelig: 'æ',
  oelig: 'œ',
  oslash: 'ø',
  euro: '€',
  pound: '£',
  copy: '©',
  reg: '®',
  sect: '§',
  deg: '°',
  middot: '·',
  bull: '•',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  laquo: '«',
  raquo: '»',
  lsquo: '‘',
  rsquo: '’',
  sbquo: '‚',
  ldquo: '“',
  rdquo: '”',
  bdquo: '„',
}

/** What stands above or below a letter: `Uuml` is `U` with the first one. */
const accents: Readonly<Record<string, string>> = {
  uml: '\u0308',
  acute: '\u0301',
  grave: '\u0300',
  circ: '\u0302',
  tilde: '\u0303',
  cedil: '\u0327',
  ring: '\u030a',
  caron: '\u030c',
}

/** The text with its entities as the characters that they stand for; a name that is not known stays as it is. */
export const withoutEntities = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => entity(whole, decimal, hex, name))

const entity = (whole: string, decimal?: string, hex?: string, name?: string): string => {
  const code = decimal !== undefined ? Number(decimal) : hex !== undefined ? Number.parseInt(hex, 16) : null
  if (code === null) return named(name ?? '') ?? whole
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
}

const named = (name: string): string | null => {
  const plain = entities[name.toLowerCase()]
  if (plain !== undefined) return /^[A-Z]/.test(name) ? plain.toUpperCase() : plain
  const accent = accents[name.slice(1).toLowerCase()]
  return accent === undefined ? null : `${name[0]}${accent}`.normalize('NFC')
}
