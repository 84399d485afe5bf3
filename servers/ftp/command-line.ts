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
/**
 * TELNET's commands begin here. Of IAC IP IAC DM before ABOR one octet is urgent, which the system keeps apart, and clients differ in which
 * (the first: lftp; the last: what sends all four so; the third: the ftp of BSD): what is left of the sequence stays at the beginning of
 * the line. No command begins so.
 */
const leastTelnetCommand = 0xf0

const longestName = 16

/** Splits a line: a name, a blank, an argument. The octets are a copy: the line may be kept. */
export const parseCommandLine = (view: Buffer): CommandLine => {
  const line = Buffer.from(view)
  let from = 0
  while ((line[from] ?? 0) >= leastTelnetCommand) from += 1
  const blank = line.indexOf(BLANK, from)
  const end = blank === -1 ? line.length : blank
  // Anything longer is no command: its beginning is enough to say so.
  const name = line.toString('latin1', from, Math.min(end, from + longestName + 1)).toUpperCase()
  return { octets: line, name, argument: blank === -1 ? null : line.subarray(blank + 1) }
}
