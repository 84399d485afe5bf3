/**
 * Names under which uploads lie beside their target until they are whole. No path that holds such a name is taken, no list shows one.
 * `.havre-upload-<whose>-<process>-<random>`: on its way in. `.havre-partial-<whose>`: broken off, to be continued. `<whose>` stands
 * for account and target; all three parts are hexadecimal digits, and the process is decimal.
 */
import { hash, randomBytes } from 'node:crypto'
import { constants, getPriority } from 'node:os'
import process from 'node:process'

const uploadPrefix = '.havre-upload-'
const partialPrefix = '.havre-partial-'

/** Whether a name belongs to an upload, on its way in or broken off. Without regard to case: some file systems have none. */
export const isHiddenName = (name: string): boolean => {
  const lower = name.toLowerCase()
  return lower.startsWith(uploadPrefix) || lower.startsWith(partialPrefix)
}

/** Whether a name belongs to an upload on its way in, or to one whose process died. */
export const isUploadName = (name: string): boolean => name.startsWith(uploadPrefix)

/** What stands for an account's uploads to one name, wherever its folder is moved. */
export const whoseUpload = (account: string, name: string): string => hash('sha256', `${account}\0${name}`).slice(0, 24)

/** A new name for an upload on its way in. */
export const uploadName = (whose: string): string => `${uploadPrefix}${whose}-${process.pid}-${randomBytes(8).toString('hex')}`

/** The name of what is to be continued. */
export const partialName = (whose: string): string => `${partialPrefix}${whose}`

/** How the names of one account's uploads to one name begin. */
export const uploadsOf = (whose: string): string => `${uploadPrefix}${whose}-`

/** Whose upload on its way in a name is, and in which process; null for other names. */
export const readUploadName = (name: string): { readonly whose: string; readonly pid: number } | null => {
  const [, whose, pid] = /^\.havre-upload-([0-9a-f]{24})-(\d{1,10})-[0-9a-f]{16}$/.exec(name) ?? []
  return whose === undefined || pid === undefined ? null : { whose, pid: Number(pid) }
}

/** Whether it is of an upload on its way in, here or in another process that runs. */
export const isBeingWritten = (name: string): boolean => readUploadName(name) !== null && mayBeWritten(name)

/** The uploads of this process that are on their way in, by name: between a claim and its end. */
export const underWay = new Set<string>()

/**
 * Whether somebody may still write an upload: this process knows its own, another one counts while it runs. A number that the system
 * has given to somebody else meanwhile counts as running: then the upload cannot be continued, and goes when it is old.
 */
export const mayBeWritten = (name: string): boolean => {
  const upload = readUploadName(name)
  if (upload === null) return true
  return upload.pid === process.pid ? underWay.has(name) : isRunning(upload.pid)
}

/** Whether there is a process of that number, other than this one. */
export const isRunning = (pid: number): boolean => {
  if (pid === process.pid) return false
  try {
    // Its priority tells that it is there: a sealed child may signal nobody, not even with 0.
    getPriority(pid)
    return true
  } catch (error) {
    return !(error instanceof Error && 'errno' in error && error.errno === -constants.errno.ESRCH)
  }
}
