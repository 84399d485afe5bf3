/** Turns every line break of a message into CRLF (`mail.bareNewlines: normalize`). */
import type { Stage } from './stage.ts'

const CR = 0x0d
const LF = 0x0a

/**
 * A CR, an LF and a CRLF each become one CRLF; so does CR CR LF, which programs write that turn LF into CRLF twice. Holds at
 * most two octets back.
 */
export class NewlineNormalizer implements Stage {
  #heldCrs = 0

  /** @returns a new buffer, at most twice as long and a little */
  push(chunk: Buffer): Buffer {
    const out = Buffer.allocUnsafe(chunk.length * 2 + 4)
    let written = 0
    const lineBreaks = (count: number) => {
      for (let index = 0; index < count; index++) {
        out[written] = CR
        out[written + 1] = LF
        written += 2
      }
    }
    for (const octet of chunk) {
      if (octet === LF) {
        lineBreaks(1)
        this.#heldCrs = 0
      } else if (octet === CR) {
        if (this.#heldCrs === 2) lineBreaks(1)
        else this.#heldCrs += 1
      } else {
        lineBreaks(this.#heldCrs)
        this.#heldCrs = 0
        out[written] = octet
        written += 1
      }
    }
    return out.subarray(0, written)
  }

  /** What is held are CRs that end lines: no LF follows. */
  end(): Buffer {
    const breaks = Buffer.from('\r\n'.repeat(this.#heldCrs))
    this.#heldCrs = 0
    return breaks
  }
}
