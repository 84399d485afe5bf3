import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

/** A file of a Debian source package, as the archive has it below its `pool/`. */
export interface SourceFile {
  readonly path: string
  readonly sha256: string
}

const helper = '/usr/lib/apt/apt-helper'

/** What is needed to have one. */
export const sourcePrograms = ['apt-get', 'tar'] as const

/** Where this system has its packages from, in apt's order; it may be read from its lists only. */
const archives = async (): Promise<readonly string[]> => {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages'])
  return [
    ...new Set(
      stdout
        .toString()
        .split('\n')
        .filter((site) => /^https?:/.test(site)),
    ),
  ]
}

/**
 * Fetches a source with the system's own means, from where the system has its packages, and unpacks it.
 * @param into an empty folder
 * @returns the folder that was unpacked into; null where the source cannot be had here
 */
export const unpackedSource = async (source: SourceFile, into: string): Promise<string | null> => {
  if (findProgram('apt-get') === null) return null
  const archive = join(into, 'source.tar')
  // Apt fetches as a user of its own, where it can.
  await chmod(into, 0o755)
  for (const site of await archives()) {
    const url = `${site}/pool/${source.path}`
    const { code } = await run(helper, ['download-file', url, archive, `SHA256:${source.sha256}`], { deadlineMs: 120_000 })
    if (code !== 0) continue
    const unpacked = await run('tar', ['-xf', archive, '-C', into, '--strip-components=1'], { deadlineMs: 60_000 })
    if (unpacked.code !== 0) throw new Error(`the source cannot be unpacked: ${unpacked.stderr}`)
    return into
  }
  return null
}
