/** The first octets of a connection, looked at before it is known who goes on with it: what was not used stays in the socket. */
import type { Duplex } from 'node:stream'

/** What is seen in the octets so far: more are needed, so many in all; or it is told, and so many of them are used up by it. */
export type Look<T> =
  | { readonly state: 'incomplete'; readonly least: number }
  | { readonly state: 'told'; readonly value: T; readonly used: number }

/** What came of it: told; or nothing was, after so many octets. */
export type FirstOctets<T> =
  | { readonly state: 'told'; readonly value: T }
  | { readonly state: 'over'; readonly why: 'closed' | 'timeout' | 'aborted'; readonly octets: number }

/**
 * Reads a socket until enough has come. Nobody may have read it before; where nothing was told, nobody can read it again.
 * @param look   is shown all that came so far, each time that there is as much as it wanted
 * @param signal gives up
 */
export const firstOctets = async <T>(
  socket: Duplex,
  look: (octets: Buffer) => Look<T>,
  waitMs: number,
  signal: AbortSignal,
): Promise<FirstOctets<T>> => {
  const known = Promise.withResolvers<FirstOctets<T>>()
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
      const seen = look(all)
      if (seen.state === 'incomplete') {
        least = seen.least
        continue
      }
      socket.off('readable', take)
      if (all.length > seen.used) socket.unshift(all.subarray(seen.used))
      return known.resolve(seen)
    }
  }
  const over = (why: 'closed' | 'timeout' | 'aborted') => () => known.resolve({ state: 'over', why, octets })
  const closed = over('closed')
  const aborted = over('aborted')
  const timer = setTimeout(over('timeout'), waitMs)
  socket.on('readable', take)
  socket.once('end', closed)
  socket.once('close', closed)
  signal.addEventListener('abort', aborted)
  if (signal.aborted) aborted()
  if (socket.destroyed) closed()
  try {
    return await known.promise
  } finally {
    clearTimeout(timer)
    socket.off('readable', take)
    socket.off('end', closed)
    socket.off('close', closed)
    signal.removeEventListener('abort', aborted)
    // Until then the stream takes us for its reader; whoever is next finds it as it was.
    await new Promise((resolve) => process.nextTick(resolve))
  }
}
