/** RETR: a file's octets go over a data connection. */
import { baseName, resolveFrom } from './paths.ts'
import { replies } from './replies.ts'
import { isExact } from './representation.ts'
import type { In, Outcome, Talk } from './session-state.ts'
import { sendFile } from './transfer.ts'

type LoggedIn = In<'ready' | 'renaming'>

/** RETR. */
export const retr = async (session: LoggedIn, words: string, talk: Talk): Promise<Outcome> => {
  const { parameters } = talk
  const { restart } = parameters
  if (restart > 0 && !isExact(parameters)) return { reply: replies.restartInAscii }
  const path = resolveFrom(session.folder, words)
  const file = await session.files.open(path)
  const { octets } = file.stat
  if (restart > octets) {
    await file.close()
    return { reply: replies.restartBeyond }
  }
  return talk.transfer({
    direction: 'download',
    path,
    opening: replies.opening(baseName(path), octets - restart),
    done: replies.sent,
    broken: replies.brokenDownload,
    move: (socket, progress) => sendFile(file.handle, { from: restart, to: octets }, socket, parameters, progress),
    release: () => file.close(),
  })
}
