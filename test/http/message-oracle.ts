/**
 * A second reader of HTTP/1.1 requests, written from the grammar of RFC 9112 alone, to hold the server's reading against. Where the
 * standard leaves a choice it knows ours; where nothing hangs on it, it says that it is not sure.
 */

/** What a server has to make of the octets at one place. */
export type Judgement =
  /** A request, read to its end, which is there in the octets: its answer tells exactly this. `closes`: nothing is answered after it. */
  | { readonly kind: 'request'; readonly told: string; readonly closes: boolean; readonly end: number }
  /** Refused, and nothing is answered after it. */
  | { readonly kind: 'refused' }
  /** It ended too early: a refusal or nothing. */
  | { readonly kind: 'incomplete' }
  /** Nothing is demanded from here on. */
  | { readonly kind: 'unsure' }

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const methods = new Set(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
const sureTarget = /^\/[A-Za-z0-9._~-]*(?:\?[A-Za-z0-9=&]*)?$/
const sureHost = /^[A-Za-z0-9.-]+(?::[0-9]{1,4})?$/
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/
const options = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/
/** Extensions without blanks, in tokens. */
const sureExtensions = /^(?:;[A-Za-z0-9]+(?:=[A-Za-z0-9]+)?)*$/

const refused: Judgement = { kind: 'refused' }
const incomplete: Judgement = { kind: 'incomplete' }
const unsure: Judgement = { kind: 'unsure' }

/** How the answer to a request tells what was read of it. */
export const told = (method: string, target: string, content: Buffer): string => `${method} ${target} ${content.toString('hex')}`

type Fields = ReadonlyMap<string, readonly string[]>

/** Reads lines that CRLF ends. A line break of any other kind in one ends the reading. */
class Reader {
  readonly text: string
  at = 0
  constructor(text: string) {
    this.text = text
  }

  /** @returns the line; a judgement where there is none */
  line(): string | Judgement {
    const end = this.text.slice(this.at).search(/[\r\n]/)
    if (end === -1) return this.#rest(this.text.length)
    const at = this.at + end
    if (this.text[at] === '\n') return refused
    if (at + 1 === this.text.length) return incomplete
    if (this.text[at + 1] !== '\n') return refused
    const line = this.text.slice(this.at, at)
    this.at = at + 2
    return line
  }

  /** Of what is not whole nothing can be demanded but that it is not answered. */
  #rest(end: number): Judgement {
    this.at = end
    return incomplete
  }

  octets(count: number): Buffer | null {
    if (this.at + count > this.text.length) return null
    this.at += count
    return Buffer.from(this.text.slice(this.at - count, this.at), 'latin1')
  }
}

const readFields = (reader: Reader): Fields | Judgement => {
  const fields = new Map<string, string[]>()
  for (;;) {
    const line = reader.line()
    if (typeof line !== 'string') return line
    if (line === '') return fields
    const [, name = '', value = ''] = fieldLine.exec(line) ?? []
    if (name === '') return refused
    const key = name.toLowerCase()
    fields.set(key, [...(fields.get(key) ?? []), value.replace(/[ \t]+$/, '')])
  }
}

const isJudgement = (value: object): value is Judgement => 'kind' in value

const readChunks = (reader: Reader): Buffer | Judgement => {
  const parts: Buffer[] = []
  for (;;) {
    const line = reader.line()
    if (typeof line !== 'string') return line
    const [, digits = '', extensions = ''] = /^([0-9A-Fa-f]*)(.*)$/s.exec(line) ?? []
    if (digits === '') return refused
    if (!sureExtensions.test(extensions)) return unsure
    const size = Number.parseInt(digits, 16)
    if (size > 2 ** 40) return digits.replace(/^0+/, '').length > 16 ? refused : incomplete
    if (size === 0) break
    const part = reader.octets(size)
    if (part === null) return incomplete
    parts.push(part)
    const end = reader.text.slice(reader.at, reader.at + 2)
    if (end !== '\r\n') return '\r\n'.startsWith(end) ? incomplete : refused
    reader.at += 2
  }
  const trailers = readFields(reader)
  if (isJudgement(trailers)) return trailers
  // What frames a request has no place behind it (RFC 9110 §6.5.1): refused, by our choice.
  return trailers.has('content-length') || trailers.has('transfer-encoding') ? refused : Buffer.concat(parts)
}

/** The content; a judgement where it does not come to its end, or where its end cannot be told. */
const readContent = (reader: Reader, fields: Fields, version: string): Buffer | Judgement => {
  const codings = fields.get('transfer-encoding') ?? []
  const lengths = fields.get('content-length') ?? []
  if (codings.length > 0) {
    if (lengths.length > 0 || version === '1.0' || codings.length > 1) return refused
    return codings[0]?.toLowerCase() === 'chunked' ? readChunks(reader) : refused
  }
  if (lengths.length > 1 || lengths.some((length) => !/^[0-9]+$/.test(length))) return refused
  const length = Number(lengths[0] ?? 0)
  if (length >= 2 ** 64) return refused
  return reader.octets(length) ?? incomplete
}

const closing = (fields: Fields, version: string): boolean | Judgement => {
  const values = [...(fields.get('connection') ?? []), ...(fields.get('proxy-connection') ?? [])]
  if (values.some((value) => !options.test(value))) return unsure
  const names = values.flatMap((value) => value.toLowerCase().split(/[ \t]*,[ \t]*/))
  // Which of several fields the parser of HTTP/1.0 goes by is nothing that a request hides in.
  if (fields.has('upgrade') || fields.has('expect')) return unsure
  return names.includes('close') || (version === '1.0' && !names.includes('keep-alive'))
}

const readRequest = (reader: Reader): Judgement => {
  const line = reader.line()
  if (typeof line !== 'string') return line
  const [method = '', target = '', protocol = '', ...more] = line.split(' ')
  if (!token.test(method)) return refused
  if (!methods.has(method)) return unsure
  if (more.length > 0 || target === '' || protocol === '') return unsure
  if (/[^\x21-\x7e]/.test(target)) return refused
  const [, version] = /^HTTP\/(1\.[01])$/.exec(protocol) ?? []
  if (version === undefined) return /^(?:HTTP\/\d\.\d|RTSP\/1\.[01])$/.test(protocol) ? unsure : refused
  if (!sureTarget.test(target)) return unsure
  const fields = readFields(reader)
  if (isJudgement(fields)) return fields
  const closes = closing(fields, version)
  const content = readContent(reader, fields, version)
  if (isJudgement(content)) return content
  if (typeof closes !== 'boolean') return closes
  const hosts = fields.get('host') ?? []
  if (!(hosts.length === 0 && version === '1.0') && !(hosts.length === 1 && sureHost.test(hosts[0] ?? ''))) return unsure
  return { kind: 'request', told: told(method, target, content), closes, end: reader.at }
}

/** What has to become of these octets, up to the end that they make. */
export const judge = (octets: Buffer): readonly Judgement[] => {
  const reader = new Reader(octets.toString('latin1'))
  const judgements: Judgement[] = []
  for (;;) {
    // Empty lines before a request are read over; single CR and LF too, in which nothing hides.
    while (/[\r\n]/.test(reader.text[reader.at] ?? '')) reader.at += 1
    if (reader.at === reader.text.length) return judgements
    const judgement = readRequest(reader)
    judgements.push(judgement)
    if (judgement.kind !== 'request' || judgement.closes) return judgements
  }
}
