/** Frames of HTTP/2, written and read by the book (RFC 9113 §4, §6), and heads as HPACK has them at its plainest (RFC 7541). */

/** One frame. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const

export const flags = { none: 0, ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const

export const errors = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const

export type ErrorName = keyof typeof errors

/** The name of an error code. */
export const errorName = (code: number): string => Object.entries(errors).find(([, value]) => value === code)?.[0] ?? String(code)

/** Of the head of a frame. */
export const headOctets = 9

/** A frame as it goes over the wire. @param length told in its head; that of the payload unless given */
export const frame = (type: number, flag: number, stream: number, payload: Buffer | string = '', length?: number): Buffer => {
  const octets = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  const head = Buffer.alloc(headOctets)
  head.writeUIntBE(length ?? octets.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flag, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, octets])
}

/** A frame by its head and what the head announces. */
export const readFrame = (head: Buffer, payload: Buffer): Frame => ({
  type: head.readUInt8(3),
  flags: head.readUInt8(4),
  stream: head.readUInt32BE(5) & 0x7f_ff_ff_ff,
  payload,
})

/** Four octets. */
export const uint32 = (value: number): Buffer => {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}

/** The payload of SETTINGS. */
export const settings = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer =>
  Buffer.concat(
    pairs.map(([id, value]) => {
      const octets = Buffer.alloc(6)
      octets.writeUInt16BE(id)
      octets.writeUInt32BE(value, 2)
      return octets
    }),
  )

const text = (value: string): Buffer => {
  const octets = Buffer.from(value, 'latin1')
  if (octets.length < 127) return Buffer.concat([Buffer.of(octets.length), octets])
  const length = [127]
  let rest = octets.length - 127
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([...length, rest]), octets])
}

/** Names and values in their order, each as a literal that no table keeps (RFC 7541 §6.2.2). */
export const fields = (...pairs: readonly (readonly [name: string, value: string])[]): Buffer =>
  Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]))

/** What a plain request begins with. */
export const pseudo = (path = '/a.txt', method = 'GET') =>
  [
    [':method', method],
    [':scheme', 'http'],
    [':authority', 'localhost'],
    [':path', path],
  ] as const

/** A whole request without content. */
export const get = (stream: number, path?: string): Buffer =>
  frame(types.headers, flags.endHeaders | flags.endStream, stream, fields(...pseudo(path)))

/** The statuses that the static table holds (RFC 7541, Appendix A). */
const statuses = new Map([
  [8, 200],
  [9, 204],
  [10, 206],
  [11, 304],
  [12, 400],
  [13, 404],
  [14, 500],
])
/** Digits in the code of Huffman (RFC 7541, Appendix B). */
const digits = ['00000', '00001', '00010', '011001', '011010', '011011', '011100', '011101', '011110', '011111']

/** The status that an answer begins with, of a server that was told to keep no table. */
export const statusIn = (payload: Buffer): number => {
  let at = 0
  // Changes of the table's size come first.
  while (((payload[at] ?? 0) & 0xe0) === 0x20) at += (payload[at] ?? 0) === 0x3f ? 2 : 1
  const first = payload[at] ?? 0
  if (first & 0x80) return statuses.get(first & 0x7f) ?? Number.NaN
  const length = payload[at + 1] ?? 0
  const value = payload.subarray(at + 2, at + 2 + (length & 0x7f))
  if ((length & 0x80) === 0) return Number(value.toString('latin1'))
  let bits = [...value].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  let told = ''
  while (told.length < 3) {
    const digit = digits.findIndex((code) => bits.startsWith(code))
    if (digit === -1) return Number.NaN
    told += digit
    bits = bits.slice(digits[digit]?.length)
  }
  return Number(told)
}
