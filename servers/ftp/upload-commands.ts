/** Handlers of commands that take octets over a data connection. */
import { randomBytes } from 'node:crypto'
import { posix } from 'node:path'
import { FileError, type UploadBeginning } from '../../shared/files/file-store.ts'
import { isThere } from './is-there.ts'
import { baseName, resolveFrom } from './paths.ts'
import { replies } from './replies.ts'
import { isExact } from './representation.ts'
import type { In, Outcome, Talk } from './session-state.ts'
import { receiveFile } from './transfer.ts'

type LoggedIn = In<'ready' | 'renaming'>

/**
 * STOR, APPE and STOU: the file has its name, whole and durable, before 226 is said; else nothing has changed, and what came is kept to be
 * continued, where that name is nobody's yet. Not of text: its octets here are not those of the client.
 */
const receive = async (
  session: LoggedIn,
  path: string,
  begin: UploadBeginning,
  talk: Talk,
  { opening = replies.opening(baseName(path), null), onlyNew = false } = {},
): Promise<Outcome> => {
  const { parameters } = talk
  const continues = typeof begin === 'object'
  const upload = await session.files.upload(path, begin, { onlyNew })
  return talk.transfer({
    direction: 'upload',
    path,
    opening,
    done: replies.stored,
    broken: replies.broken,
    ...(isExact(parameters) ? { length: () => upload.octets } : {}),
    move: async (socket, progress, client, data) => {
      await receiveFile({ socket, data }, upload, parameters, progress)
      await client.stillThere()
      // Asked again behind the wait for the disk: who is killed closes both connections, but not at the same moment.
      await upload.commit(async () => {
        await client.lastCall()
        return null
      })
    },
    release: async (end) => {
      if (end?.complete) return
      // For which there was no room is not to take the last of it.
      const refused = end?.refused ?? null
      const wanted = isExact(parameters) && (continues || refused === null || refused.code === 'busy')
      await upload.abort({ keep: wanted && !(await isThere(session.files, path).catch(() => true)) })
    },
  })
}

/** From a restart point on: of the file, or where there is none, of what the account has sent of it before. */
const receiveFrom = async (session: LoggedIn, path: string, restart: number, talk: Talk): Promise<Outcome> => {
  if (!isExact(talk.parameters)) return { reply: replies.restartInAscii }
  try {
    if (await isThere(session.files, path)) return await receive(session, path, restart, talk)
    await talk.context.uploads.giveUp(session.account, path)
    return await receive(session, path, { partial: restart }, talk)
  } catch (error) {
    // Nothing, or less: nothing may stand where nobody sent anything.
    if (error instanceof FileError && error.code === 'missing') return { reply: replies.restartBeyond }
    throw error
  }
}

/** STOR. */
export const stor = (session: LoggedIn, words: string, talk: Talk): Promise<Outcome> => {
  const { restart } = talk.parameters
  const path = resolveFrom(session.folder, words)
  return restart === 0 ? receive(session, path, 'replace', talk) : receiveFrom(session, path, restart, talk)
}

/**
 * APPE. Behind SIZE, which told how much of the file is there, it means the rest of it (curl, ncftp); a restart point is taken as STOR
 * takes it, though RFC 3659 §5.4 gives it no meaning here.
 */
export const appe = (session: LoggedIn, words: string, talk: Talk): Promise<Outcome> => {
  const { restart, told } = talk.parameters
  const path = resolveFrom(session.folder, words)
  const from = restart > 0 ? restart : told?.path === path ? told.octets : 0
  return from === 0 ? receive(session, path, 'append', talk) : receiveFrom(session, path, from, talk)
}

/** Octets of what makes a name unique. */
const uniqueOctets = 6

/** `photo.jpg` becomes `photo-1f0c9a5be277.jpg`, no name `upload-1f0c9a5be277`. */
const uniqueName = (wanted: string | null): string => {
  const unique = randomBytes(uniqueOctets).toString('hex')
  if (wanted === null) return `upload-${unique}`
  const { name, ext } = posix.parse(wanted)
  return posix.join(posix.dirname(wanted), `${name}-${unique}${ext}`)
}

/** STOU: the client may say what the name should be like. It reads the name before it sends anything (RFC 1123 §4.1.2.9). */
export const stou = async (session: LoggedIn, wanted: string | null, talk: Talk): Promise<Outcome> => {
  if (talk.parameters.restart > 0) return { reply: replies.restartBeyond }
  const name = uniqueName(wanted)
  return receive(session, resolveFrom(session.folder, name), 'replace', talk, {
    opening: replies.openingUnique(name),
    onlyNew: true,
  })
}
