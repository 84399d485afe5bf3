const LF = 0x0a
const CR = 0x0d

/**
 * The header of a message, the blank line and the first lines of its body (RFC 1939 §7 TOP); all of it where it has no blank line
 * or fewer lines. Reads no further than that. A line ends with LF, with or without CR.
 */
export async function* top(octets: AsyncIterable<Buffer>, bodyLines: number): AsyncGenerator<Buffer, void, void> {
  let inHeader = true
  let left = bodyLines
  // What the line that a chunk broke off has so far: nothing, only a CR, or more.
  let broken: 'nothing' | 'cr' | 'more' = 'nothing'
  for await (const chunk of octets) {
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      if (inHeader) {
        const blank =
          broken === 'nothing' ? end === start || (end === start + 1 && chunk[start] === CR) : broken === 'cr' && end === start
        inHeader = !blank
      } else left -= 1
      start = end + 1
      broken = 'nothing'
      if (!inHeader && left === 0) {
        yield chunk.subarray(0, start)
        return
      }
    }
    if (start < chunk.length) {
      broken = broken === 'nothing' && chunk.length === start + 1 && chunk[start] === CR ? 'cr' : 'more'
    }
    yield chunk
  }
}
