/** Several ranges in one answer: `multipart/byteranges` (RFC 9110 §14.6). */
import { randomBytes } from 'node:crypto'
import type { Span } from './ranges.ts'

/** One of several parts: what is sent before its octets, and which they are. The last one is only the end of all: it has none. */
export interface RangePart extends Span {
  readonly head: Buffer
}

/** What follows the head of an answer of several parts. */
export interface Multipart {
  /** Value of `Content-Type`. */
  readonly type: string
  /** In the order of sending, the closing line as the last. */
  readonly parts: readonly RangePart[]
  /** Octets of all of it. */
  readonly octets: number
}

/**
 * The body for these ranges.
 * @param type of the representation, which each part tells
 * @param size octets of the representation
 */
export const multipart = (spans: readonly Span[], type: string, size: number): Multipart => {
  // 144 bits that nobody can foresee: they stand in no file.
  const boundary = randomBytes(18).toString('base64url')
  const parts = spans.map(({ from, octets }, at): RangePart => {
    const range = `Content-Range: bytes ${from}-${from + octets - 1}/${size}`
    return {
      head: Buffer.from(`${at === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${type}\r\n${range}\r\n\r\n`),
      from,
      octets,
    }
  })
  parts.push({ head: Buffer.from(`\r\n--${boundary}--\r\n`), from: size, octets: 0 })
  const octets = parts.reduce((sum, part) => sum + part.head.length + part.octets, 0)
  return { type: `multipart/byteranges; boundary=${boundary}`, parts, octets }
}
