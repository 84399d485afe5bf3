import type { Journal } from '../../shared/log/journal.ts'
import type { Fields, Level, Log } from '../../shared/log/log.ts'

/** A record as a protocol wrote it. */
export interface CapturedRecord {
  readonly level: Level
  readonly event: string
  readonly fields: Fields
}

/** A journal in memory; keeps all levels. */
export interface CapturedJournal extends Journal {
  readonly records: readonly CapturedRecord[]
  /** Lines of `access` and `transfer` files. */
  readonly written: Readonly<Record<'access' | 'transfer', readonly string[]>>
  /** So many of the records, and of the lines, are with the system for sure. */
  readonly settled: { readonly records: number; readonly lines: number }
  /** The records of one event, oldest first. */
  of(event: string): readonly CapturedRecord[]
  /** Forgets all records and lines, for tests that measure memory. */
  forget(): void
  /** All of it as one text, to look for what must not be in it. */
  text(): string
}

/** A journal in memory. @param conversations whether it says that it keeps what is said in conversations */
export const capturedJournal = (conversations = true): CapturedJournal => {
  const records: CapturedRecord[] = []
  const written = { access: [] as string[], transfer: [] as string[] }
  const settled = { records: 0, lines: 0 }
  const logWith = (bound: Fields): Log => ({
    write: (level, event, fields = {}) => {
      records.push({ level, event, fields: { ...bound, ...fields } })
    },
    with: (fields) => logWith({ ...bound, ...fields }),
    keeps: (level) => level !== 'debug' || conversations,
  })
  return {
    records,
    written,
    log: logWith({}),
    lines: (kind) => ({
      write: (line) => {
        written[kind].push(line)
      },
    }),
    health: { ok: true, error: null, dropped: 0 },
    reopen: () => undefined,
    moveTo: () => undefined,
    keepFrom: () => undefined,
    settled,
    settle: () => {
      settled.records = records.length
      settled.lines = written.access.length + written.transfer.length
    },
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
    of: (event) => records.filter((record) => record.event === event),
    forget: () => {
      records.length = 0
      for (const lines of Object.values(written)) lines.length = 0
    },
    text: () => [...records.map((record) => JSON.stringify(record)), ...written.access, ...written.transfer].join('\n'),
  }
}
