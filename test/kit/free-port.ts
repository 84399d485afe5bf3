import { once } from 'node:events'
import { createServer } from 'node:net'
import process from 'node:process'

/** Test processes that run at once have different blocks: their numbers follow each other. */
const blocks = 200
const inBlock = 50
const lowest = 10_000 + (process.pid % blocks) * inBlock
let given = 0

/**
 * A port that nobody has, for who must know it before it is listened on: below those that the system gives to clients and to whoever
 * listens on any, one of whom might have it when it is wanted.
 */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < inBlock; tries += 1) {
    const port = lowest + (given++ % inBlock)
    const server = createServer()
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening')
    } catch {
      continue
    }
    await new Promise((resolve) => server.close(resolve))
    return port
  }
  throw new Error('no free port')
}
