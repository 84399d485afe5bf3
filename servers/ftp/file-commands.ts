/** Handlers of commands about files and folders that need no data connection. */
import * as journal from './journal.ts'
import { resolveFrom } from './paths.ts'
import { replies } from './replies.ts'
import type { In, Outcome, Talk } from './session-state.ts'

type LoggedIn = In<'ready' | 'renaming'>

/** CWD. */
export const cwd = async (session: LoggedIn, path: string): Promise<Outcome> => {
  const folder = resolveFrom(session.folder, path)
  await session.files.enter(folder)
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
  await session.files.find(from)
  return { reply: replies.renameFrom, next: { ...session, state: 'renaming', from } }
}

/** RNTO. */
export const rnto = async (session: In<'renaming'>, path: string, talk: Talk): Promise<Outcome> => {
  const to = resolveFrom(session.folder, path)
  await session.files.rename(session.from, to)
  journal.renamed(talk.log, session.from, to)
  return { reply: replies.renamed }
}
