/** Takes a chunk's octets off the wire (RFC 3030 §2): so many as were announced, whatever they are. */
import type { BareNewline, BodyPart, OctetReader } from './body-reader.ts'

const CR = 0x0d
const LF = 0x0a

/** Finds line breaks that are no CRLF in a message that comes in pieces; every octet is looked at once. */
export class NewlineWatch {
  #line = 1
  #afterCr = false
  #bare: BareNewline | null = null

  /** The first line break that is no CRLF, as soon as it was seen. */
  get bare(): BareNewline | null {
    return this.#bare
  }

  push(octets: Buffer): void {
    let at = 0
    if (this.#afterCr && octets.length > 0) {
      this.#afterCr = false
      if (octets[0] !== LF) return this.#note('CR')
      this.#line += 1
      at = 1
    }
    while (this.#bare === null && at < octets.length) {
      const cr = octets.indexOf(CR, at)
      const lf = octets.indexOf(LF, at)
      if (cr === -1 && lf === -1) return
      if (lf === -1 && cr === octets.length - 1) {
        this.#afterCr = true
        return
      }
      if (cr === -1 || lf !== cr + 1) return this.#note(cr !== -1 && (lf === -1 || cr < lf) ? 'CR' : 'LF')
      this.#line += 1
      at = lf + 1
    }
  }

  /** The message is over: a CR at its end stands alone. */
  end(): void {
    if (this.#afterCr) this.#note('CR')
  }

  #note(octet: BareNewline['octet']): void {
    this.#bare ??= { line: this.#line, octet }
  }
}

/** Reads one chunk. */
export class ChunkReader implements OctetReader {
  /** The count ends it. */
  readonly ending = Buffer.alloc(0)
  readonly #watch: NewlineWatch | null
  #left: number

  /**
   * @param octets at least one
   * @param watch sees what is read; null: it is dropped anyway
   */
  constructor(octets: number, watch: NewlineWatch | null) {
    this.#left = octets
    this.#watch = watch
  }

  push(chunk: Buffer): BodyPart {
    const body = chunk.subarray(0, this.#left)
    this.#left -= body.length
    this.#watch?.push(body)
    return { body, used: body.length, ended: this.#left === 0 }
  }
}
