/**
 * mailparser 3.9.31 within bounds: it keeps the text of a message in memory, however much there is, and a message of 200 MB may be text.
 * Octets of text beyond a bound are not handed to it.
 */
import type { MailParser, MailParserOptions } from 'mailparser'
import { seePaddedDelimiters } from './padded-delimiters.ts'

/** Bounds on what one message may cost. */
export const bounds = {
  /** Octets of all texts of a message, before they are decoded: more than anybody reads. */
  textOctets: 4 * 1024 * 1024,
  /** Characters of HTML that are turned into text; that takes 40 times as much memory. */
  htmlCharacters: 512 * 1024,
  /** Octets of the header of one part, and of all parts together. */
  headOctets: 256 * 1024,
  headsOctets: 2 * 1024 * 1024,
  /** Parts of a message, and how deep one lies within the other. */
  parts: 1000,
} as const

/** Handed through to the splitter below mailparser, whose options they are. */
const options: MailParserOptions & { maxHeadSize: number; maxChildNodes: number } = {
  skipImageLinks: true,
  skipTextLinks: true,
  skipTextToHtml: true,
  maxHtmlLengthToParse: bounds.htmlCharacters,
  maxHeadSize: bounds.headOctets,
  maxChildNodes: bounds.parts,
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

/** As mailparser's own splitter fails at its bounds. */
class TooComplexError extends Error {
  readonly code = 'EMAXLEN'
}

/** mailparser that leaves out text beyond the bound, and says so. */
export interface BoundedParser extends MailParser {
  /** Text was left out. */
  readonly isCut: boolean
  /** The HTML of the message, as it came: for when mailparser makes no text of it. */
  htmlTexts(): readonly string[]
}

/** A parser for one message. Loads mailparser, which is large, when it is first called. */
export const createBoundedParser = async (): Promise<BoundedParser> => {
  const { MailParser: Base } = await import('mailparser')
  /** A method of mailparser that is not in its types: takes one piece of a message, and calls `done` when it wants the next. */
  const processChunk: unknown = Reflect.get(Base.prototype, 'processChunk')
  class Bounded extends Base implements BoundedParser {
    #textOctets = 0
    #headsOctets = 0

    constructor() {
      super(options)
      seePaddedDelimiters(this)
    }

    get isCut(): boolean {
      return this.#textOctets > bounds.textOctets
    }

    htmlTexts(): readonly string[] {
      const texts: string[] = []
      const left: unknown[] = [Reflect.get(this, 'tree')]
      for (let part = left.pop(); part !== undefined; part = left.pop()) {
        const [text, children] = [fieldOf(part, 'textContent'), fieldOf(part, 'children')]
        if (fieldOf(part, 'contentType') === 'text/html' && typeof text === 'string') texts.push(text)
        if (Array.isArray(children)) left.push(...children.toReversed())
      }
      return texts
    }

    /** Called by mailparser for each piece. */
    processChunk(piece: unknown, done: (error?: Error) => void): void {
      const part: unknown = Reflect.get(this, 'curnode')
      const head = fieldOf(piece, '_headerlen')
      if (fieldOf(piece, 'type') === 'node' && typeof head === 'number') this.#headsOctets += head
      if (this.#headsOctets > bounds.headsOctets) {
        done(new TooComplexError())
        return
      }
      const value = fieldOf(piece, 'value')
      if (fieldOf(piece, 'type') === 'body' && fieldOf(part, 'isAttachment') !== true && Buffer.isBuffer(value)) {
        this.#textOctets += value.length
        if (this.isCut) {
          setImmediate(done)
          return
        }
      }
      if (typeof processChunk !== 'function') throw new TypeError('mailparser is not the one that this was written for')
      Reflect.apply(processChunk, this, [piece, done])
    }
  }
  return new Bounded()
}
