/** What follows on 101: octets both ways, of whatever protocol (RFC 9110 §7.8). */
import type { Duplex } from 'node:stream'
import type { Delivery, Exchange, Head } from './exchange.ts'

/** Who is at the other end, and how long both may be silent. */
export interface Peer {
  readonly peer: Duplex
  readonly idleMs: number
}

/**
 * Resolves when the peer is gone: since either side was done, or broke off, was silent for too long, or the conversation has to end. Each
 * side is read no faster than the other takes it; the end of one is passed on to the other.
 * @returns octets that went to the client; complete where neither side broke off
 */
export const tunnel = async (exchange: Exchange, head: Head, { peer, idleMs }: Peer, signal: AbortSignal): Promise<Delivery> => {
  if (exchange.upgrade === null) {
    peer.destroy()
    throw new Error('the request asks for no other protocol')
  }
  const client = exchange.upgrade.accept(head)
  let octets = 0
  let broken = false
  const end = () => peer.destroy()
  const fail = () => {
    broken = true
    end()
  }
  const timer = setTimeout(end, idleMs)
  const said = () => void timer.refresh()
  peer.on('data', (part: Buffer) => {
    octets += part.length
    said()
  })
  client.on('data', said)
  peer.on('error', fail)
  client.on('error', fail)
  client.once('close', end)
  signal.addEventListener('abort', end, { once: true })
  const over = new Promise<void>((resolve) => peer.once('close', resolve))
  if (client.destroyed || signal.aborted) end()
  peer.pipe(client)
  client.pipe(peer)
  await over
  clearTimeout(timer)
  client.off('data', said)
  client.off('error', fail)
  client.off('close', end)
  client.unpipe(peer)
  signal.removeEventListener('abort', end)
  // The other end of the client's side is the host's to wait for.
  client.end()
  return { complete: !broken, octets, failure: null }
}
