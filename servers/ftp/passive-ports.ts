import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { systemCode } from '../../shared/files/file-failure.ts'

/** All ports of the range are in use. */
export class NoFreePortError extends Error {
  override readonly name = 'NoFreePortError'
}

/** Ports that are tried before giving up: each costs a call to the system. */
const mostTries = 256

/** The ports of a service on which clients open data connections. */
export class PassivePorts {
  readonly #from: number
  readonly #count: number
  readonly #used = new Set<number>()

  /** @param range both ends included */
  constructor({ from, to }: { readonly from: number; readonly to: number }) {
    this.#from = from
    this.#count = to - from + 1
  }

  /** How many are in use. */
  get used(): number {
    return this.#used.size
  }

  /**
   * Listens on a free port; which one cannot be foreseen (RFC 2577 §8). Sockets come paused. Closing the listener frees the port.
   * @throws {NoFreePortError}
   */
  async listen(host: string): Promise<Server> {
    const first = randomInt(this.#count)
    let tries = 0
    for (let n = 0; n < this.#count && tries < mostTries; n += 1) {
      const port = this.#from + ((first + n) % this.#count)
      if (this.#used.has(port)) continue
      tries += 1
      this.#used.add(port)
      let listener: Server | null = null
      try {
        listener = await tryPort(host, port)
      } finally {
        if (listener === null) this.#used.delete(port)
      }
      if (listener === null) continue
      listener.once('close', () => this.#used.delete(port))
      return listener
    }
    throw new NoFreePortError(`none of ${this.#count} ports is free`)
  }
}

/** Null when something else has the port. */
const tryPort = (host: string, port: number): Promise<Server | null> =>
  new Promise((resolve, reject) => {
    const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true })
    listener.on('error', (error) => {
      // Also later, when accepting fails: the wait for the client ends with the listener.
      listener.close()
      if (systemCode(error) === 'EADDRINUSE') resolve(null)
      else reject(error)
    })
    // One client is awaited; what else comes meanwhile is turned away.
    listener.listen({ host, port, backlog: 4 }, () => resolve(listener))
  })
