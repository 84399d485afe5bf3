import type { JournalHealth } from './appender.ts'
import type { Level, Log } from './log.ts'

/** A file of plain lines beside the journal: the access log, the transfer log. */
export interface LineFile {
  /** Adds one line (without its line break; control characters already escaped). Never throws and never waits. */
  write(line: string): void
}

/** The logs of one service: `<service>.log` and the field's own formats beside it. */
export interface Journal {
  readonly log: Log
  /** `<service>.<kind>.log`, made at the first line: `access` (Combined Log Format), `transfer` (xferlog). */
  lines(kind: 'access' | 'transfer'): LineFile
  /** How its files are, taken together. */
  readonly health: JournalHealth
  /** From now on records of this level and more serious ones are kept. */
  keepFrom(level: Level): void
  /** Goes on in the files that have the names now: whoever rotates has moved the others away. */
  reopen(): void
  /**
   * Hands all that was written until now to the system, in this turn: after it the death of the process loses none of it. To be called
   * right before a client is promised something; costs nothing where nothing waits. A file that cannot be written is not tried again
   * for it. Never throws.
   */
  settle(): void
  /** Goes on in another folder, absolute; made when missing. Never throws. */
  moveTo(folder: string): void
  /** Resolves when all that was written until now is in the files. */
  flush(): Promise<void>
  /** Flushes and closes; what is written later is lost. */
  close(): Promise<void>
}

/** How a journal is opened. */
export interface JournalOptions {
  readonly service: string
  /** The logs' folder, absolute; made when missing. */
  readonly folder: string
  readonly level: Level
  /** Whether records of `info` and above are also shown on stdout, in a form for people. */
  readonly console: boolean
}
