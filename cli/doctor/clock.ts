import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { journalsIn } from '../../shared/log/log-reader.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient } from './check.ts'

/** Earlier than any Havre: a machine without a battery begins in 1970, or when its system was built. */
const earliestMs = Date.parse('2026-01-01T00:00:00Z')

/** Clocks of machines that share a folder differ by this. */
const toleranceMs = 2 * 60_000

/** Enough for the last record, however long. */
const tailOctets = 64 * 1024

/** When the last record of a journal was written, or null. */
const lastRecordMs = async (file: string): Promise<number | null> => {
  try {
    await using handle = await open(file, 'r')
    const { size } = await handle.stat()
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(tailOctets), 0, tailOctets, Math.max(0, size - tailOctets))
    const times = [...buffer.toString('latin1', 0, bytesRead).matchAll(/^\{"time":"([^"]{20,30})"/gm)]
    const ms = Date.parse(times.at(-1)?.[1] ?? '')
    return Number.isNaN(ms) ? null : ms
  } catch (error) {
    // Not there any more, or not to be read by this user.
    if (codeOf(error) === '') throw error
    return null
  }
}

const changedMs = async (file: string): Promise<number | null> => {
  try {
    return (await stat(file)).mtimeMs
  } catch (error) {
    if (codeOf(error) === '') throw error
    return null
  }
}

const journalFiles = async (logs: string): Promise<readonly string[]> => {
  try {
    return (await journalsIn(logs)).map((name) => join(logs, `${name}.log`))
  } catch (error) {
    if (codeOf(error) === '') throw error
    return []
  }
}

const look = async ({ configuration: { settings }, nowMs }: Patient): Promise<Finding[]> => {
  const now = new Date(nowMs).toISOString()
  const remedy = 'Set the clock right: `timedatectl set-ntp true` keeps it so'
  if (nowMs < earliestMs) return [found('problem', `the clock says ${now}, which cannot be`, remedy)]
  const databases = ['accounts.db', 'mail.db', 'mail.db-wal'].map((name) => join(settings.data, name))
  const files = await journalFiles(settings.logs)
  const [records, changes] = [await Promise.all(files.map(lastRecordMs)), await Promise.all(databases.map(changedMs))]
  const seen = [
    ...records.map((ms, at) => ({ ms, what: `the last record of ${files[at]}` })),
    ...changes.map((ms, at) => ({ ms, what: `the last change of ${databases[at]}` })),
  ].flatMap(({ ms, what }) => (ms === null ? [] : [{ ms, what }]))
  const newest = seen.toSorted((one, other) => other.ms - one.ms)[0]
  if (newest !== undefined && newest.ms > nowMs + toleranceMs) {
    const when = new Date(newest.ms).toISOString()
    return [found('problem', `the clock says ${now}, but ${newest.what} is of ${when}: it was set back, or was wrong then`, remedy)]
  }
  return [ok(`the clock says ${now}`)]
}

/** Whether the time can be right: certificates, the journal and mail rely on it. */
export const clock: Check = { name: 'clock', ofServices: false, look }
