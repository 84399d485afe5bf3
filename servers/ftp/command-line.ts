/** A command line's words. */
export interface CommandLine {
  /** All of it, a copy. */
  readonly octets: Buffer
  /** The first word, upper case; empty for an empty line. */
  readonly name: string
  /** What stands behind the first blank; null when there is none. */
  readonly argument: Buffer | null
}

const BLANK = 0x20
/** TELNET's data mark whose IAC went as urgent data, which the system keeps apart: it stays at the beginning of the line. */
const DATA_MARK = 0xf2

const longestName = 16

/** Splits a line: a name, a blank, an argument. The octets are a copy: the line may be kept. */
export const parseCommandLine = (view: Buffer): CommandLine => {
  const line = Buffer.from(view)
  const from = line[0] === DATA_MARK ? 1 : 0
  const blank = line.indexOf(BLANK, from)
  const end = blank === -1 ? line.length : blank
  // Anything longer is no command: its beginning is enough to say so.
  const name = line.toString('latin1', from, Math.min(end, from + longestName + 1)).toUpperCase()
  return { octets: line, name, argument: blank === -1 ? null : line.subarray(blank + 1) }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** An argument as text; undefined where it is not UTF-8 (RFC 2640 §2.2). */
export const argumentText = (argument: Buffer | null): string | null | undefined => {
  if (argument === null) return null
  try {
    return decoder.decode(argument)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
