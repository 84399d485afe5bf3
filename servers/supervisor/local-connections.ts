/** Connections of this process with itself: one end is for a child, whose own port it may share with other workers. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Both ends of a connection. `theirs` was not read from, and is to be sent or destroyed. */
export interface Pair {
  readonly ours: Socket
  readonly theirs: Socket
}

/** Loopback is there on every machine, whatever the services listen on. */
const address = '127.0.0.1'

/** A connection with oneself that takes longer is none. */
const patienceMs = 2_000

/** Makes pairs, one at a time. Listens from the first one on; whoever else connects there is hung up on. `close` ends it. */
export class LocalConnections {
  #server: Server | null = null
  #making: Promise<unknown> = Promise.resolve()

  /** @throws the system's error where no connection can be had, for want of descriptors say */
  pair(): Promise<Pair> {
    const pair = this.#making.then(() => this.#make())
    // Who asked for the one before hears of its failure.
    this.#making = pair.catch(() => undefined)
    return pair
  }

  close(): void {
    this.#server?.close()
    this.#server = null
  }

  async #make(): Promise<Pair> {
    const signal = AbortSignal.timeout(patienceMs)
    const server = await this.#listening()
    const at = server.address()
    if (at === null || typeof at === 'string') throw new Error('a listener without an address')
    // Others may come at the same moment: ours is known by the port that it comes from, once it has one.
    const arrived: Socket[] = []
    const take = (socket: Socket) => arrived.push(socket)
    server.on('connection', take)
    const ours = connect({ port: at.port, host: address, noDelay: true })
    let theirs: Socket | undefined
    try {
      await once(ours, 'connect', { signal })
      const isTheirs = ({ remotePort }: Socket) => remotePort === ours.localPort
      for (;;) {
        theirs = arrived.find(isTheirs)
        if (theirs !== undefined) return { ours, theirs }
        await once(server, 'connection', { signal })
      }
    } finally {
      server.off('connection', take)
      for (const socket of arrived) if (socket !== theirs) socket.destroy()
      if (theirs === undefined) ours.destroy()
    }
  }

  async #listening(): Promise<Server> {
    if (this.#server !== null) return this.#server
    const server = createServer({ pauseOnConnect: true, noDelay: true })
    server.unref()
    server.on('connection', (socket) => {
      socket.on('error', () => socket.destroy())
      // Nobody has asked for it.
      if (server.listenerCount('connection') === 1) socket.destroy()
    })
    server.listen(0, address)
    await once(server, 'listening')
    this.#server = server
    return server
  }
}
