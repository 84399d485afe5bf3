import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Settings } from '../../shared/config/settings.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient } from './check.ts'

/** Below this, what comes in the next days may not fit. */
const scarceOctets = 1024 ** 3
const scarceShare = 0.05

/** What a journal needs to go on. */
const journalOctets = 16 * 1024 ** 2

/** Fewer files than this can still be made. */
const scarceFiles = 10_000n

/** `17 GiB`, `512 MiB`. */
export const sizeText = (octets: number): string =>
  octets >= 10 * 1024 ** 3 ? `${Math.floor(octets / 1024 ** 3)} GiB` : `${Math.floor(octets / 1024 ** 2)} MiB`

/** The folder, or the nearest above it that is there. */
const spaceOf = async (folder: string): Promise<Awaited<ReturnType<typeof statfs>> & { readonly bavail: bigint }> => {
  for (let place = folder; ; place = dirname(place)) {
    try {
      return await statfs(place, { bigint: true })
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error)) || place === dirname(place)) throw error
    }
  }
}

/** @param neededOctets with less than this it cannot work */
const ofSpace = async (setting: string, folder: string, neededOctets: number): Promise<Finding[]> => {
  const { bavail, blocks, bsize, files, ffree } = await spaceOf(folder)
  const freeOctets = Number(BigInt(bavail) * BigInt(bsize))
  const share = Number(blocks) === 0 ? 1 : Number(bavail) / Number(blocks)
  const where = `${setting}: ${folder} has ${sizeText(freeOctets)} free (${Math.floor(share * 100)} %)`
  const remedy = `Make room, or choose another place: --set ${setting}=FOLDER`
  // File systems that make inodes as they need them tell none.
  const left = BigInt(files) === 0n ? null : BigInt(ffree)
  const isFull = left === 0n
  const inodes =
    left === null || left > scarceFiles || left * 20n > BigInt(files)
      ? []
      : [found(isFull ? 'problem' : 'warning', `${setting}: ${folder} has room for ${left} more files (inodes)`, remedy)]
  if (freeOctets < neededOctets)
    return [found('problem', `${where}: at least ${sizeText(neededOctets)} are needed`, remedy), ...inodes]
  if (freeOctets < scarceOctets || share < scarceShare) return [found('warning', where, remedy), ...inodes]
  return inodes.length > 0 ? inodes : [ok(where)]
}

/** Two of the largest messages, one that is being written and one in the store, beside what SQLite keeps. */
const dataOctets = ({ mail }: Settings): number => 2 * mail.maxSizeOctets + journalOctets

const look = async ({ configuration: { settings } }: Patient): Promise<Finding[]> =>
  (await Promise.all([ofSpace('data', settings.data, dataOctets(settings)), ofSpace('logs', settings.logs, journalOctets)])).flat()

/** Whether there is room for data and logs. */
export const disk: Check = { name: 'disk', ofServices: false, look }
