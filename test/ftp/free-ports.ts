import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** So many ports in a row that nobody has, above those that the system gives to outgoing connections. @returns the first */
export const freePorts = async (count: number): Promise<number> => {
  for (let tries = 0; tries < 50; tries += 1) {
    const from = 61_000 + Math.floor(Math.random() * 4_000)
    const listeners: Server[] = []
    try {
      for (let n = 0; n < count; n += 1) {
        const listener = createServer().listen(from + n, '127.0.0.1')
        listeners.push(listener)
        await once(listener, 'listening')
      }
      return from
    } catch {
      // One of them is taken: elsewhere.
    } finally {
      await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))))
    }
  }
  throw new Error('no free ports')
}
