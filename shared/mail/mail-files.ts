/** Where mail lies. */
import { join } from 'node:path'

/** The store: all that must not be lost. */
export const mailFile = (data: string): string => join(data, 'mail.db')

/** The full-text index beside it, which is made again when it is missing. */
export const indexFile = (data: string): string => join(data, 'mail-index.db')

/** Both, with SQLite's own files beside them: SQLite opens these itself, which Node's permission model does not see, but they are removed too. */
export const mailFiles = (data: string): string[] =>
  [mailFile(data), indexFile(data)].flatMap((file) => ['', '-wal', '-shm'].map((suffix) => `${file}${suffix}`))
