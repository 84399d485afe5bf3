/** Dialogues of one row: its command succeeds, comes in the wrong state, has bad arguments; null where there is none. */
export interface Examples {
  readonly good: string
  /** Who is logged in when it is misplaced. */
  readonly misplaced: { readonly as?: 'alice'; readonly lines: string } | null
  readonly malformed: string | null
}

/** By the name of the row. Alice's home holds `a.txt` (12 octets), `folder/b "quoted".txt` and `folder/empty`. */
export type ExamplesByName = Readonly<Record<string, Examples>>

/** A command that needs a login, without one. */
export const beforeLogin = (command: string) => ({ lines: `C: ${command}\nS: 530 Log in first, with USER and PASS` })
/** An argument for a command that takes none. */
export const noArgument = (name: string) => `C: ${name} x\nS: 501 No argument is taken; syntax: ${name}`

/** A command of encryption on a connection that is not encrypted. */
export const inClear = (command: string, reply: string, malformed: string) =>
  ({ good: `C: ${command}\nS: ${reply}`, misplaced: null, malformed: `C: ${malformed}` }) as const
