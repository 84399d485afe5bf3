import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

const firstPort = 61_000
const lastPort = 65_500
/** Ports are given in blocks: who listens at the block's own port of this address has the whole block, until its process ends. */
const blockPorts = 10
const claims = { host: '127.0.0.250', firstPort: 20_000 }

/** @throws the system's error where somebody has it */
const listen = async (port: number, host: string): Promise<Server> => {
  const listener = createServer().listen(port, host)
  await once(listener, 'listening')
  return listener
}

const close = (listeners: readonly Server[]) =>
  Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))))

/** Blocks in a row. @returns what holds them, for as long as this process lives; null: somebody else has one */
const claim = async (from: number, count: number): Promise<readonly Server[] | null> => {
  const held: Server[] = []
  try {
    for (let port = from; port < from + count; port += blockPorts)
      held.push((await listen(claims.firstPort + (port - firstPort) / blockPorts, claims.host)).unref())
    return held
  } catch {
    await close(held)
    return null
  }
}

/** @returns whether nobody listens at any of so many ports in a row */
const areFree = async (from: number, count: number): Promise<boolean> => {
  const listeners: Server[] = []
  try {
    for (let port = from; port < from + count; port += 1) listeners.push(await listen(port, '127.0.0.1'))
    return true
  } catch {
    return false
  } finally {
    await close(listeners)
  }
}

/**
 * So many ports in a row that nobody has, above those that the system gives to outgoing connections. No other call gives one of them, in
 * no other process either: tests run beside each other. @returns the first
 */
export const freePorts = async (count: number): Promise<number> => {
  // From the first on: those that are left are in a row.
  for (let from = firstPort; from + count <= lastPort; from += blockPorts) {
    const held = await claim(from, count)
    if (held === null) continue
    if (await areFree(from, count)) return from
    await close(held)
  }
  throw new Error('no free ports')
}
