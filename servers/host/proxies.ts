/** Proxies in front of a service: who is believed, and what they say of a connection before its first octet. */
import type { Socket } from 'node:net'
import { Addresses } from '../../shared/net/addresses.ts'
import { type Endpoint, localOf, remoteOf } from '../../shared/net/endpoint.ts'
import { firstOctets, type Look } from '../../shared/net/first-octets.ts'
import { type Ends, IntroductionError, readProxyHeader } from '../../shared/net/proxy-header.ts'
import { endingOf } from '../../shared/service.ts'

/** The addresses and networks (`10.0.0.0/8`) from which a header is believed, and required. */
export class Proxies {
  readonly #listed: Addresses
  readonly #waitMs: number

  /** @param waitMs how long a proxy may take over its header */
  constructor(from: readonly string[], waitMs: number) {
    this.#waitMs = waitMs
    this.#listed = new Addresses(from)
  }

  /** Whether whoever comes from there is one of them. */
  has(end: Endpoint): boolean {
    return this.#listed.has(end)
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
  const header = await firstOctets(socket, seenIn, waitMs, signal)
  if (header.state === 'told') {
    if (header.value.state === 'wrong') throw new IntroductionError(header.value.why)
    return header.value.ends
  }
  // Its end is told by the signal first.
  const gone = header.why === 'closed' || (header.why === 'aborted' && endingOf(signal) === 'closed')
  if (gone) throw new IntroductionError(header.octets === 0 ? 'silent' : 'closed')
  throw new IntroductionError(header.why === 'timeout' ? 'timeout' : 'ended')
}

/** Of what begins with a wrong header nothing is put back: nobody goes on with it. */
const seenIn = (octets: Buffer): Look<Exclude<ReturnType<typeof readProxyHeader>, { readonly state: 'incomplete' }>> => {
  const reading = readProxyHeader(octets)
  if (reading.state === 'incomplete') return reading
  return { state: 'told', value: reading, used: reading.state === 'wrong' ? octets.length : reading.octets }
}
