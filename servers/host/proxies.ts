/** Proxies in front of a service: who is believed, and what they say of a connection before its first octet. */
import { BlockList, isIPv6, type Socket } from 'node:net'
import { type Endpoint, localOf, remoteOf } from '../../shared/net/endpoint.ts'
import { type Ends, IntroductionError, readProxyHeader } from '../../shared/net/proxy-header.ts'
import { endingOf } from '../../shared/service.ts'

/** The addresses and networks (`10.0.0.0/8`) from which a header is believed, and required. */
export class Proxies {
  readonly #listed = new BlockList()
  readonly #waitMs: number

  /** @param waitMs how long a proxy may take over its header */
  constructor(from: readonly string[], waitMs: number) {
    this.#waitMs = waitMs
    for (const network of from) {
      const [address = '', prefix] = network.split('/')
      const family = isIPv6(address) ? 'ipv6' : 'ipv4'
      if (prefix === undefined) this.#listed.addAddress(address, family)
      else this.#listed.addSubnet(address, Number(prefix), family)
    }
  }

  /** Whether whoever comes from there is one of them. */
  has({ address }: Endpoint): boolean {
    const plain = address.split('%', 1)[0] ?? ''
    return this.#listed.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
  }

  /**
   * The two ends of the connection: of the client where a proxy hands it on, else of the socket itself. Nobody may have read the
   * socket before; what comes behind the header stays to be read. A client that shuts its side at once may have ended the stream by then.
   * @param signal gives up
   * @throws {IntroductionError}
   */
  async endsOf(socket: Socket, signal: AbortSignal): Promise<Ends> {
    const own = { remote: remoteOf(socket), local: localOf(socket) }
    return this.has(own.remote) ? ((await readHeader(socket, this.#waitMs, signal)) ?? own) : own
  }
}

/** The header at the begin of what a socket brings. */
const readHeader = async (socket: Socket, waitMs: number, signal: AbortSignal): Promise<Ends | null> => {
  const read = Promise.withResolvers<Ends | null>()
  const fail = (why: IntroductionError['code']) => read.reject(new IntroductionError(why))
  const held: Buffer[] = []
  let octets = 0
  let least = 0
  const take = () => {
    for (;;) {
      const chunk: unknown = socket.read()
      if (!Buffer.isBuffer(chunk)) return
      held.push(chunk)
      octets += chunk.length
      if (octets < least) continue
      const all = Buffer.concat(held.splice(0))
      held.push(all)
      const reading = readProxyHeader(all)
      if (reading.state === 'incomplete') {
        least = reading.least
        continue
      }
      socket.off('readable', take)
      if (reading.state === 'wrong') return fail(reading.why)
      if (all.length > reading.octets) socket.unshift(all.subarray(reading.octets))
      return read.resolve(reading.ends)
    }
  }
  const closed = () => fail(octets === 0 ? 'silent' : 'closed')
  // Its end is told by the signal first.
  const aborted = () => (endingOf(signal) === 'closed' ? closed() : fail('ended'))
  const timer = setTimeout(() => fail('timeout'), waitMs)
  socket.on('readable', take)
  socket.once('end', closed)
  socket.once('close', closed)
  signal.addEventListener('abort', aborted)
  if (signal.aborted) aborted()
  try {
    const ends = await read.promise
    // Until then the stream takes us for its reader; whoever is next finds it as it was.
    await new Promise((resolve) => process.nextTick(resolve))
    return ends
  } finally {
    clearTimeout(timer)
    socket.off('readable', take)
    socket.off('end', closed)
    socket.off('close', closed)
    signal.removeEventListener('abort', aborted)
  }
}
