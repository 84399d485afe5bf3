/** Handlers of commands that list files and folders. */
import { type Access, type FileEntry, FileError, type FileStat, type FileStore } from '../../shared/files/file-store.ts'
import { type FactName, factWriter, rightsIn, typeOf } from './facts.ts'
import * as journal from './journal.ts'
import type { ListRequest } from './list-request.ts'
import { bareLines, type Lines, type Listing, listingOf, longLines } from './listing.ts'
import { parentOf, resolveFrom } from './paths.ts'
import { replies } from './replies.ts'
import type { In, Outcome, Talk } from './session-state.ts'
import { sendLines } from './transfer.ts'

type LoggedIn = In<'ready' | 'renaming'>

const sendList = (path: string, lines: Lines, talk: Talk): Promise<Outcome> =>
  talk.transfer({
    direction: 'list',
    path,
    opening: replies.opening('the list', null),
    done: () => replies.listSent,
    broken: replies.brokenDownload,
    move: (socket, progress) => sendLines(lines, socket, talk.names, progress),
  })

/** LIST and NLST. */
const list =
  (lines: (files: FileStore, listing: Listing, account: string) => Lines) =>
  async (session: LoggedIn, request: ListRequest, talk: Talk): Promise<Outcome> => {
    const listing = await listingOf(session.files, request, session.folder)
    return sendList(resolveFrom(session.folder, request.path ?? '.'), lines(session.files, listing, session.account), talk)
  }

/** LIST. */
export const listLong = list(longLines)

/** NLST. */
export const listBare = list(bareLines)

/** MLSD. Always as the octets are, whatever TYPE says (RFC 3659 §7.2). */
export const mlsd = async (session: LoggedIn, words: string | null, talk: Talk): Promise<Outcome> => {
  const { files, folder } = session
  const path = resolveFrom(folder, words ?? '.')
  const stat = await files.stat(path)
  if (stat.kind === 'file') return { reply: replies.mlsdOfFile }
  await files.enter(path, { toList: true })
  const around = path === '/' ? null : await files.stat(parentOf(path))
  const lines = factLines(files.list(path), { path, current: folder, stat, around }, talk.parameters.facts, files.access)
  return sendList(path, lines, talk)
}

/** A folder that is listed. */
interface Listed {
  readonly path: string
  /** The current folder of the session. */
  readonly current: string
  readonly stat: FileStat
  /** The folder around it; null for the home. */
  readonly around: FileStat | null
}

/** Such a name cannot be told in a list so that its client could use it: it is left out (RFC 3659 §2.2). */
const breaksLines = (name: string): boolean => /[\r\n]/.test(name)

/**
 * The folder itself, the one around it, then what it holds. Both only where the type is told (RFC 3659 §7.5.1.2, §7.5.1.4). `.` means
 * the current folder: another one, whose other names would look to some clients like entries in it, has no such line.
 */
async function* factLines(
  entries: AsyncIterable<readonly FileEntry[]>,
  { path, current, stat, around }: Listed,
  facts: readonly FactName[],
  access: Access,
): AsyncGenerator<readonly string[], void, void> {
  const write = factWriter(facts, access)
  const inFolder = rightsIn(stat)
  if (facts.includes('type') && path === current) {
    yield [write({ stat, type: 'cdir', inFolder: around === null ? null : rightsIn(around) }, '.')]
  }
  if (facts.includes('type') && around !== null) yield [write({ stat: around, type: 'pdir', inFolder: null }, '..')]
  for await (const some of entries) {
    yield some
      .filter(({ name }) => !breaksLines(name))
      .map((entry) => write({ stat: entry, type: typeOf(entry), inFolder }, entry.name))
  }
}

/** STAT: of the session, or a list over the control connection (RFC 959 §4.1.3), which ABOR ends early. */
export const stat = async (
  session: In<'ready' | 'renaming' | 'transferring'>,
  request: ListRequest,
  talk: Talk,
): Promise<Outcome> => {
  if (request.bare) return { reply: replies.status(talk.status()) }
  const listing = await listingOf(session.files, request, session.folder)
  const code = listing.of === 'folder' ? 212 : 213
  return talk.interruptible(async (signal) => {
    let opened = false
    const send = async (lines: readonly string[]) => {
      if (!opened) await talk.say(replies.listOpening(code))
      opened = true
      if (lines.length > 0) await talk.say(replies.listLines(code, lines))
    }
    try {
      for await (const lines of longLines(session.files, listing, session.account)) {
        if (signal.aborted) break
        await send(lines)
      }
      await send([])
      return { reply: replies.listEnd(code) }
    } catch (error) {
      if (!opened) throw error
      // Its beginning is said: another reply would stand in the middle of this one.
      if (!(error instanceof FileError)) journal.failed(talk.log, 'STAT', error)
      return { reply: replies.listBroken(code) }
    }
  })
}
