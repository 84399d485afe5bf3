/** Mail folders of other programs, as `export` writes and `import` reads them. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** The two formats that every mail program knows in some way. */
export const formats = ['maildir', 'mbox'] as const
export type Format = (typeof formats)[number]

/** What is known of a message besides its octets. */
export interface MessageFacts {
  /** When it arrived. */
  readonly receivedAt: Date
  /** Envelope sender; empty for the null reverse-path. */
  readonly sender: string
  /** Letters as Maildir has them, sorted. */
  readonly flags: string
  /** It came with SMTPUTF8. */
  readonly utf8: boolean
}

/** A message on its way out. */
export interface OutgoingMessage extends MessageFacts {
  readonly octets: number
  /** Its octets from the first to the last; may be called again. */
  open(): AsyncIterable<Buffer>
}

/** A folder that is being written. Exactly one of finish and abandon ends it. */
export interface FolderWriter {
  /** Adds a message behind those before it; resolves when the next one may come. */
  add(message: OutgoingMessage): Promise<void>
  /** Makes all of it visible and durable. */
  finish(): Promise<void>
  /** Takes back what was written. Never rejects. */
  abandon(): Promise<void>
}

/** A message on its way in. */
export interface IncomingMessage extends MessageFacts {
  /** What to call it when something is wrong with it: its file, or its place in the file. */
  readonly name: string
  /** What it takes in the folder, for the progress. */
  readonly octets: number
  /** Its octets as Havre keeps them: CRLF line ends. Called once. */
  open(): AsyncIterable<Buffer>
}

/** What an import does not take, and says so. */
export interface LeftOut {
  readonly what: string
  readonly messages: number
}

/** A folder that is read. */
export interface FolderReader {
  /** Null where only reading all of it would tell. */
  readonly messages: number | null
  readonly octets: number
  readonly leftOut: readonly LeftOut[]
  /** In the order in which they are to lie in the mailbox. */
  read(): AsyncIterable<IncomingMessage>
  close(): Promise<void>
}

/** What lies at a path; `other` is neither file nor folder. */
export type Target = 'absent' | 'empty-file' | 'file' | 'empty-folder' | 'folder' | 'other'

/** What lies there, links followed. */
export const targetAt = async (path: string): Promise<Target> => {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found === null) return 'absent'
  if (found.isFile()) return found.size === 0 ? 'empty-file' : 'file'
  if (!found.isDirectory()) return 'other'
  return (await readdir(path)).length === 0 ? 'empty-folder' : 'folder'
}

/** Whether there is a folder of that name in a folder. */
export const hasFolder = async (path: string, name: string): Promise<boolean> =>
  ['folder', 'empty-folder'].includes(await targetAt(join(path, name)))
