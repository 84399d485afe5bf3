/**
 * A guard: a line that keeps harm away and that no one would miss on a good day. Its row says how to take it out, and which tests
 * then have to fail; `npm run test:guards` does so, one guard at a time.
 */
export interface Guard {
  /** The part, then what must not happen without the guard. */
  readonly name: string
  /** Relative to the project's folder. */
  readonly file: string
  /** The code that is the guard, as it stands there, exactly once. */
  readonly guard: string
  /** What stands in its place while it is gone: code that parses, and does all else. */
  readonly without: string
  /** Files of tests. */
  readonly tests: readonly string[]
  /** Only tests whose full name matches (a regular expression, as mocha's `--grep`); all of the files unless given. */
  readonly grep?: string
}

/** Why the text of a guard's file cannot be changed as it says, or the text with the guard gone. */
export const withoutGuard = (
  { file, guard, without }: Guard,
  text: string,
): { readonly problem: string } | { readonly text: string } => {
  const times = text.split(guard).length - 1
  if (times !== 1)
    return { problem: `its code is in ${file} ${times} times, not once: the row in test/guards has to follow the code` }
  // As a function: `$&` in code means nothing.
  return { text: text.replace(guard, () => without) }
}
