/**
 * Delimiters of MIME with blanks behind them, which a relay may have put there, and which a reader has to take for delimiters (RFC 2046
 * §5.1.1, `transport-padding`). The splitter below mailparser 3.9.31 does not: without this, such a message has no parts at all.
 */
import type { MailParser } from 'mailparser'

/** Has a parser that was not written to yet see them. Nothing of the message is changed: a line counts where its parts are the boundary. */
export const seePaddedDelimiters = (parser: MailParser): void => {
  const splitter: unknown = Reflect.get(parser, 'splitter')
  /** Tells for a line, with its end, which delimiter of the part that is being read it is; false: none. */
  const check: unknown = typeof splitter === 'object' && splitter !== null ? Reflect.get(splitter, 'checkBoundary') : undefined
  if (typeof splitter !== 'object' || splitter === null || typeof check !== 'function')
    throw new TypeError('mailparser is not the one that this was written for')
  const checkPadded = (line: Buffer): unknown => {
    const found: unknown = Reflect.apply(check, splitter, [line])
    if (found !== false) return found
    const bare = withoutPadding(line)
    return bare === null ? false : Reflect.apply(check, splitter, [bare])
  }
  Reflect.set(splitter, 'checkBoundary', checkPadded)
}

const [lineFeed, carriageReturn, tab, blank] = [0x0a, 0x0d, 0x09, 0x20]

/** The line without the blanks before its end; null: it has none. */
const withoutPadding = (line: Buffer): Buffer | null => {
  let end = line.length
  if (line[end - 1] === lineFeed) end -= 1
  if (line[end - 1] === carriageReturn) end -= 1
  let begin = end
  while (line[begin - 1] === blank || line[begin - 1] === tab) begin -= 1
  return begin === end ? null : Buffer.concat([line.subarray(0, begin), line.subarray(end)])
}
