import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { systemCode } from '../../shared/files/file-failure.ts'

/** All ports of the range are in use. */
export class NoFreePortError extends Error {
  override readonly name = 'NoFreePortError'
}

/** Ports that are tried before giving up: each costs a call to the system. */
const mostTries = 256

/**
 * So long a port is left alone on which a client was awaited and did not come: what it still sends, late, must not meet the next one who
 * waits there.
 */
const restMs = 2_000

/** A port on which one client is awaited. Whoever got it closes it. */
export interface PassivePort {
  readonly port: number
  /** Its sockets come paused. */
  readonly listener: Server
  /** Whether it listens no more. */
  readonly closed: boolean
  /** Listens no more, at once. Twice is harmless. @param came whether the client did: then the port can be given out again at once */
  close(came: boolean): void
}

/** The ports of a service on which clients open data connections. */
export class PassivePorts {
  readonly #from: number
  readonly #count: number
  readonly #waitMs: number
  readonly #used = new Set<number>()
  /** Those who wait for a port to become free, in their order. */
  readonly #waiting = new Set<() => void>()

  /**
   * @param range  both ends included
   * @param waitMs how long is waited for a free one when all are in use
   */
  constructor({ from, to }: { readonly from: number; readonly to: number }, waitMs: number) {
    this.#from = from
    this.#count = to - from + 1
    this.#waitMs = waitMs
  }

  /** How many are in use, those that are left alone for a moment among them. */
  get used(): number {
    return this.#used.size
  }

  /**
   * Listens on a free port; which one cannot be foreseen (RFC 2577 §8).
   * @param signal ends the wait for one
   * @throws {NoFreePortError} when none became free in time; and what the system says where it cannot listen at all
   */
  async listen(host: string, signal: AbortSignal): Promise<PassivePort> {
    const deadline = performance.now() + this.#waitMs
    // Who came before is served before.
    let taken = this.#waiting.size === 0 ? await this.#take(host) : null
    for (let leftMs = this.#waitMs; taken === null && leftMs > 0 && !signal.aborted; leftMs = deadline - performance.now()) {
      await this.#released(leftMs, signal)
      taken = await this.#take(host)
    }
    if (taken !== null) return taken
    throw new NoFreePortError(`none of ${this.#count} ports is free`)
  }

  async #take(host: string): Promise<PassivePort | null> {
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
        // Nobody is told: nothing became free.
        if (listener === null) this.#used.delete(port)
      }
      if (listener !== null) return this.#held(port, listener)
    }
    return null
  }

  #held(port: number, listener: Server): PassivePort {
    let open = true
    return {
      port,
      listener,
      get closed() {
        return !open
      },
      close: (came) => {
        if (!open) return
        open = false
        // The system has the port back when this returns, though Node tells the end of it only with that of the connection it brought.
        listener.close()
        if (came) this.#release(port)
        else setTimeout(() => this.#release(port), restMs).unref()
      },
    }
  }

  #release(port: number): void {
    this.#used.delete(port)
    const [next] = this.#waiting
    next?.()
  }

  /** Resolves when it is the caller's turn to try, or nothing more is to be waited for. */
  #released(waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, waitMs)
      signal.addEventListener('abort', wake)
      this.#waiting.add(wake)
    })
  }
}

/** Null when something else has the port. */
const tryPort = (host: string, port: number): Promise<Server | null> =>
  new Promise((resolve, reject) => {
    const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true })
    listener.once('error', (error) => {
      listener.close()
      if (systemCode(error) === 'EADDRINUSE') resolve(null)
      else reject(error)
    })
    // One client is awaited; what else comes meanwhile is turned away.
    listener.listen({ host, port, backlog: 4 }, () => {
      listener.removeAllListeners('error')
      resolve(listener)
    })
  })
