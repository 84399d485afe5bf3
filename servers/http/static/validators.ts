/** What tells one state of a file from another: its tag and its date (RFC 9110 §8.8). */
import { hash } from 'node:crypto'
import type { FileStat } from '../../../shared/files/file-store.ts'
import type { Validators } from './conditional.ts'

/** Tags that were made, as long as somebody holds what they were made of: a hot file does. */
const tags = new WeakMap<FileStat, string>()

/**
 * Strong: another state of the file has another time or size, another file another inode; the same over restarts. The time of the last
 * change of anything is in it: a date can be set back.
 */
export const etagOf = (stat: FileStat): string => {
  const known = tags.get(stat)
  if (known !== undefined) return known
  const { unique, modifiedMs, changedMs, octets } = stat
  const tag = `"${hash('sha256', `${unique}:${modifiedMs}:${changedMs}:${octets}`, 'base64url').slice(0, 22)}"`
  tags.set(stat, tag)
  return tag
}

/** Whole seconds, and never later than the answer itself (RFC 9110 §8.8.2.1). */
export const validatorsOf = (stat: FileStat, nowMs: number): Validators => ({
  etag: etagOf(stat),
  modifiedMs: Math.max(0, Math.floor(Math.min(stat.modifiedMs, nowMs) / 1_000) * 1_000),
})
