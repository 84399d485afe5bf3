/**
 * A message with its header in ASCII (RFC 6857), for a client that takes nothing else: fields beyond it are told in it, all others and
 * the body are as they came, octet for octet. The same octets give the same, in whatever chunks they come.
 */
import { isAscii } from 'node:buffer'
import { toldField, toldRest } from './field.ts'

const LF = 0x0a
const CR = 0x0d

/** A field that is longer is told in pieces of this size: no more of a header is ever held. */
const longestFieldOctets = 1024 * 1024

const nothing: Buffer = Buffer.alloc(0)

const isBlank = (octet: number | undefined): boolean => octet === 0x20 || octet === 0x09

/** One message on its way out. */
export class Downgrading {
  /** What came of the field that is not over. */
  #held: Buffer = nothing
  /** Where its last line begins in it; below zero where that was told already. */
  #line = 0
  /** Its beginning was told already. */
  #goesOn = false
  #inBody = false
  #changed = false

  /** The empty line came: what follows goes out as it comes. */
  get inBody(): boolean {
    return this.#inBody
  }

  /** Something was told otherwise than it came. */
  get changed(): boolean {
    return this.#changed
  }

  /** What goes out for these octets; what is held back comes with the next ones. */
  take(chunk: Buffer): readonly Buffer[] {
    if (this.#inBody) return [chunk]
    const all = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const told: Buffer[] = []
    let begin = 0
    let line = this.#line
    for (let end = all.indexOf(LF, Math.max(line, 0)); end !== -1; end = all.indexOf(LF, line)) {
      begin = this.#fieldsBefore(line, begin, all, told)
      if (end === line || (end === line + 1 && all[line] === CR)) {
        this.#inBody = true
        this.#held = nothing
        return [Buffer.concat(told), all.subarray(begin)]
      }
      line = end + 1
      begin = this.#piecesBefore(line, begin, all, told)
    }
    begin = this.#piecesBefore(all.length, this.#fieldsBefore(line, begin, all, told), all, told)
    // A copy: the store may make the next chunk in the same memory.
    this.#held = Buffer.from(all.subarray(begin))
    this.#line = line - begin
    return [Buffer.concat(told)]
  }

  /** What was held back, of a message that ends within its header. */
  end(): Buffer {
    return this.#told(this.#held)
  }

  /** Tells the field that is over where this line does not continue it (RFC 5322 §2.2.3). @returns where the next one begins */
  #fieldsBefore(line: number, begin: number, all: Buffer, told: Buffer[]): number {
    if (line <= begin || line >= all.length || isBlank(all[line])) return begin
    told.push(this.#told(all.subarray(begin, line)))
    this.#goesOn = false
    return line
  }

  /** Tells what is too much of a field that goes up to there at least. @returns where the rest begins */
  #piecesBefore(end: number, begin: number, all: Buffer, told: Buffer[]): number {
    let from = begin
    while (end - from > longestFieldOctets) {
      let cut = from + longestFieldOctets
      // Neither a character nor a line break is cut.
      for (let back = 0; back < 3 && (all[cut] === LF || ((all[cut] ?? 0) & 0xc0) === 0x80); back += 1) cut -= 1
      told.push(this.#told(all.subarray(from, cut)))
      this.#goesOn = true
      from = cut
    }
    return from
  }

  #told(octets: Buffer): Buffer {
    if (isAscii(octets)) return octets
    this.#changed = true
    return this.#goesOn ? toldRest(octets) : toldField(octets)
  }
}

/** A message in ASCII, as far as its header goes. */
export async function* downgraded(octets: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const downgrading = new Downgrading()
  for await (const chunk of octets) {
    for (const told of downgrading.take(chunk)) if (told.length > 0) yield told
  }
  const rest = downgrading.end()
  if (rest.length > 0) yield rest
}
