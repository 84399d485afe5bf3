/** Reads a Maildir, while other programs may change flags in it. */
import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FolderReader, IncomingMessage, LeftOut } from '../folder.ts'
import { hasUtf8Header, returnPathOf } from '../head-facts.ts'
import { inOrder } from '../in-order.ts'
import { hasCrlf, headOctets, withCrlf } from '../line-ends.ts'
import { type ParsedName, parseName } from './name.ts'
import { readSenders } from './senders-file.ts'

/** Files that are looked at ahead. */
const mostAhead = 16

/** A file system that keeps whole seconds, or every other one, has the same time as the name, only coarser. */
const coarseMs = 2_000

/** A message's file. */
interface Found extends ParsedName {
  /** `new` or `cur` of the Maildir or of a folder in it. */
  readonly folder: string
  /** Octets of the name as Latin-1: it may be in any character set. */
  readonly name: string
  readonly octets: number
  readonly receivedAt: Date
  readonly senders: ReadonlyMap<string, string>
}

/** Which folders: the Maildir itself, and with `subfolders` those in it (Maildir++: `.Sent`, `.Archive.2025`). */
export interface MaildirOptions {
  readonly subfolders: boolean
}

/** Whether it is one: a folder with `cur` or `new` in it. */
export const isMaildir = async (path: string): Promise<boolean> => {
  const names = await readdir(path)
  return names.includes('cur') || names.includes('new')
}

/** Finds what there is. @throws {PermanentError} what Havre wrote beside the messages is damaged; the system's errors */
export const readMaildir = async (path: string, { subfolders }: MaildirOptions): Promise<FolderReader> => {
  const leftOut: LeftOut[] = []
  const found = [...(await filesIn(path, leftOut))]
  for (const name of (await readdir(path)).sort()) {
    const folder = join(path, name)
    if (!/^\.[^.]/.test(name) || !(await isMaildirFolder(folder))) continue
    const files = await filesIn(folder, subfolders ? leftOut : [])
    if (subfolders) found.push(...files)
    else leftOut.push({ what: `folder ${name.slice(1)} (--folders takes it too)`, messages: files.length })
  }
  const ordered = inMailboxOrder(found)
  return {
    messages: ordered.length,
    octets: ordered.reduce((sum, { octets }) => sum + octets, 0),
    leftOut,
    read: () => inOrder(ordered, mostAhead, incoming),
    close: async () => undefined,
  }
}

const isMaildirFolder = async (path: string): Promise<boolean> => (await stat(path)).isDirectory() && (await isMaildir(path))

/** A name of any octets behind a folder. */
const pathOf = (folder: string, name: string): Buffer => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')])

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

const filesIn = async (path: string, leftOut: LeftOut[]): Promise<Found[]> => {
  const senders = await readSenders(path)
  const found: Found[] = []
  let odd = 0
  for (const folder of [join(path, 'new'), join(path, 'cur')]) {
    const names = await namesIn(folder)
    for await (const file of inOrder(names, mostAhead, (name) => look(folder, name, senders)))
      if (file === 'odd') odd += 1
      else if (file !== null) found.push(file)
  }
  if (odd > 0) leftOut.push({ what: `${path}: no regular files`, messages: odd })
  return found
}

/** Names that begin with a dot are no messages. */
const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder, 'latin1')).filter((name) => !name.startsWith('.'))
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Null when it is gone by now. */
const look = async (folder: string, name: string, senders: Found['senders']): Promise<Found | 'odd' | null> => {
  try {
    const file = await stat(pathOf(folder, name))
    if (!file.isFile()) return 'odd'
    const parsed = parseName(name)
    const receivedAt = new Date(arrival(Math.round(file.mtimeMs), parsed.timeMs))
    // In `new` nobody has seen it, whatever the name says.
    return { ...parsed, folder, name, octets: file.size, receivedAt, senders }
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/**
 * The earlier of the file's time and the name's: a copy that does not keep the times has a later file, a program that puts an old
 * message into the folder gives it a later name. Where both mean the same moment, the finer one.
 */
const arrival = (fileMs: number, nameMs: number | null): number => {
  if (nameMs === null) return fileMs
  if (Math.abs(fileMs - nameMs) < coarseMs) return nameMs % 1000 === 0 ? Math.max(fileMs, nameMs) : nameMs
  return Math.min(fileMs, nameMs)
}

/** What Havre wrote in its old order; the rest by the time of arrival, merged into it. */
const inMailboxOrder = (found: readonly Found[]): readonly Found[] => {
  const time = ({ receivedAt }: Found) => receivedAt.getTime()
  const own = found.filter((each) => each.own !== null).sort((a, b) => (a.own?.place ?? 0) - (b.own?.place ?? 0))
  const rest = found
    .filter((each) => each.own === null)
    .sort((a, b) => time(a) - time(b) || (a.base < b.base ? -1 : a.base > b.base ? 1 : 0))
  const merged: Found[] = []
  let at = 0
  for (const each of rest) {
    for (let next = own[at]; next !== undefined && time(next) <= time(each); next = own[at]) {
      merged.push(next)
      at += 1
    }
    merged.push(each)
  }
  return [...merged, ...own.slice(at)]
}

/** The file as it is called now: a mail program may have moved it to `cur`, or changed its flags. */
const located = async ({ folder, name, base }: Found): Promise<Buffer> => {
  const path = pathOf(folder, name)
  try {
    await stat(path)
    return path
  } catch (error) {
    if (!isMissing(error)) throw error
    const current = join(folder, '..', 'cur')
    const moved = (await readdir(current, 'latin1')).find((each) => parseName(each).base === base)
    if (moved === undefined) throw error
    return pathOf(current, moved)
  }
}

async function* chunksOf(path: Buffer): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path)) yield chunk
}

/** So many octets of the beginning, or all of a shorter file. */
const headOf = async (path: Buffer, most: number): Promise<Buffer> => {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(most), 0, most, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

const incoming = async (found: Found): Promise<IncomingMessage> => {
  const { own, base, flags, receivedAt, octets, folder, name } = found
  const path = await located(found)
  const head = await headOf(path, Math.min(octets, headOctets))
  return {
    name: join(folder, name),
    octets,
    receivedAt,
    flags,
    utf8: own === null ? hasUtf8Header(head) : own.utf8,
    sender: (own?.sender === true ? found.senders.get(base) : returnPathOf(head)) ?? '',
    open: () => asKept(path, own?.asIs === true, octets <= head.length ? head : null),
  }
}

/** @param small all of it, where that was read already */
async function* asKept(path: Buffer, asIs: boolean, small: Buffer | null): AsyncGenerator<Buffer> {
  const chunks = () => (small === null ? chunksOf(path) : inMemory(small))
  yield* asIs || (await hasCrlf(chunks())) ? chunks() : withCrlf(chunks())
}

async function* inMemory(octets: Buffer): AsyncGenerator<Buffer> {
  yield octets
}
