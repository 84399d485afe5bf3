/**
 * A line as it arrived, without its line break, or the fact that one was over the limit: its octets are gone, and how many they were is
 * told. `bare`: its line break was LF alone.
 */
export type Line =
  | { readonly kind: 'line'; readonly octets: Buffer; readonly bare?: true }
  | { readonly kind: 'too-long'; readonly length: number }

const LF = 0x0a
const CR = 0x0d

/**
 * Cuts a stream of octets into lines, however it is split into packets. A line ends with LF; one CR before it belongs to the
 * line break. A line over the limit is told once, at its end, and all of it is dropped: its tail never runs as a command.
 * Never holds more than the limit.
 */
export class LineSplitter {
  readonly #maxOctets: number
  #held: Buffer = Buffer.alloc(0)
  #heldOctets = 0
  /** Of the line over the limit that has not ended; 0: there is none. */
  #droppedOctets = 0

  /** @param maxOctets the longest line, its line break included */
  constructor(maxOctets: number) {
    this.#maxOctets = maxOctets
  }

  /** Takes octets and yields the lines that they complete. The lines may be views of the chunk: use them before it is reused. */
  *push(chunk: Buffer): Generator<Line, void, void> {
    let start = 0
    while (start < chunk.length) {
      const end = chunk.indexOf(LF, start)
      if (end === -1) {
        this.#hold(chunk.subarray(start))
        return
      }
      const line = this.#complete(chunk.subarray(start, end + 1))
      start = end + 1
      yield line
    }
  }

  /** Octets of the unfinished line that are held. */
  get pending(): number {
    return this.#heldOctets
  }

  /** Forgets the unfinished line. */
  clear(): void {
    this.#heldOctets = 0
    this.#droppedOctets = 0
  }

  #hold(part: Buffer): void {
    const octets = this.#heldOctets + part.length
    if (this.#droppedOctets > 0 || octets > this.#maxOctets) {
      this.#heldOctets = 0
      this.#droppedOctets += octets
      return
    }
    // Doubled, not joined part by part: a line that comes octet by octet costs no more than one that comes whole.
    if (octets > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#maxOctets, Math.max(128, octets, this.#held.length * 2)))
      this.#held.copy(grown, 0, 0, this.#heldOctets)
      this.#held = grown
    }
    part.copy(this.#held, this.#heldOctets)
    this.#heldOctets = octets
  }

  #complete(tail: Buffer): Line {
    const length = this.#droppedOctets + this.#heldOctets + tail.length
    const tooLong = length > this.#maxOctets
    const whole = tooLong || this.#heldOctets === 0 ? tail : Buffer.concat([this.#held.subarray(0, this.#heldOctets), tail])
    this.clear()
    if (tooLong) return { kind: 'too-long', length }
    const end = whole.length - 1
    return end > 0 && whole[end - 1] === CR
      ? { kind: 'line', octets: whole.subarray(0, end - 1) }
      : { kind: 'line', octets: whole.subarray(0, end), bare: true }
  }
}
