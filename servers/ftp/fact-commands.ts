/** Handlers of commands that tell or change facts of files and folders. */
import { FileError, type FileStat } from '../../shared/files/file-store.ts'
import type { FactChanges, MaybeTimed, TimedPath } from './fact-grammar.ts'
import { type FactName, factWriter, rightsIn, typeOf } from './facts.ts'
import { isThere } from './is-there.ts'
import * as journal from './journal.ts'
import { parentOf, resolveFrom } from './paths.ts'
import { type Reply, replies } from './replies.ts'
import { isExact } from './representation.ts'
import type { In, Outcome, State, Talk } from './session-state.ts'

type LoggedIn = In<'ready' | 'renaming'>

/** MLST: its name is the whole path (RFC 3659 §7.3.1). */
export const mlst = async (session: LoggedIn, words: string | null, talk: Talk): Promise<Outcome> => {
  const { files, folder } = session
  const path = resolveFrom(folder, words ?? '.')
  const stat = await files.stat(path)
  const inFolder = path === '/' ? null : rightsIn(await files.stat(parentOf(path)))
  const write = factWriter(talk.parameters.facts, files.access)
  return { reply: replies.facts(write({ stat, type: typeOf(stat), inFolder }, path)) }
}

/** OPTS MLST. */
export const optsMlst = (_session: State, facts: readonly FactName[]): Outcome => ({
  reply: replies.factsChosen(facts),
  parameters: { facts },
})

/** What is told of a file, and of nothing else. */
const ofFile = async (session: LoggedIn, path: string, told: (stat: FileStat) => Reply): Promise<Outcome> => {
  const stat = await session.files.stat(resolveFrom(session.folder, path))
  return { reply: stat.kind === 'file' ? told(stat) : replies.notAFile }
}

/**
 * SIZE: what RETR would send now (RFC 3659 §4), which for text is known only by reading it all. Where there is no such file yet, its
 * uploader is told how much has come of it: clients ask to know where to continue.
 */
export const size = async (session: LoggedIn, path: string, talk: Talk): Promise<Outcome> => {
  if (!isExact(talk.parameters)) return { reply: replies.sizeInAscii }
  try {
    return await ofFile(session, path, ({ octets }) => replies.size(octets))
  } catch (error) {
    if (!(error instanceof FileError && error.code === 'missing')) throw error
    const file = resolveFrom(session.folder, path)
    const octets = talk.context.uploads.octets(session.account, file) ?? (await session.files.partial(file))?.octets ?? 0
    if (octets === 0) throw error
    return { reply: replies.size(octets), parameters: { told: { path: file, octets } } }
  }
}

const setModified = async (session: LoggedIn, { ms, path: words }: Pick<TimedPath, 'ms' | 'path'>, talk: Talk): Promise<void> => {
  const path = resolveFrom(session.folder, words)
  await session.files.setModified(path, ms)
  journal.timeSet(talk.log, path, ms)
}

const setMode = async (session: LoggedIn, mode: number, words: string, talk: Talk): Promise<void> => {
  const path = resolveFrom(session.folder, words)
  await session.files.setMode(path, mode)
  journal.modeSet(talk.log, path, mode)
}

/**
 * MDTM. Tells; or sets, where the words begin with a time and no file has all of them for its name, so that none can be touched by
 * asking for it.
 */
export const mdtm = async (session: LoggedIn, { path, timed }: MaybeTimed, talk: Talk): Promise<Outcome> => {
  if (timed === null || (await isThere(session.files, resolveFrom(session.folder, path))))
    return ofFile(session, path, ({ modifiedMs }) => replies.modified(modifiedMs))
  if ((await session.files.stat(resolveFrom(session.folder, timed.path))).kind !== 'file') return { reply: replies.notAFile }
  await setModified(session, timed, talk)
  return { reply: replies.timeSet }
}

/** MFMT. */
export const mfmt = async (session: LoggedIn, timed: TimedPath, talk: Talk): Promise<Outcome> => {
  await setModified(session, timed, talk)
  return { reply: replies.factsSet([`Modify=${timed.time}`], timed.path) }
}

/** MFCT: no file system that we know lets anybody say when a file was made. */
export const mfct = async (session: LoggedIn, { path }: TimedPath): Promise<Outcome> => {
  await session.files.stat(resolveFrom(session.folder, path))
  return { reply: replies.parameterNotOffered('MFCT', 'for this file system') }
}

/** MFF: all of the facts, or none where one is refused beforehand. */
export const mff = async (session: LoggedIn, changes: FactChanges, talk: Talk): Promise<Outcome> => {
  const { modifiedMs, mode, written, refused, path } = changes
  if (refused !== null) return { reply: replies.parameterNotOffered('MFF', refused) }
  // The time last: what sets the mode must not be refused after it.
  if (mode !== null) await setMode(session, mode, path, talk)
  if (modifiedMs !== null) await setModified(session, { ms: modifiedMs, path }, talk)
  return { reply: replies.factsSet(written, path) }
}

/** SITE CHMOD. */
export const siteChmod = async (
  session: LoggedIn,
  { mode, path }: { readonly mode: number; readonly path: string },
  talk: Talk,
): Promise<Outcome> => {
  await setMode(session, mode, path, talk)
  return { reply: replies.siteDone('CHMOD') }
}

/** SITE UTIME. */
export const siteUtime = async (session: LoggedIn, timed: TimedPath, talk: Talk): Promise<Outcome> => {
  await setModified(session, timed, talk)
  return { reply: replies.siteDone('UTIME') }
}

/** AVBL: octets that an upload to this folder may take. */
export const avbl = async (session: LoggedIn, words: string | null): Promise<Outcome> => {
  const stat = await session.files.stat(resolveFrom(session.folder, words ?? '.'))
  if (stat.kind === 'file') return { reply: replies.notAFolder }
  const octets = await session.files.space()
  return { reply: octets === null ? replies.spaceUnknown : replies.size(octets) }
}
