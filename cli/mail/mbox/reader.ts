/** Reads an mbox of any program and any size, from its begin to its end. */
import { open } from 'node:fs/promises'
import { fieldOf, headerFields } from '../../../shared/mail/header.ts'
import type { FolderReader, IncomingMessage, LeftOut } from '../folder.ts'
import { hasUtf8Header, returnPathOf } from '../head-facts.ts'
import { hasCrlf, withCrlf } from '../line-ends.ts'
import { FileWindow } from './file-window.ts'
import { flagsOf } from './mark.ts'
import { unquoted } from './quoting.ts'
import { type Place, placesIn } from './scanner.ts'

/** Messages up to this size are read once. */
const smallOctets = 1024 * 1024

/** @throws {PermanentError} (when it is read) the file is no mbox; the system's errors */
export const readMbox = async (path: string): Promise<FolderReader> => {
  const file = await open(path)
  const { size, mtime } = await file.stat()
  const window = new FileWindow(file, size)
  const leftOut: LeftOut[] = []
  return {
    messages: null,
    octets: size,
    leftOut,
    read: () => messagesIn(window, path, mtime, leftOut),
    close: () => file.close(),
  }
}

async function* messagesIn(window: FileWindow, path: string, fallback: Date, leftOut: LeftOut[]): AsyncGenerator<IncomingMessage> {
  let number = 0
  for await (const place of placesIn(window, path)) {
    number += 1
    if (isBookkeeping(place)) leftOut.push({ what: `message ${number}: a mail program's notes about the folder`, messages: 1 })
    else yield await incoming(window, place, `message ${number} (at octet ${place.start})`, fallback)
  }
}

/** UW-IMAP and those after it keep their notes in a message of their own. */
const isBookkeeping = ({ mark, head }: Place): boolean => {
  if (mark !== null || !head.subarray(0, 2000).includes('X-IMAP')) return false
  const fields = headerFields(head)
  return fieldOf(fields, 'x-imap') !== null && fieldOf(fields, 'subject')?.startsWith("DON'T DELETE THIS MESSAGE") === true
}

const incoming = async (window: FileWindow, place: Place, name: string, fallback: Date): Promise<IncomingMessage> => {
  const { mark, start, end, head } = place
  // Read now: the window goes on.
  const small = end - start <= smallOctets ? (await window.at(start, end - start)).subarray(0, end - start) : null
  const chunks = () => (small === null ? window.range(start, end) : inMemory(small))
  return { name, octets: end - start, ...(mark ?? facts(place, head, fallback)), open: () => asKept(place, chunks) }
}

/** What another program's message tells. Its own fields stay where they are. */
const facts = ({ from }: Place, head: Buffer, fallback: Date) => {
  const fields = headerFields(head)
  return {
    receivedAt: new Date(from.timeMs ?? dateOf(fieldOf(fields, 'date')) ?? fallback),
    sender: from.sender ?? returnPathOf(head) ?? '',
    flags: flagsOf(fieldOf(fields, 'status') ?? '', fieldOf(fields, 'x-status') ?? ''),
    utf8: hasUtf8Header(head),
  }
}

const dateOf = (text: string | null): number | null => {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? null : ms
}

async function* asKept({ mark, isQuoted }: Place, chunks: () => AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const isAsIs = mark?.asIs === true || (await hasCrlf(chunks()))
  const text = isQuoted ? unquoted(chunks()) : chunks()
  yield* isAsIs ? text : withCrlf(text)
}

async function* inMemory(octets: Buffer): AsyncGenerator<Buffer> {
  if (octets.length > 0) yield octets
}
