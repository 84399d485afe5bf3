/** Handlers of commands that move octets over a data connection. */
import { FileError } from '../../shared/files/file-store.ts'
import { bareLines, type Listing, listingOf, longLines } from './listing.ts'
import { baseName, resolveFrom } from './paths.ts'
import { replies } from './replies.ts'
import type { In, Outcome, Talk } from './session-state.ts'
import { receiveFile, sendFile, sendLines } from './transfer.ts'

type LoggedIn = In<'ready' | 'renaming'>

/** RETR. */
export const retr = async (session: LoggedIn, words: string, talk: Talk): Promise<Outcome> => {
  const { restart, type } = talk.parameters
  if (restart > 0 && type === 'ascii') return { reply: replies.restartInAscii }
  const path = resolveFrom(session.folder, words)
  const file = await session.files.open(path)
  try {
    const { octets } = file.stat
    if (restart > octets) return { reply: replies.restartBeyond }
    return await talk.transfer({
      direction: 'download',
      path,
      opening: replies.opening(baseName(path), octets - restart),
      broken: replies.brokenDownload,
      move: async (socket, progress) => {
        await sendFile(file.handle, { from: restart, to: octets }, socket, type, progress)
        return replies.sent
      },
    })
  } finally {
    await file.close()
  }
}

/** STOR and APPE: the file has its name, whole and durable, before 226 is said; else nothing has changed. */
const receive = async (session: LoggedIn, path: string, begin: 'replace' | 'append' | number, talk: Talk): Promise<Outcome> => {
  const upload = await session.files.upload(path, begin)
  let committed = false
  try {
    return await talk.transfer({
      direction: 'upload',
      path,
      opening: replies.opening(baseName(path), null),
      broken: replies.broken,
      move: async (socket, progress) => {
        await receiveFile(socket, upload, talk.parameters.type, progress)
        // Asked behind the wait for the disk: who is killed closes both connections, but not at the same moment.
        await upload.commit(() => talk.stillThere())
        committed = true
        return replies.stored
      },
    })
  } finally {
    if (!committed) await upload.abort()
  }
}

/** STOR. */
export const stor = async (session: LoggedIn, words: string, talk: Talk): Promise<Outcome> => {
  const { restart, type } = talk.parameters
  const path = resolveFrom(session.folder, words)
  if (restart === 0) return receive(session, path, 'replace', talk)
  if (type === 'ascii') return { reply: replies.restartInAscii }
  try {
    return await receive(session, path, restart, talk)
  } catch (error) {
    // No file, or a shorter one: nothing may stand where nobody sent anything.
    if (error instanceof FileError && error.code === 'missing') return { reply: replies.restartBeyond }
    throw error
  }
}

/** APPE. A restart point has no meaning here (RFC 3659 §5.4). */
export const appe = (session: LoggedIn, words: string, talk: Talk): Promise<Outcome> =>
  receive(session, resolveFrom(session.folder, words), 'append', talk)

/** LIST and NLST. */
const list =
  (lines: (listing: Listing, account: string) => AsyncIterable<string>) =>
  async (session: LoggedIn, words: string | null, talk: Talk): Promise<Outcome> => {
    const path = resolveFrom(session.folder, words ?? '.')
    const listing = await listingOf(session.files, words, path)
    return talk.transfer({
      direction: 'list',
      path,
      opening: replies.opening('the list', null),
      broken: replies.brokenDownload,
      move: async (socket, progress) => {
        await sendLines(lines(listing, session.account), socket, progress)
        return replies.listSent
      },
    })
  }

/** LIST. */
export const listLong = list(longLines)

/** NLST. */
export const listBare = list(bareLines)
