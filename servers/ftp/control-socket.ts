import { Socket } from 'node:net'
import type { Connection } from '../../shared/service.ts'

/** The stream as a socket: nothing else has addresses. */
export const socketOf = ({ stream }: Connection): Socket => {
  if (!(stream instanceof Socket)) throw new TypeError('FTP needs a socket')
  return stream
}

/** Ends a socket from our side: resolves when the end is on its way, or the socket gone. */
export const endedWell = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => undefined)
    socket.once('close', () => resolve())
    socket.end(() => resolve())
  })
