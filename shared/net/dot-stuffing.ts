const LF = 0x0a
const CR = 0x0d
const DOT = 0x2e
const lineWithDot = Buffer.from('\n.')

/**
 * Makes a text the body of a multi-line reply (RFC 1939 §3): a dot is put before every line that begins with one, and the line
 * `.` ends it, however the text is cut into chunks. A line here begins after any LF: most clients end lines at a bare LF too, and a
 * dot behind one would end the reply for them. Only such text, which SMTP does not let in, reaches strict clients with one dot more.
 */
export class DotStuffer {
  #atLineStart = true
  #lastIsCr = false
  #complete = true

  /** @returns the chunk itself where nothing is to be stuffed, else a new buffer */
  push(chunk: Buffer): Buffer {
    const { length } = chunk
    if (length === 0) return chunk
    const begins = this.#atLineStart && chunk[0] === DOT
    const firstDot = begins ? 0 : chunk.indexOf(lineWithDot) + 1
    const last = chunk[length - 1]
    const beforeLast = length > 1 ? chunk[length - 2] === CR : this.#lastIsCr
    this.#atLineStart = last === LF
    this.#lastIsCr = last === CR
    this.#complete = last === LF && beforeLast
    return begins || firstDot > 0 ? stuffed(chunk, firstDot) : chunk
  }

  /** What ends the reply. A last line without CRLF gets one; those two octets belong to the end, not to the text. */
  end(): string {
    return this.#complete ? '.\r\n' : '\r\n.\r\n'
  }
}

/** Octet by octet from the first dot on: the time stays linear where every line begins with one. */
const stuffed = (chunk: Buffer, firstDot: number): Buffer => {
  const { length } = chunk
  const out = Buffer.allocUnsafe(length + ((length - firstDot) >> 1) + 1)
  chunk.copy(out, 0, 0, firstDot)
  out[firstDot] = DOT
  let to = firstDot + 1
  let previous = DOT
  for (let from = firstDot; from < length; from++) {
    const octet = chunk[from] ?? 0
    if (octet === DOT && previous === LF) out[to++] = DOT
    out[to++] = octet
    previous = octet
  }
  return out.subarray(0, to)
}
