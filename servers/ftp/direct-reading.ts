/**
 * Octets of a connection read by the system right into memory of ours, in pieces as large as there is room: half the time of a processor
 * of what a stream takes, which brings 64 KiB at a time, each in memory of its own (Node 26.10, measured). Node offers that for
 * sockets that it connects (`onread`); for those that it accepts there is no public way, so the connection moves to a second socket.
 * Where Node is not as known, or the connection is encrypted, its stream is read as ever.
 */
import { Socket } from 'node:net'

/** Where octets go. */
export interface Sink {
  /** For the next ones; asked for at the beginning and behind each `came`. Nothing is put there while it said false. */
  readonly room: Buffer
  /** So many were put there. @returns whether more may come at once; else whoever said so calls `resume` of the socket */
  came(octets: number): boolean
}

/** What Node keeps of a connection. */
interface Handle {
  readonly reading: boolean
  useUserBuffer(octets: Uint8Array): void
}

const isHandle = (value: unknown): value is Handle =>
  typeof value === 'object' &&
  value !== null &&
  'useUserBuffer' in value &&
  typeof value.useUserBuffer === 'function' &&
  'reading' in value &&
  typeof value.reading === 'boolean'

/**
 * Moves a connection to a socket that reads it into a sink from now on; tells its end as any socket.
 * @param socket that nobody has begun to read; closed, when the connection has moved, without the connection
 * @returns null: it stays where it is
 */
export const readInto = (socket: Socket, sink: Sink): Socket | null => {
  // What is encrypted is read by whoever decrypts it.
  if (Object.getPrototypeOf(socket) !== Socket.prototype || socket.destroyed || socket.bytesRead > 0) return null
  const handle: unknown = Reflect.get(socket, '_handle')
  if (!isHandle(handle) || handle.reading) return null
  Reflect.set(socket, '_handle', null)
  socket.destroy()
  const onread = { buffer: () => sink.room, callback: (octets: number) => sink.came(octets) }
  const direct: Socket = Reflect.construct(Socket, [{ handle, allowHalfOpen: true, onread }])
  direct.resume()
  return direct
}
