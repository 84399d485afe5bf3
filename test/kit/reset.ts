import type { Socket } from 'node:net'

/**
 * Ends a connection with a reset, as a crashed program does. Where its own end is just on its way that is awaited: Node (26.10) never
 * closes the descriptor of a connection that is reset in the middle of its shutdown (libuv answers EINVAL, the handle is forgotten).
 * @param raw   what can be reset: a connection of TCP
 * @param above what is encrypted over it: its end is that of the connection
 */
export const reset = (raw: Socket, ...above: readonly Socket[]): void => {
  // Its end, if it comes to that, begins with the connection.
  if (raw.connecting) return void raw.once('connect', () => reset(raw, ...above))
  const ending = [raw, ...above].find((socket) => socket.writableEnded && !socket.writableFinished && !socket.destroyed)
  if (ending === undefined) raw.resetAndDestroy()
  else ending.once('finish', () => reset(raw, ...above))
}
