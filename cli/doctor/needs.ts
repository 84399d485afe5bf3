import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Need } from '../../shared/need.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient } from './check.ts'

/** Longer than a server of the same machine or network takes. */
const connectMs = 3_000

/** What keeps a file or folder from being read, or null. */
const troubleOf = async (path: string, kind: 'file' | 'folder'): Promise<string | null> => {
  try {
    const { isFolder } = await stat(path).then((stats) => ({ isFolder: stats.isDirectory() }))
    if (isFolder === (kind === 'folder')) return null
    return isFolder ? 'is a folder' : 'is no folder'
  } catch (error) {
    const code = codeOf(error)
    if (code === '') throw error
    return code === 'ENOENT' ? 'is not there' : `cannot be looked at (${code})`
  }
}

/** Why no connection is taken, or null. */
const silenceOf = async (host: string, port: number): Promise<string | null> => {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(connectMs) })
    return null
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return `takes no connection within ${connectMs / 1_000} s`
    const code = codeOf(error)
    if (code === '') throw error
    return code === 'ECONNREFUSED' ? 'takes no connection: nothing listens there' : `cannot be reached (${code})`
  } finally {
    socket.destroy()
  }
}

const ofNeed = async (need: Need, service: string): Promise<Finding | null> => {
  const setting = `services.${service}.${need.setting}`
  switch (need.kind) {
    case 'folder':
    case 'file': {
      const trouble = await troubleOf(need.path, need.kind)
      if (trouble === null) return null
      return found('problem', `${setting}: ${need.path} ${trouble}`, `Put it there, or set ${setting} right`, service)
    }
    case 'server': {
      const { host, port } = need
      const trouble = await silenceOf(host, port)
      if (trouble === null) return null
      const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
      const remedy = `Start that server, or set ${setting} right; clients get a 502 or 504, or what another server of the route says`
      return found('problem', `${setting}: ${where} ${trouble}`, remedy, service)
    }
    // The check "accounts" has them open.
    case 'account':
      return null
  }
}

const look = async ({ services }: Patient): Promise<Finding[]> => {
  const all = services.flatMap(({ name, needs }) => needs.filter(({ kind }) => kind !== 'account').map((need) => ({ name, need })))
  if (all.length === 0) return []
  const findings = await Promise.all(all.map(({ name, need }) => ofNeed(need, name)))
  const troubles = findings.filter((finding) => finding !== null)
  return troubles.length > 0 ? troubles : [ok('folders, pages and servers that services name are there')]
}

/** Whether what the settings of services name is there: folders of sites, pages, servers behind. */
export const needs: Check = { name: 'needs', ofServices: true, look }
