import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { until } from './raw-session.ts'

/**
 * Files and sockets that this process has open, each with what it is; not what Node opens once for all (its loops, pipes, devices).
 * Linux only; none elsewhere.
 */
export const descriptors = (): Map<string, string> => {
  const open = new Map<string, string>()
  if (process.platform !== 'linux') return open
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`)
      if (/^(?:socket:|\/(?!dev\/))/.test(target)) open.set(name, target)
    } catch (error) {
      // Closed meanwhile, as that of the folder itself is.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  return open
}

/** Waits until nothing is open that was not before. @throws what is left */
export const noDescriptorSince = (before: ReadonlyMap<string, string>): Promise<void> =>
  until(
    'no descriptor is left',
    () => descriptorsSince(before).length === 0,
    () => descriptorsSince(before).join('\n'),
  )

/** What is open now and was not before; TCP's sockets with their ends and states. */
const descriptorsSince = (before: ReadonlyMap<string, string>): string[] => {
  const sockets = tcpSockets()
  return [...descriptors()]
    .filter(([name, target]) => before.get(name) !== target)
    .map(([name, target]) => `${name}: ${sockets.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '') ?? target}`)
}

/** The states of tcp(7) by their numbers. */
const states = 'NONE ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING'.split(
  ' ',
)

/** By inode: both ends and the state, with the octets that wait to be sent and to be read. */
const tcpSockets = (): Map<string, string> =>
  new Map(
    ['tcp', 'tcp6'].flatMap((table) =>
      readFileSync(`/proc/net/${table}`, 'latin1')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .map(([, local = '', remote = '', state = '', queues = '', , , , , inode = '']): [string, string] => {
          const [unsent = '', unread = ''] = queues.split(':')
          const waiting = `unsent ${Number.parseInt(unsent, 16)}, unread ${Number.parseInt(unread, 16)}`
          return [
            inode,
            `${table} ${endText(local)} to ${endText(remote)} ${states[Number.parseInt(state, 16)] ?? state}, ${waiting}`,
          ]
        }),
    ),
  )

/** The kernel writes an address as words of its own order of octets, little-endian where tests run. */
const endText = (end: string): string => {
  const [address = '', port = ''] = end.split(':')
  const shown = address.length === 8 ? Buffer.from(address, 'hex').reverse().join('.') : address
  return `${shown}:${Number.parseInt(port, 16)}`
}

/** How many ports of a range somebody of this machine listens on, over IPv4. Linux only; 0 elsewhere. */
export const listening = (from: number, to: number): number => {
  if (process.platform !== 'linux') return 0
  const isListening = '0A'
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => {
      const port = Number.parseInt(local.split(':')[1] ?? '', 16)
      return state === isListening && port >= from && port <= to
    }).length
}
