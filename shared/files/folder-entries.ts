/** What is in a folder, entry by entry. */
import type { Stats } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import type { Anchor } from './anchor.ts'
import { statEach } from './direct.ts'
import { asFileError } from './file-failure.ts'
import { statOf } from './file-stat.ts'
import type { FileEntry, FileStat } from './file-store.ts'
import { isHiddenName } from './hidden-name.ts'
import type { Root } from './root.ts'

/** Names read from the system at once. */
const readAhead = 512

/** Entries looked at together: what else the process has to do waits no longer than for these. */
const batch = 256

/** All that is in a folder, but what is gone meanwhile or must not be looked at; links are not followed. */
export async function* statsOf(
  folder: Anchor,
  isWanted: (name: string) => boolean = () => true,
): AsyncGenerator<{ readonly names: readonly string[]; readonly stats: readonly (Stats | null)[] }, void, void> {
  let names: string[] = []
  const look = async () => {
    const looked = names
    names = []
    const paths = looked.map((name) => `${folder.ref}/${name}`)
    const found = { names: looked, stats: await statEach(paths, leftOut) }
    await setImmediate()
    return found
  }
  for await (const { name } of await opendir(folder.ref, { bufferSize: readAhead })) {
    if (isWanted(name) && names.push(name) === batch) yield await look()
  }
  yield await look()
}

/**
 * The files and folders in a folder, some at a time, at least one; what is hidden, gone meanwhile, neither or leads out of the root is
 * left out. Not one by one: to wait for each took longer than to look at it.
 */
export async function* entriesOf(folder: Anchor, root: Root): AsyncGenerator<readonly FileEntry[], void, void> {
  for await (const { names, stats } of statsOf(folder, (name) => !isHiddenName(name))) {
    const entries: FileEntry[] = []
    for (const [nth, name] of names.entries()) {
      const own = stats[nth] ?? null
      const stat = own?.isSymbolicLink() ? await behind(folder, name, root) : own === null ? null : statOf(own)
      if (stat !== null) entries.push({ name, ...stat })
    }
    if (entries.length > 0) yield entries
  }
}

/** For what is gone, or must not be looked at. @throws whatever else it is */
const leftOut = (error: unknown): null => {
  const { code } = asFileError(error)
  if (code === 'missing' || code === 'denied' || code === 'not-folder') return null
  throw error
}

/** What a link leads to; null for what is left out. */
const behind = async (folder: Anchor, name: string, root: Root): Promise<FileStat | null> => {
  try {
    await using target = await root.holdEntry(`${folder.ref}/${name}`)
    return statOf(target.stat)
  } catch (error) {
    return leftOut(error)
  }
}
