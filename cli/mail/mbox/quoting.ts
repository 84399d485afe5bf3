/**
 * Quoting of lines that would begin a message: in *mboxrd* each line of `>`s and `From ` gets one `>` more, which can be taken away again
 * without a doubt.
 */

const from = Buffer.from('From ')
const quote = Buffer.from('>')
const lf = 0x0a
const greater = 0x3e

/** Adds a `>` to each such line. */
export const quoted = (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> => rewritten(chunks, 'quote')

/** Takes a `>` from each such line that has one. */
export const unquoted = (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> => rewritten(chunks, 'unquote')

type How = 'quote' | 'unquote'

/** What stands at the begin of a line, or behind `>`s of one: `quotes` of them, then (or not, or not yet known) `From `. */
const lookAt = (octets: Buffer, start: number): { readonly quotes: number; readonly isFrom: boolean | null } => {
  let at = start
  while (octets[at] === greater) at += 1
  const there = octets.subarray(at, at + from.length)
  const isPrefix = there.equals(from.subarray(0, there.length))
  return { quotes: at - start, isFrom: isPrefix && there.length < from.length ? null : isPrefix }
}

/**
 * One `>` of many is like the other, so the one right before `From` is added or taken; what is known of the line until then may have
 * gone already, however long it is.
 */
async function* rewritten(chunks: AsyncIterable<Buffer>, how: How): AsyncGenerator<Buffer> {
  let octets: Buffer = Buffer.alloc(0)
  let atLineStart = true
  for await (const chunk of chunks) {
    octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk])
    const parts: Buffer[] = []
    let done = 0
    let at = atLineStart ? 0 : lineAfter(octets, 0)
    atLineStart = false
    while (at !== null) {
      const { quotes, isFrom } = lookAt(octets, at)
      const word = at + quotes
      if (isFrom === null) {
        // Undecided: it goes on with the next chunk, from the last `>` that may have to go.
        const kept = how === 'unquote' && quotes > 0 ? word - 1 : word
        parts.push(octets.subarray(done, kept))
        done = kept
        atLineStart = true
        break
      }
      if (isFrom && how === 'quote') {
        parts.push(octets.subarray(done, word), quote)
        done = word
      } else if (isFrom && quotes > 0) {
        parts.push(octets.subarray(done, word - 1))
        done = word
      }
      at = lineAfter(octets, word)
    }
    if (!atLineStart) {
      parts.push(octets.subarray(done))
      octets = Buffer.alloc(0)
    } else octets = octets.subarray(done)
    yield parts.length === 1 ? (parts[0] ?? octets) : Buffer.concat(parts)
  }
  if (octets.length > 0) yield octets
}

/** Where the next line begins; null when this one does not end here. Its begin may be the end of the octets. */
const lineAfter = (octets: Buffer, start: number): number | null => {
  const end = octets.indexOf(lf, start)
  return end === -1 ? null : end + 1
}
