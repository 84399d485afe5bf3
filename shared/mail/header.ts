/**
 * The header of a message as text for people, without reading the message: enough for a list of a mailbox, far cheaper than
 * taking every message apart.
 */
import { isUtf8 } from 'node:buffer'

/** One field, unfolded and decoded; may hold control characters. */
export interface HeaderField {
  /** As written. */
  readonly name: string
  readonly value: string
}

/**
 * The fields of the header with which these octets begin, in their order. A header that goes on beyond them ends with them; a
 * line that is no field is left out.
 * @param octets the beginning of a message
 * @see RFC 5322 §2.2
 */
export const headerFields = (octets: Buffer): HeaderField[] => {
  const block = decodedText(headerBlock(octets))
  // Unfolding takes the line break away and leaves the blank behind it (RFC 5322 §2.2.3).
  const lines = block.replace(/\r?\n(?=[ \t])/g, '').split(/\r?\n/)
  return lines.flatMap((line) => {
    const [, name, value] = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:[ \t]*(.*)$/s.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [{ name, value: decodeWords(value.trimEnd()) }]
  })
}

/** The first field of that name, or null. */
export const fieldOf = (fields: readonly HeaderField[], name: string): string | null =>
  fields.find((field) => field.name.toLowerCase() === name)?.value ?? null

/** Up to the empty line; all of it when there is none. Bare line feeds count, as the message may come from a file. */
export const headerBlock = (octets: Buffer): Buffer => {
  if (octets[octets[0] === 0x0d ? 1 : 0] === 0x0a) return octets.subarray(0, 0)
  for (let end = octets.indexOf(0x0a); end !== -1; end = octets.indexOf(0x0a, end + 1)) {
    const next = octets[end + 1] === 0x0d ? end + 2 : end + 1
    if (octets[next] === 0x0a) return octets.subarray(0, end)
  }
  return octets
}

/** UTF-8 (RFC 6532), else the character set that mail without a declaration most often has. */
export const decodedText = (octets: Buffer): string =>
  isUtf8(octets) ? octets.toString('utf8') : new TextDecoder('windows-1252').decode(octets)

/** `=?charset*language?encoding?text?=`, and the blank before another one (RFC 2047 §2, RFC 2231 §5). */
const encodedWord = /=\?([^\s?*]+)(?:\*[^\s?]*)?\?([bq])\?([^?]*)\?=(?:\s+(?==\?[^\s?]+\?[bq]\?[^?]*\?=))?/gi

/**
 * Text with its encoded words decoded. Words of one character set that follow each other are decoded as one, since many
 * programs cut in the middle of a character. What cannot be decoded stays as it is.
 * @see RFC 2047 §6.2
 */
export const decodeWords = (text: string): string => {
  let decoded = ''
  let end = 0
  let run: { charset: string; octets: Buffer[]; source: string } | null = null
  const close = () => {
    if (run !== null) decoded += decode(run.charset, Buffer.concat(run.octets)) ?? run.source
    run = null
  }
  for (const match of text.matchAll(encodedWord)) {
    const [source, charset = '', encoding = '', content = ''] = match
    if (match.index > end || run?.charset !== charset.toLowerCase()) close()
    decoded += text.slice(end, match.index)
    run ??= { charset: charset.toLowerCase(), octets: [], source: '' }
    run.octets.push(encoding.toLowerCase() === 'b' ? Buffer.from(content, 'base64') : quoted(content))
    run.source += source
    end = match.index + source.length
  }
  close()
  return decoded + text.slice(end)
}

/** The Q encoding (RFC 2047 §4.2). */
const quoted = (content: string): Buffer =>
  Buffer.from(
    content.replace(/_/g, ' ').replace(/=([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )

/** Null for a character set that is not known. */
const decode = (charset: string, octets: Buffer): string | null => {
  try {
    return new TextDecoder(charset).decode(octets)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return null
  }
}
