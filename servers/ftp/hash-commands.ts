/** Handlers of commands that tell hashes of files: HASH, and its older kin, XMD5 and others. */
import type { HashedPath } from './fact-grammar.ts'
import { type HashName, hashNames, hashOf } from './hash.ts'
import * as journal from './journal.ts'
import { resolveFrom } from './paths.ts'
import { type Reply, replies } from './replies.ts'
import type { In, Outcome, State, Talk } from './session-state.ts'

type LoggedIn = In<'ready' | 'renaming'>

/** Octets of a file, the last one not included; null: up to its end. */
interface Range {
  readonly from: number
  readonly to: number | null
}

const hashed = async (
  session: LoggedIn,
  words: string,
  name: HashName,
  range: Range,
  talk: Talk,
  told: (hash: string, to: number) => Reply,
): Promise<Outcome> => {
  const path = resolveFrom(session.folder, words)
  if ((await session.files.stat(path)).kind === 'folder') return { reply: replies.hashOfFolder }
  const file = await session.files.open(path)
  try {
    const to = range.to ?? file.stat.octets
    if (to > file.stat.octets || range.from > to) return { reply: replies.beyondEnd }
    const startedAt = performance.now()
    const hash = await talk.interruptible((signal) =>
      hashOf(file.handle, { from: range.from, to }, name, () => talk.connection.touch(), signal),
    )
    const durationMs = Math.round(performance.now() - startedAt)
    journal.hashed(talk.log, { file: path, hash: name, octets: to - range.from, durationMs, complete: hash !== null })
    return { reply: hash === null ? replies.hashAborted : told(hash, to) }
  } finally {
    await file.close()
  }
}

/** HASH, by the hash that was chosen. The range that it tells has its last octet in it. */
export const hash = (session: LoggedIn, path: string, talk: Talk): Promise<Outcome> => {
  const { hash: name } = talk.parameters
  return hashed(session, path, name, { from: 0, to: null }, talk, (digest, to) =>
    replies.hash(name, 0, Math.max(0, to - 1), digest, path),
  )
}

/** XMD5 and the others: one hash each. */
export const checksum =
  (name: HashName) =>
  (session: LoggedIn, { path, from, to }: HashedPath, talk: Talk): Promise<Outcome> =>
    hashed(session, path, name, { from, to }, talk, (digest) => replies.checksum(digest.toUpperCase()))

/** OPTS HASH: tells which hash holds, or chooses another. */
export const optsHash = (_session: State, wanted: string | null, talk: Talk): Outcome => {
  if (wanted === null) return { reply: replies.hashChosen(talk.parameters.hash) }
  const name = hashNames.find((each) => each === wanted)
  return name === undefined ? { reply: replies.hashUnknown } : { reply: replies.hashChosen(name), parameters: { hash: name } }
}

/** The line of FEAT: the hash that holds has an asterisk. */
export const hashFeature = (chosen: HashName): string =>
  `HASH ${hashNames.map((name) => `${name}${name === chosen ? '*' : ''}`).join(';')}`
