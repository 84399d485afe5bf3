/**
 * How names are written on the wire. UTF-8 is the rule (RFC 2640 §2.2); older devices write Latin-1 or GBK and know no other way, so a
 * setting says what the names of a client are that has not said OPTS UTF8 ON. Whatever is sent, a client that sends it back means the
 * same name: each encoding reads what it has written.
 */

/** What a setting may say. */
export type NameEncoding = 'utf-8' | 'latin-1' | 'gbk'

/** Reads and writes text in one encoding. */
export interface NameCodec {
  /** For people. */
  readonly title: string
  /** undefined where the octets are none of it. */
  decode(octets: Buffer): string | undefined
  encode(text: string): Buffer
}

type Decode = (octets: Buffer) => string | undefined

const decoderOf = (label: string): Decode => {
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true })
  return (octets) => {
    try {
      return decoder.decode(octets)
    } catch (error) {
      if (error instanceof TypeError) return undefined
      throw error
    }
  }
}

const fromUtf8 = decoderOf('utf-8')

const utf8: NameCodec = { title: 'UTF-8', decode: fromUtf8, encode: (text) => Buffer.from(text) }

const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text)

const LF = 0x0a

/**
 * By each character, the number of what stands for it; read from the decoder, when somebody needs it.
 * @param octetsOf what a number stands for, among so many
 */
const tableOf = (label: string, count: number, octetsOf: (n: number) => readonly number[]): ReadonlyMap<string, number> => {
  // All in one go, a line each: a line feed ends whatever is begun.
  const octets = Array.from({ length: count }, (_, n) => [...octetsOf(n), LF]).flat()
  const characters = new TextDecoder(label).decode(Uint8Array.from(octets)).split('\n')
  const table = new Map<string, number>()
  for (let n = 0; n < count; n += 1) {
    const character = characters[n] ?? ''
    if (character !== '\ufffd' && character.length === 1 && !table.has(character)) table.set(character, n)
  }
  return table
}

/** The n-th pair of GBK: trails begin with 40. */
const pair = (n: number): readonly [number, number] => [0x81 + Math.trunc(n / 0xbf), 0x40 + (n % 0xbf)]
const pairs = 0x7e * 0xbf

/** The n-th four octets of GB18030. */
const fourOctets = (n: number): readonly number[] => [
  0x81 + Math.trunc(n / 12_600),
  0x30 + (Math.trunc(n / 1_260) % 10),
  0x81 + (Math.trunc(n / 10) % 126),
  0x30 + (n % 10),
]
/** Those up to U+FFFF. */
const fours = 39_420

/** Where those above U+FFFF begin among the four octets. */
const firstSupplementary = 189_000

/**
 * A line at a time: one that cannot be written so, or would be read as something else, goes out in UTF-8 as a whole. Beside the name
 * all of a line is ASCII.
 */
const byLines =
  (decode: Decode, encodeLine: (line: string) => Buffer | null) =>
  (text: string): Buffer => {
    if (isAscii(text)) return Buffer.from(text, 'latin1')
    const lines = text.split(/(?<=\n)/).map((line) => {
      const octets = isAscii(line) ? Buffer.from(line, 'latin1') : encodeLine(line)
      return octets !== null && decode(octets) === line ? octets : Buffer.from(line)
    })
    return Buffer.concat(lines)
  }

/**
 * Latin-1, as Windows-1252, which has letters and signs where Latin-1 has nothing. What is UTF-8 is read as UTF-8 (a text of Latin-1 is
 * that by accident only where a capital with an accent stands before a sign), so that clients of both kinds get on.
 */
const makeLatin1 = (): NameCodec => {
  const label = 'windows-1252'
  const fromLatin1 = decoderOf(label)
  const decode: Decode = (octets) => fromUtf8(octets) ?? fromLatin1(octets)
  // From 80 on: what is below is ASCII.
  const table = tableOf(label, 0x80, (n) => [0x80 + n])
  const encodeLine = (line: string): Buffer | null => {
    const octets: number[] = []
    for (const character of line) {
      const n = table.get(character)
      if (n === undefined && !isAscii(character)) return null
      octets.push(n === undefined ? character.charCodeAt(0) : 0x80 + n)
    }
    return Buffer.from(octets)
  }
  return { title: 'UTF-8 or Latin-1', decode, encode: byLines(decode, encodeLine) }
}

/**
 * GBK, with GB18030's four octets for what GBK has not, so that it can write every name. GBK is read first: nearly a fifth of its common
 * characters (一 is D2 BB) are letters in UTF-8 too, and a device that was told to be of GBK would get another name back than it sent.
 * Only what is no GBK is read as UTF-8.
 */
const makeGbk = (): NameCodec => {
  const label = 'gb18030'
  const fromGbk = decoderOf(label)
  const decode: Decode = (octets) => fromGbk(octets) ?? fromUtf8(octets)
  const table = tableOf(label, pairs, pair)
  let rare: ReadonlyMap<string, number> | null = null
  const rareOf = (character: string): readonly number[] => {
    const point = character.codePointAt(0) ?? 0
    if (point > 0xffff) return fourOctets(point - 0x1_0000 + firstSupplementary)
    rare ??= tableOf(label, fours, fourOctets)
    return fourOctets(rare.get(character) ?? 0)
  }
  const encodeLine = (line: string): Buffer => {
    const octets: number[] = []
    for (const character of line) {
      const n = table.get(character)
      if (isAscii(character)) octets.push(character.charCodeAt(0))
      else octets.push(...(n === undefined ? rareOf(character) : pair(n)))
    }
    return Buffer.from(octets)
  }
  return { title: 'GBK or UTF-8', decode, encode: byLines(decode, encodeLine) }
}

const made = new Map<NameEncoding, NameCodec>([['utf-8', utf8]])

/** The codec of an encoding; its table is made when it is first asked for. */
export const nameCodec = (encoding: NameEncoding): NameCodec => {
  const known = made.get(encoding)
  if (known !== undefined) return known
  const codec = encoding === 'latin-1' ? makeLatin1() : makeGbk()
  made.set(encoding, codec)
  return codec
}
