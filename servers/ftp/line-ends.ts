/**
 * TYPE A: on the wire a line ends with CR LF (RFC 959 §3.1.1.1), in our files with LF. A CR LF that a file holds travels as it is, and a
 * CR that stands alone stays alone.
 */
import type { Conversion } from './conversion.ts'

const CR = 0x0d
const LF = 0x0a

const nothing = Buffer.alloc(0)

/** LF becomes CR LF, unless a CR stands before it. */
export const toNetwork = (): Conversion => {
  let last = 0
  return {
    turn: (chunk) => {
      if (!chunk.includes(LF)) {
        last = chunk.at(-1) ?? last
        return chunk
      }
      const turned = Buffer.allocUnsafe(chunk.length * 2)
      let octets = 0
      for (const octet of chunk) {
        if (octet === LF && last !== CR) turned[octets++] = CR
        turned[octets++] = octet
        last = octet
      }
      return turned.subarray(0, octets)
    },
    end: () => nothing,
  }
}

/** CR LF becomes LF. */
export const fromNetwork = (): Conversion => {
  let heldCr = false
  return {
    turn: (chunk) => {
      if (!heldCr && !chunk.includes(CR)) return chunk
      const turned = Buffer.allocUnsafe(chunk.length + 1)
      let octets = 0
      for (const octet of chunk) {
        if (heldCr && octet !== LF) turned[octets++] = CR
        heldCr = octet === CR
        if (!heldCr) turned[octets++] = octet
      }
      return turned.subarray(0, octets)
    },
    end: () => {
      const left = heldCr ? Buffer.of(CR) : nothing
      heldCr = false
      return left
    },
  }
}
