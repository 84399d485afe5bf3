/** Handlers of commands about files and folders that need no data connection. */
import type { FileStat } from '../../shared/files/file-store.ts'
import * as journal from './journal.ts'
import { listingOf, longLines } from './listing.ts'
import { resolveFrom } from './paths.ts'
import { type Reply, replies } from './replies.ts'
import type { In, Outcome, Talk } from './session-state.ts'

type LoggedIn = In<'ready' | 'renaming'>

/** CWD. */
export const cwd = async (session: LoggedIn, path: string): Promise<Outcome> => {
  const folder = resolveFrom(session.folder, path)
  if ((await session.files.stat(folder)).kind !== 'folder') return { reply: replies.notAFolder }
  return { reply: replies.folderEntered, next: { ...session, state: 'ready', folder } }
}

/** CDUP. */
export const cdup = (session: LoggedIn): Promise<Outcome> => cwd(session, '..')

/** PWD. */
export const pwd = (session: LoggedIn): Outcome => ({ reply: replies.folder(session.folder) })

/** MKD. */
export const mkd = async (session: LoggedIn, path: string, talk: Talk): Promise<Outcome> => {
  const folder = resolveFrom(session.folder, path)
  await session.files.makeFolder(folder)
  journal.folderMade(talk.log, folder)
  return { reply: replies.folderMade(folder) }
}

/** RMD. */
export const rmd = async (session: LoggedIn, path: string, talk: Talk): Promise<Outcome> => {
  const folder = resolveFrom(session.folder, path)
  await session.files.removeFolder(folder)
  journal.folderRemoved(talk.log, folder)
  return { reply: replies.removed }
}

/** DELE. */
export const dele = async (session: LoggedIn, path: string, talk: Talk): Promise<Outcome> => {
  const file = resolveFrom(session.folder, path)
  await session.files.remove(file)
  journal.fileRemoved(talk.log, file)
  return { reply: replies.removed }
}

/** RNFR. */
export const rnfr = async (session: LoggedIn, path: string): Promise<Outcome> => {
  const from = resolveFrom(session.folder, path)
  await session.files.stat(from)
  return { reply: replies.renameFrom, next: { ...session, state: 'renaming', from } }
}

/** RNTO. */
export const rnto = async (session: In<'renaming'>, path: string, talk: Talk): Promise<Outcome> => {
  const to = resolveFrom(session.folder, path)
  await session.files.rename(session.from, to)
  journal.renamed(talk.log, session.from, to)
  return { reply: replies.renamed }
}

/** What is told of a file, and of nothing else. */
const ofFile = async (session: LoggedIn, path: string, told: (stat: FileStat) => Reply): Promise<Outcome> => {
  const stat = await session.files.stat(resolveFrom(session.folder, path))
  return { reply: stat.kind === 'file' ? told(stat) : replies.notAFile }
}

/** SIZE: what RETR would send now (RFC 3659 §4), which for text is known only by reading it all. */
export const size = async (session: LoggedIn, path: string, talk: Talk): Promise<Outcome> =>
  talk.parameters.type === 'ascii' ? { reply: replies.sizeInAscii } : ofFile(session, path, ({ octets }) => replies.size(octets))

/** MDTM. */
export const mdtm = (session: LoggedIn, path: string): Promise<Outcome> =>
  ofFile(session, path, ({ modifiedMs }) => replies.modified(modifiedMs))

/** Lines of a list that go out in one piece. */
const linesAtOnce = 500

/** STAT: of the session, or a list over the control connection (RFC 959 §4.1.3). */
export const stat = async (session: LoggedIn, words: string | null, talk: Talk): Promise<Outcome> => {
  if (words === null) return { reply: replies.status(talk.status()) }
  const listing = await listingOf(session.files, words, resolveFrom(session.folder, words))
  await talk.say(replies.listOpening)
  let lines: string[] = []
  for await (const line of longLines(listing, session.account)) {
    if (lines.push(line) < linesAtOnce) continue
    await talk.say(replies.listLines(lines))
    lines = []
  }
  if (lines.length > 0) await talk.say(replies.listLines(lines))
  return { reply: replies.listEnd }
}
