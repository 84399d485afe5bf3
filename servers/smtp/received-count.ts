/**
 * How often a message was passed on before it came here: its Received lines (RFC 5321 §6.3). A message that runs in a circle gets one
 * with each round.
 */
import type { Stage } from './stage.ts'

const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const name = Buffer.from('received')

/**
 * What stands behind so many octets is not looked at, so that a header without an end costs no more than another message. Every hop puts
 * its line on top (RFC 5321 §4.4).
 */
const mostLookedAt = 2 ** 20

/** A line's octets are compared with the name so far as they came; then only its end is looked for. */
type At = { readonly in: 'name'; readonly matched: number } | { readonly in: 'blanks' | 'rest' | 'empty' | 'body' }

/** Counts them in the header that goes through; the octets stay what they are. Looks at no octet of the body. */
export class ReceivedCount implements Stage {
  #at: At = { in: 'name', matched: 0 }
  #count = 0
  #left = mostLookedAt

  /** So many have come. */
  get count(): number {
    return this.#count
  }

  push(chunk: Buffer): Buffer {
    const end = Math.min(chunk.length, this.#left)
    this.#left -= end
    let read = 0
    while (read < end && this.#at.in !== 'body') {
      if (this.#at.in === 'rest') {
        const lineEnd = chunk.indexOf(LF, read)
        if (lineEnd === -1) return chunk
        this.#at = { in: 'name', matched: 0 }
        read = lineEnd + 1
      } else {
        this.#at = this.#after(this.#at, chunk[read] ?? LF)
        read += 1
      }
    }
    return chunk
  }

  end(): Buffer {
    return Buffer.alloc(0)
  }

  #after(at: At, octet: number): At {
    if (octet === LF)
      return at.in === 'empty' || (at.in === 'name' && at.matched === 0) ? { in: 'body' } : { in: 'name', matched: 0 }
    if (at.in === 'name' && at.matched < name.length) {
      if (at.matched === 0 && octet === CR) return { in: 'empty' }
      // Letters in any case (RFC 5322 §1.2.2).
      return (octet | 0x20) === name[at.matched] ? { in: 'name', matched: at.matched + 1 } : { in: 'rest' }
    }
    // field-name *WSP ":" (RFC 5322 §4.5.3)
    if (octet === COLON && (at.in === 'name' || at.in === 'blanks')) this.#count += 1
    return (octet === 0x20 || octet === 0x09) && at.in !== 'empty' ? { in: 'blanks' } : { in: 'rest' }
  }
}
