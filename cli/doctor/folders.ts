import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import process from 'node:process'
import { type Check, codeOf, type Finding, found, ok, type Patient } from './check.ts'

/** What keeps a folder from being used. */
const troubles: Readonly<Record<string, string>> = {
  EACCES: 'cannot be written by this user',
  EPERM: 'cannot be written by this user',
  EROFS: 'lies on a file system that is read-only',
  ENOTDIR: 'is no folder, or lies below something that is none',
}

/** The folder, or the nearest above it that is there: in which it would be made. */
const nearest = async (folder: string): Promise<string> => {
  for (let place = folder; ; place = dirname(place)) {
    try {
      if (!(await stat(place)).isDirectory()) throw Object.assign(new Error(`${place} is no folder`), { code: 'ENOTDIR' })
      return place
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || place === dirname(place)) throw error
    }
  }
}

const ofFolder = async (what: string, folder: string, mode: number): Promise<Finding | null> => {
  try {
    await access(await nearest(folder), mode)
    return null
  } catch (error) {
    const code = codeOf(error)
    if (code === '') throw error
    const who = process.getuid?.()
    const trouble = troubles[code] ?? `cannot be used (${code})`
    const remedy = `Let the user of Havre use it${who === undefined ? '' : ` (this is uid ${who}): chown -R ${who} ${folder}`}, or choose another folder`
    return found('problem', `${what}: ${folder} ${trouble}`, remedy)
  }
}

const look = async ({ configuration: { settings }, services }: Patient): Promise<Finding[]> => {
  const { R_OK, W_OK, X_OK } = constants
  const wanted = new Map<string, { readonly what: string; readonly mode: number }>()
  for (const { name, grants } of services) {
    for (const folder of grants.read) wanted.set(folder, { what: name, mode: R_OK | X_OK })
  }
  for (const { name, grants } of services) {
    for (const folder of grants.write) wanted.set(folder, { what: name, mode: R_OK | W_OK | X_OK })
  }
  for (const what of ['data', 'logs'] as const) wanted.set(settings[what], { what, mode: R_OK | W_OK | X_OK })
  const found = await Promise.all([...wanted].map(([folder, { what, mode }]) => ofFolder(what, folder, mode)))
  const findings = found.filter((finding) => finding !== null)
  return findings.length > 0 ? findings : [ok('data, logs and what the services need can be read and written')]
}

/** Whether the folders can be used by who asks: run it as the user of Havre, or as root. */
export const folders: Check = { name: 'folders', ofServices: true, look }
