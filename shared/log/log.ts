/** What the operator must act on; what was refused or met a limit; one record a request; the dialogue. */
export type Level = 'error' | 'warn' | 'info' | 'debug'

/** An event's own fields. Values are data, never sentences; a password, token or message body is never among them. */
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined | readonly (string | number)[]>>

/**
 * Takes records. Only a part's `journal.ts` calls `write`, one function per event kind: there the event's name, level and
 * fields stand once.
 */
export interface Log {
  /** Takes one record; never throws and never waits. */
  write(level: Level, event: string, fields?: Fields): void
  /** A log whose records all carry these fields too. */
  with(fields: Fields): Log
  /** Whether records of this level are kept: spares the making of costly fields. */
  keeps(level: Level): boolean
}

/** A log that keeps nothing but errors: of what goes on all the time, and is of interest only when it fails. */
export const onlyErrors = (log: Log): Log => ({
  write: (level, event, fields) => {
    if (level === 'error') log.write(level, event, fields)
  },
  with: (fields) => onlyErrors(log.with(fields)),
  keeps: (level) => level === 'error' && log.keeps(level),
})
