/** Which program listens on a port, where the system tells (Linux: /proc). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** A program that holds a port. */
export interface Holder {
  readonly pid: number
  /** Its short name, `nginx`. */
  readonly name: string
  /** Its command line. */
  readonly args: readonly string[]
}

/** How a holder is told to people: `nginx (pid 17)`, `node …/server.js (pid 18)`. */
export const holderText = ({ pid, name, args }: Holder): string => {
  // Node names its main thread; what people know is the script.
  const script = args.slice(1).find((arg) => /\.[cm]?[jt]s$/.test(arg))
  return script !== undefined && name.startsWith('node') ? `node ${script} (pid ${pid})` : `${name} (pid ${pid})`
}

/** State of a listening socket in /proc/net/tcp (include/net/tcp_states.h). */
const listening = '0A'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Processes come and go while we look, other users' are closed to us, other systems have no /proc: all mean "not known".
    return ''
  }
}

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const targetOf = (link: string): string => {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}

const socketsListeningOn = (port: number): Set<string> => {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = [read('/proc/net/tcp'), read('/proc/net/tcp6')].flatMap((table) => table.split('\n').slice(1))
  const fields = rows.map((row) => row.trim().split(/\s+/))
  const matching = fields.filter(([, local, , state]) => state === listening && local?.endsWith(wanted))
  return new Set(matching.map((row) => `socket:[${row[9] ?? ''}]`))
}

/** Whether anybody listens on this port of any address; true where the system does not tell. */
export const isListenedOn = (port: number): boolean => read('/proc/net/tcp') === '' || socketsListeningOn(port).size > 0

/** The program that listens on this port of any address, or null where that cannot be known. */
export const holderOf = (port: number): Holder | null => {
  const sockets = socketsListeningOn(port)
  if (sockets.size === 0) return null
  const pids = namesIn('/proc').filter((name) => /^\d+$/.test(name))
  const pid = pids.find((candidate) =>
    namesIn(`/proc/${candidate}/fd`).some((fd) => sockets.has(targetOf(`/proc/${candidate}/fd/${fd}`))),
  )
  if (pid === undefined) return null
  return {
    pid: Number(pid),
    name: read(`/proc/${pid}/comm`).trim(),
    args: read(`/proc/${pid}/cmdline`).split('\0').filter(Boolean),
  }
}
